"""The producer's HTTP interface, with a publisher that the test decides about."""

import json

import pytest
from flask.testing import FlaskClient
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from prometheus_client import CollectorRegistry
from werkzeug.test import TestResponse

from kafkascope_demo.events import Event
from kafkascope_demo.faults import FaultSwitch
from kafkascope_demo.metricspage import MetricsPage
from kafkascope_demo.producer.app import MAX_BODY_BYTES, make_app
from kafkascope_demo.producer.metrics import OUTCOMES, ProducerMetrics
from kafkascope_demo.producer.publishing import (
    DeliveryFailedError,
    PublishError,
    QueueFullError,
    TooLargeError,
)
from kafkascope_demo.producer.settings import Ack

EVENT = {"title": "Shin Kafka", "speaker": "Shuhei Kawamura", "date": "2024-04-10 19:00"}


class FakePublisher:
    """Keeps events, or raises what it is told to."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.error: PublishError | None = None
        self.ill: str | None = None

    def publish(self, event: Event) -> None:
        """Keep the event."""
        if self.error is not None:
            raise self.error
        self.events.append(event)

    def problem(self) -> str | None:
        """What the test says."""
        return self.ill


class Service:
    """The application with its fake publisher."""

    def __init__(self, *, faults: bool = True, ack: Ack = "delivered") -> None:
        self.publisher = FakePublisher()
        self.now = 100.0
        scenario = FaultSwitch[str](lambda: self.now)
        registry = CollectorRegistry()
        metrics = ProducerMetrics(registry, lambda: scenario.fault)
        app = make_app(
            self.publisher, metrics, registry, ack=ack, scenario=scenario if faults else None
        )
        self.http: FlaskClient = app.test_client()

    def produce(self, body: object) -> TestResponse:
        """Send an event, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body)
        return self.http.post("/kafka/produce", data=data, content_type="application/json")

    def metrics(self) -> MetricsPage:
        """Scrape."""
        return MetricsPage.parse(self.http.get("/metrics").text)

    def outcomes(self) -> dict[str, float]:
        """Requests by outcome, those that there were."""
        counted = self.metrics().by("outcome", "kafkascope_demo_produce_requests_total")
        assert counted.keys() == set(OUTCOMES)
        return {outcome: value for outcome, value in counted.items() if value}


@pytest.fixture
def service() -> Service:
    """A producer service."""
    return Service()


@pytest.mark.parametrize(("ack", "outcome"), [("delivered", "acked"), ("submitted", "submitted")])
def test_an_event_is_acknowledged_as_in_the_talk(ack: Ack, outcome: str) -> None:
    """`{"message": "ack"}`; the outcome says when that was."""
    service = Service(ack=ack)
    answer = service.produce(EVENT)
    assert (answer.status_code, answer.json) == (200, {"message": "ack"})
    assert service.publisher.events == [Event(**EVENT)]
    assert service.outcomes() == {outcome: 1}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "this is not JSON: "),
        (b"", "this is not JSON: "),
        (b"\xff", "this is not UTF-8: "),
        ([EVENT], "an event is a JSON object"),
        ({"title": "a", "date": "c"}, "the field speaker is missing"),
        ({**EVENT, "date": 20240410}, "the field date is not a string"),
        ({**EVENT, "title": None}, "the field title is not a string"),
    ],
)
def test_what_is_no_event_is_refused_with_the_reason(
    service: Service, body: object, message: str
) -> None:
    """400; nothing goes to Kafka."""
    answer = service.produce(body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["message"].startswith(message)
    assert service.publisher.events == []
    assert service.outcomes() == {"invalid": 1}


def test_another_content_type_is_refused(service: Service) -> None:
    """415, with what to send."""
    answer = service.http.post("/kafka/produce", data=EVENT)
    assert answer.status_code == 415
    assert answer.json == {"message": "send the event as Content-Type: application/json"}
    assert service.outcomes() == {"unsupported_media_type": 1}


def test_a_charset_beside_the_content_type_is_fine(service: Service) -> None:
    """As browsers send it."""
    kind = "application/json; charset=utf-8"
    answer = service.http.post("/kafka/produce", data=json.dumps(EVENT), content_type=kind)
    assert answer.status_code == 200


def test_a_large_request_is_refused(service: Service) -> None:
    """413, before it is read."""
    answer = service.produce({**EVENT, "title": "x" * MAX_BODY_BYTES})
    assert answer.status_code == 413
    assert answer.json == {"message": f"the request is larger than {MAX_BODY_BYTES} bytes"}
    assert service.outcomes() == {"too_large": 1}


@pytest.mark.parametrize(
    ("error", "status", "retry_after", "outcome"),
    [
        (QueueFullError("full"), 503, "1", "queue_full"),
        (DeliveryFailedError("no"), 503, "5", "delivery_failed"),
        (TooLargeError("fat"), 413, None, "too_large"),
    ],
)
def test_a_failure_of_kafka_is_shown(
    service: Service, error: PublishError, status: int, retry_after: str | None, outcome: str
) -> None:
    """The talk's producer said `ack` all the same."""
    service.publisher.error = error
    answer = service.produce(EVENT)
    assert (answer.status_code, answer.json) == (status, {"message": str(error)})
    assert answer.headers.get("Retry-After") == retry_after
    assert service.outcomes() == {outcome: 1}


def test_health_has_the_shape_of_helidons(service: Service) -> None:
    """At both addresses; DOWN says why."""
    up = {"status": "UP", "checks": [{"name": "kafka", "status": "UP", "data": {}}]}
    assert [service.http.get(path).json for path in ("/health", "/healthz")] == [up, up]
    service.publisher.ill = "Kafka does not answer"
    answer = service.http.get("/healthz")
    data = {"reason": "Kafka does not answer"}
    check = {"name": "kafka", "status": "DOWN", "data": data}
    assert (answer.status_code, answer.json) == (503, {"status": "DOWN", "checks": [check]})


def test_the_openapi_document_describes_every_answer(service: Service) -> None:
    """Each reference in it leads somewhere."""
    document = service.http.get("/openapi").json
    assert document is not None
    assert document["openapi"] == "3.1.0"
    produce = document["paths"]["/kafka/produce"]["post"]
    assert set(produce["responses"]) == {"200", "400", "413", "415", "503"}
    text = json.dumps(document)
    for name in ("Event", "Message", "Health"):
        assert f"#/components/schemas/{name}" in text
        assert name in document["components"]["schemas"]


def test_openmetrics_has_the_trace_of_an_observation(service: Service) -> None:
    """Where a scraper asks for it; a request that is sampled out has none."""
    for flags in (TraceFlags.SAMPLED, TraceFlags.DEFAULT):
        context = SpanContext(0xABC + flags, 0xDEF, is_remote=False, trace_flags=TraceFlags(flags))
        with use_span(NonRecordingSpan(context)):
            service.produce(EVENT)
    page = service.http.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert page.content_type.startswith("application/openmetrics-text; version=1.0.0")
    traces = [line for line in page.text.splitlines() if "trace_id=" in line]
    assert len(traces) == 1
    assert f'trace_id="{0xABC + 1:032x}"' in traces[0]
    assert f'span_id="{0xDEF:016x}"' in traces[0]
    assert page.text.endswith("# EOF\n")


def test_requests_that_never_reach_kafka_are_not_timed(service: Service) -> None:
    """They would pull the latency down."""
    service.produce(EVENT)
    service.produce(b"{")
    page = service.metrics()
    assert page.total("kafkascope_demo_produce_duration_seconds_count") == 1


def test_a_scenario_is_shown_until_it_expires(service: Service) -> None:
    """Also when nobody ends it."""
    body = {"scenario": "flood", "expires_seconds": 30}
    answer = service.http.put("/faults", json=body)
    assert (answer.status_code, answer.json) == (200, body)
    service.now += 29
    assert service.metrics().by("name", "kafkascope_demo_scenario") == {"flood": 1}
    service.now += 1
    assert service.metrics().by("name", "kafkascope_demo_scenario") == {}
    assert service.http.get("/faults").json == {"scenario": None, "expires_seconds": None}


def test_a_scenario_can_be_ended(service: Service) -> None:
    """By DELETE."""
    service.http.put("/faults", json={"scenario": "flood"})
    assert service.http.delete("/faults").json == {"scenario": None, "expires_seconds": None}
    assert service.metrics().by("name", "kafkascope_demo_scenario") == {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "a fault is a JSON object"),
        ({}, "scenario is not a name of at most 64 characters"),
        ({"scenario": "a" * 65}, "scenario is not a name of at most 64 characters"),
        ({"scenario": "a", "expires_seconds": "1"}, "expires_seconds is not a number"),
        ({"scenario": "a", "expires_seconds": True}, "expires_seconds is not a number"),
        ({"scenario": "a", "expires_seconds": 0}, "expires_seconds is not above 0 and at most"),
        ({"scenario": "a", "expires_seconds": 1e9}, "expires_seconds is not above 0 and at most"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(
    service: Service, body: object, message: str
) -> None:
    """400, with the reason."""
    answer = service.http.put("/faults", json=body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["message"].startswith(message)


def test_without_faults_there_is_no_such_resource() -> None:
    """Nobody switches a fault on where that is not wanted."""
    assert Service(faults=False).http.put("/faults", json={"scenario": "a"}).status_code == 404
