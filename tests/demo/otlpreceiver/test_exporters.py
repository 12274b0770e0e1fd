"""OpenTelemetry's own exporters deliver to the receiver, over a real socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import requests
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, format_trace_id

from kafkascope_demo.addresses import TraceBackend
from kafkascope_demo.tracestores import open_store
from tests.demo.otlpreceiver.receivers import Receiver, serving

RESOURCE: Final = Resource({"service.name": "shop", "list": ["a", "b"]})


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver that serves."""
    with serving(tmp_path / "otlp.sqlite3") as receiver:
        yield receiver


@pytest.mark.parametrize("compression", list(Compression))
def test_spans_of_the_sdk_arrive(receiver: Receiver, compression: Compression) -> None:
    """With each compression that its exporter knows."""
    exporter = OTLPSpanExporter(f"{receiver.url}/v1/traces", compression=compression)
    provider = TracerProvider(resource=RESOURCE)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("tests", "1.0")
    with tracer.start_as_current_span("send", kind=SpanKind.PRODUCER) as sent:
        context = sent.get_span_context()
        with tracer.start_span("process", kind=SpanKind.CONSUMER, links=[Link(context)]) as span:
            span.set_attributes({"number": 2**53 + 1, "ratio": 0.5, "ok": True, "many": [1, 2]})
            span.set_status(Status(StatusCode.ERROR, "poison"))
    provider.shutdown()
    trace_id = format_trace_id(context.trace_id)
    found = requests.get(f"{receiver.url}/api/traces/{trace_id}", timeout=10).json()
    root, child = found["spans"]
    assert (root["name"], root["kind"], root["parentSpanId"]) == ("send", "PRODUCER", None)
    assert child["parentSpanId"] == root["spanId"]
    assert child["attributes"] == {"number": 2**53 + 1, "ratio": 0.5, "ok": True, "many": [1, 2]}
    assert child["links"][0]["spanId"] == root["spanId"]
    assert child["status"] == {"code": "ERROR", "message": "poison"}
    assert child["resource"] == {"service.name": "shop", "list": ["a", "b"]}
    (listed,) = requests.get(f"{receiver.url}/api/traces", timeout=10).json()["traces"]
    assert (listed["traceId"], listed["root"], listed["services"]) == (trace_id, "send", ["shop"])
    assert (listed["spans"], listed["errors"]) == (2, 1)


def test_the_verifier_reads_what_the_sdk_sent(receiver: Receiver) -> None:
    """Its adapter understands this receiver, an unknown trace included."""
    store = open_store(TraceBackend("receiver", receiver.url))
    provider = TracerProvider(resource=RESOURCE)
    exporter = OTLPSpanExporter(f"{receiver.url}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with provider.get_tracer("tests").start_as_current_span("send", kind=SpanKind.PRODUCER) as sent:
        pass
    provider.shutdown()
    (span,) = store.trace(format_trace_id(sent.get_span_context().trace_id))
    assert (span.name, span.kind, span.service, span.parent_span_id) == (
        "send",
        "producer",
        "shop",
        None,
    )
    assert store.trace("0" * 31 + "1") == ()


def test_metrics_of_the_sdk_arrive(receiver: Receiver) -> None:
    """Counters and histograms."""
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{receiver.url}/v1/metrics"))
    provider = MeterProvider([reader], resource=RESOURCE)
    meter = provider.get_meter("tests")
    meter.create_counter("requests").add(3, {"outcome": "acked"})
    meter.create_histogram("duration", unit="s").record(0.2)
    provider.shutdown()
    url = f"{receiver.url}/api/metrics"
    (counter,) = requests.get(url, {"name": "requests"}, timeout=10).json()["metrics"]
    assert (counter["value"], counter["attributes"]) == (3, {"outcome": "acked"})
    assert (counter["service"], counter["monotonic"]) == ("shop", True)
    (histogram,) = requests.get(url, {"name": "duration"}, timeout=10).json()["metrics"]
    assert (histogram["count"], histogram["sum"], histogram["unit"]) == (1, 0.2, "s")


def test_logs_of_the_sdk_arrive_with_their_trace(receiver: Receiver) -> None:
    """A line that is logged in a span is found by the span's trace."""
    logs = LoggerProvider(RESOURCE)
    logs.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(f"{receiver.url}/v1/logs"))
    )
    with TracerProvider().get_tracer("tests").start_as_current_span("work") as span:
        logs.get_logger("tests").emit(
            LogRecord(body="Kafka says: hello", severity_number=SeverityNumber.INFO)
        )
    logs.shutdown()
    trace_id = format_trace_id(span.get_span_context().trace_id)
    answer = requests.get(f"{receiver.url}/api/logs", {"traceId": trace_id}, timeout=10)
    (log,) = answer.json()["logs"]
    assert (log["body"], log["service"], log["severityNumber"]) == ("Kafka says: hello", "shop", 9)
