"""Parts that both services are made of: telemetry's environment, logs, probes, the HTTP server."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from confluent_kafka import KafkaError, KafkaException
from flask import Flask
from opentelemetry.sdk.trace.export import SpanExportResult
from prometheus_client import REGISTRY

from kafkascope_demo.httpserver import HttpServer
from kafkascope_demo.kafkareachable import KafkaReachable
from kafkascope_demo.logs import LineFormatter, start_logging
from kafkascope_demo.otlpexporters.failures import SIGNALS, counted
from kafkascope_demo.telemetryenvironment import telemetry_environment
from kafkascope_demo.zerocode import is_instrumented
from tests.waiting import wait_until

METRICS = "OTEL_METRICS_EXPORTER"


def test_telemetry_is_the_talks_by_default() -> None:
    """Traces by OTLP over HTTP, no other signal, receive spans at the consumer."""
    producer = telemetry_environment({}, "producer")
    consumer = telemetry_environment({}, "consumer")
    assert producer["OTEL_SERVICE_NAME"] == "kafka-producer"
    assert consumer["OTEL_SERVICE_NAME"] == "kafka-consumer"
    assert producer["OTEL_TRACES_EXPORTER"] == "kafkascope_otlp_http"
    assert (producer[METRICS], producer["OTEL_LOGS_EXPORTER"]) == ("kafkascope_registry", "none")
    assert producer["OTEL_PROPAGATORS"] == "tracecontext,baggage,b3"
    receive = "OTEL_INSTRUMENTATION_MESSAGING_EXPERIMENTAL_RECEIVE_TELEMETRY_ENABLED"
    assert (receive in producer, consumer[receive]) == (False, "true")


@pytest.mark.parametrize(
    ("set_to", "exporters"),
    [
        ("none", "kafkascope_registry"),
        ("", "kafkascope_registry"),
        ("prometheus", "kafkascope_registry"),
        ("otlp", "kafkascope_registry,kafkascope_otlp_http"),
        ("console, otlp", "kafkascope_registry,console,kafkascope_otlp_http"),
        ("kafkascope_registry", "kafkascope_registry"),
    ],
)
def test_metrics_are_always_served_too(set_to: str, exporters: str) -> None:
    """Whatever else is done with them; without the port apart of OpenTelemetry's own."""
    assert telemetry_environment({METRICS: set_to}, "producer")[METRICS] == exporters


def test_each_signal_has_its_protocol() -> None:
    """The variable of one signal counts more than that of all."""
    chosen = telemetry_environment(
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf",
            "OTEL_LOGS_EXPORTER": "otlp",
        },
        "consumer",
    )
    assert chosen["OTEL_TRACES_EXPORTER"] == "kafkascope_otlp_grpc"
    assert chosen["OTEL_LOGS_EXPORTER"] == "kafkascope_otlp_http"


def test_translating_twice_changes_nothing() -> None:
    """A process that is started again reads what it wrote."""
    once = telemetry_environment({METRICS: "otlp"}, "consumer")
    assert telemetry_environment(once, "consumer") == once


def test_a_service_name_among_the_resource_attributes_counts() -> None:
    """The default would be stronger than it."""
    attributes = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=mine,service.namespace=ochacafe"}
    assert "OTEL_SERVICE_NAME" not in telemetry_environment(attributes, "producer")


@pytest.mark.parametrize(
    ("path", "instrumented"),
    [
        ("", False),
        ("/app", False),
        ("/env/opentelemetry/instrumentation/auto_instrumentation:/app", True),
        ("/app:/otel/opentelemetry/instrumentation/auto_instrumentation/", True),
    ],
)
def test_a_process_knows_whether_it_is_instrumented(path: str, *, instrumented: bool) -> None:
    """By `opentelemetry-instrument` or by the Operator."""
    assert is_instrumented({"PYTHONPATH": path}) is instrumented


def failures(signal: str) -> float:
    """Failed exports so far."""
    labels = {"signal": signal}
    found = REGISTRY.get_sample_value("kafkascope_demo_otlp_export_failures_total", labels)
    assert found is not None, signal
    return found


def test_failed_exports_are_counted() -> None:
    """By what the exporter returns or raises; there is a sample for each signal from the start."""
    before = {signal: failures(signal) for signal in SIGNALS}

    def raising() -> SpanExportResult:
        raise OSError("gone")

    assert counted("traces", lambda: SpanExportResult.SUCCESS) is SpanExportResult.SUCCESS
    assert counted("traces", lambda: SpanExportResult.FAILURE) is SpanExportResult.FAILURE
    with pytest.raises(OSError, match="gone"):
        counted("traces", raising)
    expected = {**before, "traces": before["traces"] + 2}
    assert {signal: failures(signal) for signal in SIGNALS} == expected


def test_a_log_record_is_one_line_with_its_trace() -> None:
    """Whatever somebody has put into a message."""
    record = logging.LogRecord("a", logging.INFO, "", 0, "x\ny\r\x1b[2J\u2028", None, None)
    assert (
        LineFormatter()
        .format(record)
        .endswith("INFO a trace_id=- span_id=- x\\ny\\r\\x1b[2J\\u2028")
    )
    record.otelTraceID, record.otelSpanID = "ab" * 16, "cd" * 8
    assert f"trace_id={'ab' * 16} span_id={'cd' * 8} x" in LineFormatter().format(record)


def test_logging_takes_the_place_of_what_wrote_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves other handlers, such as the one for OTLP."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    doubled, other = logging.StreamHandler(errors), logging.NullHandler()
    root.addHandler(doubled)
    root.addHandler(other)
    try:
        start_logging()
        logging.getLogger("a").info("once")
        assert errors.getvalue().count("once") == 1
        assert other in root.handlers
    finally:
        root.handlers[:] = before
        root.setLevel(level)


class FakeClient:
    """Answers for metadata, or does not."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None

    def list_topics(self, topic: str, timeout: float) -> object:
        """Count the request."""
        assert (topic, timeout) == ("events", 2.0)
        self.asked += 1
        if self.error is not None:
            raise self.error
        return None


def test_kafka_is_asked_once_in_a_while() -> None:
    """However many probes there are."""
    client, now = FakeClient(), [0.0]
    reachable = KafkaReachable(client, "events", lambda: now[0])
    assert [reachable.problem() for _ in range(100)] == [None] * 100
    assert client.asked == 1
    client.error = KafkaException(KafkaError(KafkaError._TRANSPORT))
    now[0] += 4.9
    assert reachable.problem() is None
    now[0] += 0.1
    problem = reachable.problem()
    assert problem is not None
    assert problem.startswith("Kafka does not answer: ")
    assert client.asked == 2


def test_a_closed_client_is_a_problem() -> None:
    """The service is on its way out."""
    client = FakeClient()
    client.error = RuntimeError("Handle has been closed")
    assert KafkaReachable(client, "events").problem() == "the service is stopping"


class SlowApp:
    """An application whose answer waits for the test."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.app = Flask(__name__)
        self.app.get("/slow")(self.slow)

    def slow(self) -> str:
        """Answer when the test says so."""
        self.begun.set()
        assert self.may_end.wait(30)
        return "done"


@contextmanager
def serving(application: Flask) -> Iterator[tuple[HttpServer, str]]:
    """A server and its address."""
    server = HttpServer(application, "127.0.0.1", 0, threads=2)
    server.start()
    try:
        yield server, f"http://127.0.0.1:{server.port}"
    finally:
        server.close(5)


def test_a_server_that_closes_answers_what_is_under_way() -> None:
    """And takes nothing new."""
    slow, answers = SlowApp(), list[str]()
    with serving(slow.app) as (server, url):
        asking = threading.Thread(
            target=lambda: answers.append(requests.get(f"{url}/slow", timeout=30).text)
        )
        asking.start()
        assert slow.begun.wait(10)
        closing = threading.Thread(target=server.close, args=(20,))
        closing.start()

        def refused() -> bool:
            try:
                requests.get(url, timeout=5)
            except requests.ConnectionError:
                return True
            return False

        wait_until(refused, 10, "the server to take no connection")
        slow.may_end.set()
        asking.join(20)
        closing.join(20)
    assert answers == ["done"]


def test_a_port_that_is_taken_is_an_error() -> None:
    """Of the operating system, for the service to tell."""
    with serving(Flask(__name__)) as (server, _), pytest.raises(OSError, match="in use"):
        HttpServer(Flask(__name__), "127.0.0.1", server.port, threads=1)
