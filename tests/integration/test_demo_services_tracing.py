"""One trace from the HTTP request to the consumer, whichever way the services are traced."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from kafkascope_demo.localkafka import LocalKafka
from tests.integration.otlp import OtlpReceiver, ReceivedSpan, otlp_receiver
from tests.integration.services import RunningService, running_service
from tests.integration.topics import delete_topics
from tests.waiting import wait_until

MESSAGING = {
    "producer": {"messaging_client_sent_messages_total", "messaging_client_operation_duration"},
    "consumer": {
        "messaging_client_consumed_messages_total",
        "messaging_client_operation_duration",
        "messaging_process_duration",
    },
}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def events(admin: AdminClient, unique_name: Callable[[], str]) -> Iterator[str]:
    """Name of a topic that the services make themselves."""
    name = unique_name()
    yield name
    there = admin.list_topics(timeout=10).topics
    delete_topics(admin, [topic for topic in there if topic.startswith(name)])


@contextmanager
def services(
    kafka: LocalKafka, settings: dict[str, str], directory: Path
) -> Iterator[tuple[RunningService, RunningService]]:
    """A producer and a consumer, started at the same time."""
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        starting = [
            pool.submit(
                stack.enter_context,
                running_service(name, kafka, directory / f"{name}.log", settings),
            )
            for name in ("producer", "consumer")
        ]
        producer, consumer = (started.result() for started in starting)
        yield producer, consumer


def find(spans: list[ReceivedSpan], trace: str, service: str, kind: str) -> list[ReceivedSpan]:
    """The spans of a trace, of a service, of a kind."""
    return [
        span for span in spans if (span.trace_id, span.service, span.kind) == (trace, service, kind)
    ]


def assert_connected(spans: list[ReceivedSpan], topic: str, trace: str, root: str) -> ReceivedSpan:
    """One trace: server, send, process; and a receive span that links to it. Give the process."""
    (server,) = find(spans, trace, "kafka-producer", "SERVER")
    (send,) = find(spans, trace, "kafka-producer", "PRODUCER")
    (process,) = find(spans, trace, "kafka-consumer", "CONSUMER")
    assert (server.name, server.parent_id) == ("POST /kafka/produce", root)
    assert (send.name, send.parent_id) == (f"send {topic}", server.span_id)
    assert (process.name, process.parent_id) == (f"process {topic}", send.span_id)
    assert process.links == ((trace, send.span_id),)
    polls = [span for span in spans if span.name == f"poll {topic}"]
    assert [poll.links for poll in polls] == [((trace, send.span_id),)]
    assert not any(span.error for span in spans)
    return process


@pytest.mark.parametrize("tracing", ["auto", "interceptor", "wrap"])
def test_one_trace_goes_from_the_request_to_the_consumer(
    kafka: LocalKafka, events: str, group: str, tracing: str, tmp_path: Path
) -> None:
    """With baggage, in the logs, in exemplars, and with the messaging metrics on `/metrics`."""
    trace, root, mark = secrets.token_hex(16), secrets.token_hex(8), secrets.token_hex(4)
    with otlp_receiver() as receiver:
        settings = {
            "TRACING": tracing,
            "TOPIC": events,
            "GROUP_ID": group,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        }
        with services(kafka, settings, tmp_path) as (producer, consumer):
            headers = {"traceparent": f"00-{trace}-{root}-01", "baggage": f"mark={mark}"}
            assert producer.produce("a", **headers).status_code == 200
            wait_until(consumer.said, 30, "the event to be logged")
            wait_until(
                lambda: find(receiver.spans, trace, "kafka-consumer", "CONSUMER"), 30, "the span"
            )
            assert_measured(producer, consumer, trace)
            (said,) = (line for line in consumer.text().splitlines() if "Kafka says" in line)
            assert (producer.end(), consumer.end()) == (0, 0)
        process = assert_connected(receiver.spans, events, trace, root)
    assert f"mark={mark}" in str(process.attributes["messaging.header.baggage"])
    assert f"trace_id={trace} span_id={process.span_id} " in said
    for service in (producer, consumer):
        assert "Traceback" not in service.text()
        assert " ERROR " not in service.text()


def assert_measured(producer: RunningService, consumer: RunningService, trace: str) -> None:
    """The four metrics of the conventions are there, and exemplars name the trace."""
    for name, service in (("producer", producer), ("consumer", consumer)):
        page = service.metrics()
        served = {sample.removesuffix("_seconds_count") for sample in page.samples}
        assert served >= MESSAGING[name]
        assert page.total("kafkascope_demo_otlp_export_failures_total") == 0
        text = service.openmetrics()
        assert text.endswith("# EOF\n")
        assert f'trace_id="{trace}"' in text


def test_nothing_is_traced_when_it_is_off(
    kafka: LocalKafka, events: str, group: str, tmp_path: Path
) -> None:
    """And nothing is sent anywhere; the context of the request is not passed on."""
    with otlp_receiver() as receiver:
        settings = {
            "TRACING": "off",
            "TOPIC": events,
            "GROUP_ID": group,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        }
        with services(kafka, settings, tmp_path) as (producer, consumer):
            trace = secrets.token_hex(16)
            sent = producer.produce("a", traceparent=f"00-{trace}-{secrets.token_hex(8)}-01")
            assert sent.status_code == 200
            wait_until(consumer.said, 30, "the event to be logged")
            assert "trace_id=- span_id=- Kafka says" in consumer.text()
            assert producer.metrics().total("messaging_client_sent_messages_total") is None
        assert receiver.spans == []


class GrpcReceiver(TraceServiceServicer):
    """Takes spans over gRPC."""

    def __init__(self) -> None:
        self.spans = OtlpReceiver("")

    def Export(  # noqa: N802 - so the protocol calls it
        self, request: ExportTraceServiceRequest, _context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        """Take them."""
        self.spans.take(request.SerializeToString())
        return ExportTraceServiceResponse()


@contextmanager
def grpc_receiver() -> Iterator[tuple[GrpcReceiver, str]]:
    """A receiver on a free port of loopback, and its endpoint."""
    server = grpc.server(ThreadPoolExecutor(1))
    receiver = GrpcReceiver()
    add_TraceServiceServicer_to_server(receiver, server)  # type: ignore[no-untyped-call]  # generated code
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield receiver, f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait(10)


@pytest.mark.parametrize("tracing", ["auto", "wrap"])
def test_spans_go_over_grpc_where_the_environment_says_so(
    kafka: LocalKafka, events: str, tracing: str, tmp_path: Path
) -> None:
    """With what the environment says of the service and of sampling."""
    with grpc_receiver() as (receiver, endpoint):
        settings = {
            "TRACING": tracing,
            "TOPIC": events,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=mine",
            "OTEL_TRACES_SAMPLER": "parentbased_always_off",
        }
        with running_service("producer", kafka, tmp_path / "log", settings) as producer:
            trace, span = secrets.token_hex(16), secrets.token_hex(8)
            assert producer.produce("unsampled").status_code == 200
            sampled = producer.produce("sampled", traceparent=f"00-{trace}-{span}-01")
            assert sampled.status_code == 200
            assert producer.end() == 0
        spans = receiver.spans.spans
    assert {(span.service, span.trace_id) for span in spans} == {("mine", trace)}
    assert sorted(span.kind for span in spans) == ["PRODUCER", "SERVER"]


def test_exports_that_fail_are_counted_and_hold_nothing_up(
    kafka: LocalKafka, events: str, tmp_path: Path
) -> None:
    """Requests are answered while the backend is away, and the service ends."""
    settings = {
        "TRACING": "auto",
        "TOPIC": events,
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    with running_service("producer", kafka, tmp_path / "log", settings) as producer:

        def failed() -> float | None:
            page = producer.metrics()
            return page.total("kafkascope_demo_otlp_export_failures_total", signal="traces")

        assert failed() == 0
        assert producer.produce("a").status_code == 200
        wait_until(lambda: failed() == 1, 30, "the failure to be counted")
        assert producer.produce("b").status_code == 200
        assert producer.end() == 0


def test_a_dead_letter_is_in_the_trace_of_its_event(
    kafka: LocalKafka, events: str, group: str, producer: Producer, tmp_path: Path
) -> None:
    """Its send span is below the process span."""
    trace = secrets.token_hex(16)
    with otlp_receiver() as receiver:
        settings = {
            "TRACING": "auto",
            "TOPIC": events,
            "GROUP_ID": group,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        }
        with running_service("consumer", kafka, tmp_path / "log", settings) as consumer:
            wait_until(lambda: consumer.partitions() == 3, 30, "the assignment")
            context = f"00-{trace}-{secrets.token_hex(8)}-01"
            producer.produce(events, b"poison", headers={"traceparent": context.encode()})
            producer.flush(20)
            wait_until(
                lambda: find(receiver.spans, trace, "kafka-consumer", "PRODUCER"), 30, "the span"
            )
            wait_until(
                lambda: find(receiver.spans, trace, "kafka-consumer", "CONSUMER"), 30, "the other"
            )
        (process,) = find(receiver.spans, trace, "kafka-consumer", "CONSUMER")
        (send,) = find(receiver.spans, trace, "kafka-consumer", "PRODUCER")
    assert (send.name, send.parent_id) == (f"send {events}.dead-letter", process.span_id)
