"""The consumer's parts that need no Kafka: handling, progress, HTTP interface."""

import logging
import time

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_NOT_AVAILABLE, Message
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry

from kafkascope_demo.consumer.app import make_app
from kafkascope_demo.consumer.deadletters import DeadLetterError
from kafkascope_demo.consumer.fault import ProcessingFault
from kafkascope_demo.consumer.handling import EventHandler
from kafkascope_demo.consumer.metrics import ConsumerMetrics
from kafkascope_demo.consumer.progress import Progress
from kafkascope_demo.events import Event, NoEventError
from kafkascope_demo.faults import FaultSwitch

SHIN_KAFKA = Event("シン・Kafka", "Shuhei Kawamura", "2024-04-10 19:00")


class FakeDeadLetters:
    """Keeps what is no event, or refuses it."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes | None, str]] = []
        self.refuses = False

    def send(self, message: Message, why: NoEventError) -> None:
        """Keep a record."""
        if self.refuses:
            raise DeadLetterError("no")
        self.kept.append((message.value(), why.reason))


class Service:
    """A consumer without Kafka, at a time that the test decides about."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.kafka_problem: str | None = None
        self.assigned: frozenset[tuple[str, int]] = frozenset()
        self.dead_letters = FakeDeadLetters()
        self.registry = CollectorRegistry()
        self.fault = FaultSwitch[ProcessingFault](lambda: self.now)
        self.progress = Progress(30, lambda: self.now)
        self.handler = EventHandler(
            self.dead_letters,
            ConsumerMetrics(self.registry),
            lambda: self.fault.fault,
            self.slept.append,
        )
        app = make_app(
            self.progress.state,
            lambda: self.kafka_problem,
            lambda: self.assigned,
            self.registry,
            self.fault,
        )
        self.http: FlaskClient = app.test_client()

    def value(self, name: str, **labels: str) -> float | None:
        """The value of a sample."""
        return self.registry.get_sample_value(name, labels)

    def health(self) -> tuple[int, str, str | None]:
        """Status, state and reason that `/healthz` gives."""
        answer = self.http.get("/healthz")
        assert answer.json is not None
        (check,) = answer.json["checks"]
        return answer.status_code, check["data"]["state"], check["data"].get("reason")


@pytest.fixture
def service() -> Service:
    """A consumer service."""
    return Service()


def record(value: bytes | None, timestamp: tuple[int, int] | None = None) -> Message:
    """A record as Kafka's client gives it."""
    at = timestamp or (TIMESTAMP_CREATE_TIME, int(time.time() * 1000))
    return Message(topic="events", partition=1, offset=7, value=value, timestamp=at)


def test_an_event_is_logged_as_in_the_talk(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """`Kafka says: …`, with the text that is in Kafka."""
    with caplog.at_level(logging.INFO):
        service.handler.handle(record(SHIN_KAFKA.encode("java-tostring")))
    assert caplog.messages == [f"Kafka says: {SHIN_KAFKA.to_java()}"]
    assert service.value("kafkascope_demo_consumed_total", outcome="processed") == 1
    assert service.value("kafkascope_demo_end_to_end_duration_seconds_count") == 1


def test_the_end_to_end_latency_is_from_the_records_timestamp(service: Service) -> None:
    """A clock that is ahead gives zero, and no timestamp no latency."""
    name = "kafkascope_demo_end_to_end_duration_seconds"
    value = SHIN_KAFKA.encode("json")
    now = int(time.time() * 1000)
    service.handler.handle(record(value, (TIMESTAMP_CREATE_TIME, now + 60_000)))
    assert service.value(f"{name}_sum") == 0
    service.handler.handle(record(value, (TIMESTAMP_NOT_AVAILABLE, 0)))
    assert service.value(f"{name}_count") == 1
    service.handler.handle(record(value, (TIMESTAMP_CREATE_TIME, now - 60_000)))
    assert service.value(f"{name}_bucket", le="30.0") == 1
    assert service.value(f"{name}_bucket", le="120.0") == 2


@pytest.mark.parametrize(
    ("value", "reason"), [(None, "empty"), (b"\xff", "not_utf8"), (b"{}", "not_an_event")]
)
def test_what_is_no_event_is_given_away(service: Service, value: bytes | None, reason: str) -> None:
    """And counted with its reason."""
    service.handler.handle(record(value))
    assert service.dead_letters.kept == [(value, reason)]
    assert service.value("kafkascope_demo_dead_lettered_total", reason=reason) == 1
    assert service.value("kafkascope_demo_consumed_total", outcome="dead_lettered") == 1


def test_a_dead_letter_that_is_not_written_is_not_counted(service: Service) -> None:
    """Its record is to come again."""
    service.dead_letters.refuses = True
    with pytest.raises(DeadLetterError):
        service.handler.handle(record(b"poison"))
    assert service.value("kafkascope_demo_consumed_total", outcome="dead_lettered") == 0


def test_a_slow_consumer_takes_its_time_until_the_fault_expires(service: Service) -> None:
    """Over each record."""
    body = {"processing": "slow", "delay_seconds": 0.5, "expires_seconds": 60}
    assert service.http.put("/faults", json=body).json == body
    service.handler.handle(record(SHIN_KAFKA.encode("json")))
    service.now += 60
    service.handler.handle(record(SHIN_KAFKA.encode("json")))
    assert service.slept == [0.5]
    assert service.http.get("/faults").json == {
        "processing": "normal",
        "delay_seconds": 1.0,
        "expires_seconds": None,
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"processing": "lazy"}, "processing is not normal, slow or stuck"),
        ({"processing": "slow", "delay_seconds": 61}, "delay_seconds is not above 0 and at most"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    service: Service, body: dict[str, object], message: str
) -> None:
    """400, with the reason."""
    answer = service.http.put("/faults", json=body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["message"].startswith(message)


def test_the_assignment_is_listed_in_order(service: Service) -> None:
    """By topic and number."""
    service.assigned = frozenset({("events", 10), ("events", 2)})
    assert service.http.get("/assignment").json == {
        "partitions": [{"topic": "events", "partition": 2}, {"topic": "events", "partition": 10}]
    }


def test_a_consumer_that_has_not_begun_is_not_healthy(service: Service) -> None:
    """Its topics are not there yet."""
    assert service.health() == (503, "starting", "starting: the topics are not there yet")


def test_an_idle_consumer_is_healthy_for_ever(service: Service) -> None:
    """There is nothing to read."""
    service.progress.begin()
    for _ in range(100):
        service.now += 10
        service.progress.turn()
        service.progress.find(0)
    assert service.health() == (200, "idle", None)


def test_a_consumer_with_records_to_read_and_no_progress_is_stuck(service: Service) -> None:
    """After the time that the setting says, and until it makes progress."""
    service.progress.begin()
    for _ in range(29):
        service.now += 1
        service.progress.turn()
        service.progress.find(5)
    assert service.health() == (200, "consuming", None)
    service.now += 1
    service.progress.turn()
    status, state, reason = service.health()
    assert (status, state) == (503, "stuck")
    assert reason is not None
    assert reason.startswith("stuck: there are records to read")
    service.progress.finish()
    assert service.health() == (200, "consuming", None)


def test_a_consumer_that_hangs_in_one_record_is_stuck(service: Service) -> None:
    """Nobody looks for records to read meanwhile."""
    service.progress.begin()
    service.progress.turn()
    service.now += 30
    assert service.health()[:2] == (503, "stuck")


def test_a_consumer_without_kafka_is_not_healthy(service: Service) -> None:
    """Whatever it did last."""
    service.progress.begin()
    service.kafka_problem = "Kafka does not answer"
    assert service.health() == (503, "idle", "Kafka does not answer")
