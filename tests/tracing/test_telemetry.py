from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import pytest
from confluent_kafka import Producer as RawProducer
from opentelemetry import context, trace
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from opentelemetry.trace import NoOpTracer, NoOpTracerProvider, TracerProvider

from kafkascope_tracing import Consumer, KafkaTelemetry, Producer
from kafkascope_tracing.builder import KafkaTelemetryBuilder
from kafkascope_tracing.metrics import (
    CONSUMED_MESSAGES,
    OPERATION_DURATION,
    PROCESS_DURATION,
    SENT_MESSAGES,
)
from kafkascope_tracing.settings import read_settings
from kafkascope_tracing.telemetry import default_telemetry, set_default_telemetry
from tests.tracing.clients import Cluster, consume, poll, wait_for
from tests.tracing.collected import new_collector
from tests.tracing.messages import Message
from tests.tracing.recorder import Recorder
from tests.tracing.semconv import metric_faults, span_faults

TYPES: Final = {"create": "create", "send": "send", "poll": "receive", "process": "process"}


def run_everything(cluster: Cluster, telemetry: KafkaTelemetry) -> None:
    """Send, receive, process and commit, with and without batches and failures."""
    producer = cluster.producer(telemetry, message_max_bytes=1000)
    producer.produce(cluster.topic, b"v", key="k", partition=0)
    producer.produce(cluster.topic, None, partition=0)
    if hasattr(producer, "produce_batch"):
        producer.produce_batch(cluster.topic, [{"value": b"1"}, {"value": b"x" * 2000}])
    else:
        producer.produce(cluster.topic, b"1")
    with pytest.raises(Exception, match="too large"):
        producer.produce(cluster.topic, b"x" * 2000)
    producer.flush(30)
    consumer = cluster.consumer(telemetry)
    with telemetry.process(poll(consumer)):
        pass
    with pytest.raises(LookupError), telemetry.process(poll(consumer)):
        raise LookupError("no")
    (message,) = consume(consumer, 1)
    consumer.commit(message=message, asynchronous=False)


def test_every_span_is_as_the_table_of_the_conventions_has_it(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Successful and failed ones, single ones and batches."""
    telemetry = recorder.builder().set_messaging_receive_telemetry_enabled(True).build()
    run_everything(cluster, telemetry)

    kinds = set()
    for span in recorder.spans():
        operation = span.attributes["messaging.operation.type"]
        batch = "messaging.batch.message_count" in span.attributes
        assert span_faults(operation, span.attributes, failed=span.error, batch=batch) == []
        kinds.add((operation, batch, span.error))
    assert {("send", False, False), ("process", False, True), ("send", False, True)} <= kinds
    assert {("receive", True, False), ("settle", False, False)} <= kinds
    batches = {("send", True, True), ("create", False, False)}
    assert (batches <= kinds) is hasattr(RawProducer, "produce_batch")


def test_every_metric_is_as_the_table_of_the_conventions_has_it(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Counted once each; nothing that was not sent counts as sent."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(recorder.provider, collector.provider).build()
    run_everything(cluster, telemetry)

    sent = collector.numbers(SENT_MESSAGES)
    assert sum(sent.values()) == 3
    assert sum(collector.numbers(CONSUMED_MESSAGES).values()) == 3
    names = [dict(each)["messaging.operation.name"] for each in sent]
    assert set(names) == {"send"}
    for name in (OPERATION_DURATION, PROCESS_DURATION):
        for attributes in collector.histograms(name):
            failed = "error.type" in dict(attributes)
            assert metric_faults(name, dict(attributes), failed=failed) == []
    for name in (SENT_MESSAGES, CONSUMED_MESSAGES):
        for attributes in collector.numbers(name):
            assert metric_faults(name, dict(attributes)) == []
    processed = collector.histograms(PROCESS_DURATION)
    assert sum(point.count for point in processed.values()) == 2
    operations = {
        dict(attributes)["messaging.operation.name"]
        for attributes in collector.histograms(OPERATION_DURATION)
    }
    assert operations == {"send", "poll", "commit"}


def test_metrics_need_no_tracing_sdk(cluster: Cluster) -> None:
    """Messages are counted where only a metrics SDK is."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(NoOpTracerProvider(), collector.provider).build()
    run_everything(cluster, telemetry)

    assert sum(collector.numbers(SENT_MESSAGES).values()) == 3


def test_statistics_are_metrics_where_the_config_asks_for_it(cluster: Cluster) -> None:
    """Beside the user's own stats_cb, and with the interval that the user chose."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(meter_provider=collector.provider).build()
    documents: list[str] = []
    config = cluster.config(statistics_interval_ms=20) | telemetry.metric_config()
    producer = Producer({**config, "stats_cb": documents.append})
    wait_for(lambda: producer.poll(0.1) == -1 or documents, "statistics")

    assert json.loads(documents[0])["type"] == "producer"
    assert any(name.startswith("kafka.producer.") for name in collector.metrics())


def test_statistics_end_with_the_client(cluster: Cluster) -> None:
    """A client that is closed has no series any more, even if something still refers to it."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(meter_provider=collector.provider).build()
    config = cluster.consumer_config(statistics_interval_ms=20) | telemetry.metric_config()
    consumer = Consumer(config)
    wait_for(lambda: consumer.poll(0.1) is None and list(collector.metrics()), "statistics")
    consumer.close()
    with_default_interval = Consumer(cluster.consumer_config() | telemetry.metric_config())
    with_default_interval.close()

    assert collector.metrics() == {}


def test_configuration_may_come_as_keywords(cluster: Cluster, recorder: Recorder) -> None:
    """Only, or beside a dict; what is given stays as it is."""
    config = cluster.config()
    ours = recorder.telemetry().producer_interceptor_config()
    before = dict(config)
    for producer in (
        Producer(**config, **ours),
        Producer(config, **ours),
        Producer({**config, "client.id": "first"}, **{"client.id": "app"}, **ours),
    ):
        producer.produce(cluster.topic, b"v")
        producer.flush(30)

    assert config == before
    assert [span.attributes["messaging.client.id"] for span in recorder.spans()] == ["app"] * 3


def test_a_users_on_commit_among_keywords_is_called(cluster: Cluster, recorder: Recorder) -> None:
    """Wherever in the configuration it is."""
    results: list[Any] = []
    cluster.send(b"1", partition=0)
    config = cluster.consumer_config() | recorder.telemetry().consumer_interceptor_config()
    consumer = Consumer(config, on_commit=lambda *result: results.append(result))
    consumer.subscribe([cluster.topic])
    consumer.commit(message=poll(consumer))
    wait_for(lambda: consumer.poll(0.1) is None and results, "the commit's result")
    consumer.close()

    assert len(recorder.spans("commit")) == 1


def test_clients_without_a_telemetry_use_the_default_one(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Which can be set, and is made of the environment's switches otherwise."""
    set_default_telemetry(recorder.telemetry())
    try:
        producer = Producer(cluster.config())
        producer.produce(cluster.topic, b"v")
        producer.flush(30)
    finally:
        set_default_telemetry(None)

    assert len(recorder.spans()) == 1
    assert default_telemetry() is default_telemetry()
    assert default_telemetry().settings == read_settings(os.environ)


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        (lambda b: b.set_enabled(False), "enabled", False),
        (lambda b: b.set_propagation_enabled(False), "propagation", False),
        (lambda b: b.set_existing_context("keep"), "existing_context", "keep"),
        (lambda b: b.set_create_spans_enabled(False), "create_spans", False),
        (lambda b: b.set_process_spans("off"), "process_spans", "off"),
        (lambda b: b.set_settle_spans_enabled(False), "settle_spans", False),
        (lambda b: b.set_transaction_spans_enabled(False), "transaction_spans", False),
        (lambda b: b.set_metrics_enabled(False), "metrics", False),
        (lambda b: b.set_metrics_enabled(True, durations=False), "duration_metrics", False),
        (lambda b: b.set_link_limit(7), "link_limit", 7),
    ],
)
def test_the_builder_sets_what_the_environment_can(
    change: Callable[[KafkaTelemetryBuilder], KafkaTelemetryBuilder], field: str, value: object
) -> None:
    """Each method returns the builder, and changes one setting."""
    builder = KafkaTelemetry.builder()
    assert change(builder) is builder
    assert getattr(builder.build().settings, field) == value


def test_attributes_of_send_spans_may_come_from_the_application(
    cluster: Cluster, recorder: Recorder
) -> None:
    """By an extractor, and from headers by pattern."""
    telemetry = (
        recorder.builder()
        .set_headers(["x-*"])
        .add_producer_attributes_extractor(lambda record: {"topic.length": len(record.topic)})
        .build()
    )
    producer = cluster.producer(telemetry)
    producer.produce(cluster.topic, b"v", headers={"x-tenant": "a", "y": b"b"})
    producer.flush(30)

    attributes = recorder.spans()[0].attributes
    assert attributes["topic.length"] == len(cluster.topic)
    assert attributes["messaging.header.x-tenant"] == ("a",)
    assert "messaging.header.y" not in attributes


def test_suppressed_instrumentation_sends_and_receives_as_without_us(
    cluster: Cluster, recorder: Recorder
) -> None:
    """No span, no header, no commit span; callbacks still run."""
    called: list[object] = []
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(recorder.provider, collector.provider).build()
    producer, consumer = cluster.producer(telemetry), cluster.consumer(telemetry)
    token = context.attach(context.set_value("suppress_instrumentation", True))  # noqa: FBT003 - its key's value
    try:
        producer.produce(cluster.topic, b"v", on_delivery=lambda *report: called.append(report))
        producer.flush(30)
        message = poll(consumer)
        consumer.commit(message=message, asynchronous=False)
        consumer.consume(1, 0)
    finally:
        context.detach(token)

    assert message.headers() is None
    assert len(called) == 1
    assert recorder.spans() == []
    assert collector.metrics() == {}


class FailingSampler(Sampler):
    """A sampler that cannot decide."""

    def should_sample(self, *_args: Any, **_kwargs: Any) -> SamplingResult:  # noqa: ANN401 - whatever comes
        """Fail."""
        raise RuntimeError("no decision")

    def get_description(self) -> str:
        """Say so."""
        return "failing"


class FailingProcessor(SpanProcessor):
    """A processor that cannot take a span."""

    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        """Take it."""

    def on_end(self, span: ReadableSpan) -> None:
        """Fail."""
        raise RuntimeError(f"cannot export {span.name}")


@pytest.mark.parametrize(
    "recorder", [Recorder(sampler=FailingSampler()), Recorder(processors=[FailingProcessor()])]
)
def test_an_sdk_that_fails_costs_no_message(
    cluster: Cluster, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything works as without it; one line is logged."""
    run_everything(cluster, recorder.telemetry())

    assert len([name for name, *_ in caplog.record_tuples if name.startswith("kafkascope")]) == 1


def test_a_provider_that_fails_leaves_clients_untraced(caplog: pytest.LogCaptureFixture) -> None:
    """With one line that says so."""

    class FailingProvider(TracerProvider):
        def get_tracer(self, *_args: Any, **_kwargs: Any) -> Any:  # noqa: ANN401 - whatever comes
            raise RuntimeError("no tracer")

    telemetry = KafkaTelemetry.builder(FailingProvider()).build()
    assert not telemetry.spans.is_active()
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(("choice", "event", "logged"), [("logs", 0, 1), ("logs/dup", 1, 1)])
def test_exceptions_may_be_log_events(
    recorder: Recorder, choice: str, event: int, logged: int
) -> None:
    """OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN chooses: instead of the span's events, or both."""
    if not hasattr(import_module("opentelemetry.sdk._logs.export"), "InMemoryLogRecordExporter"):
        pytest.skip("this opentelemetry-sdk has no log events yet")
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415 - see above
    from opentelemetry.sdk._logs.export import (  # noqa: PLC0415 - see above
        InMemoryLogRecordExporter,
        SimpleLogRecordProcessor,
    )

    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    logs = LoggerProvider(shutdown_on_exit=False)
    logs.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    builder = KafkaTelemetry.builder(recorder.provider, logger_provider=logs)
    builder.settings = read_settings({"OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN": choice})
    message = Message(offset=1)
    with pytest.raises(LookupError), builder.build().process(message):
        raise LookupError("gone")

    (span,) = recorder.ended()
    assert len(span.events) == event
    records = [each.log_record for each in exporter.get_finished_logs()]
    assert len(records) == logged
    assert records[0].event_name == "messaging.process.exception"
    assert records[0].severity_number is not None
    assert records[0].severity_number.value == 17
    assert records[0].attributes is not None
    assert records[0].attributes["exception.type"] == "LookupError"
    assert span.context is not None
    assert records[0].span_id == span.context.span_id


def test_logs_that_cannot_be_emitted_cost_nothing(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """The exception is the application's own."""
    builder = KafkaTelemetry.builder(recorder.provider, logger_provider=object())
    builder.settings = read_settings({"OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN": "logs"})
    with pytest.raises(LookupError), builder.build().process(Message(offset=1)):
        raise LookupError("gone")

    assert len(caplog.messages) == 1


def test_no_memory_is_kept_per_message(cluster: Cluster, recorder: Recorder) -> None:
    """Not by sending, receiving, processing or committing, without any collection of garbage."""
    telemetry = recorder.builder().set_messaging_receive_telemetry_enabled(True).build()
    producer, consumer = cluster.producer(telemetry), cluster.consumer(telemetry)

    def round_trips(count: int) -> None:
        for _ in range(count):
            producer.produce(cluster.topic, b"v", partition=0, on_delivery=lambda *_: None)
        producer.flush(30)
        for message in telemetry.iter_process(consume(consumer, count)):
            consumer.commit(message=message, asynchronous=False)
        recorder.exporter.clear()

    round_trips(50)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        round_trips(50)
        objects, (memory, _) = len(gc.get_objects()), tracemalloc.get_traced_memory()
        round_trips(200)
        more_objects, (more_memory, _) = len(gc.get_objects()), tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()

    # What grows a little are the interpreter's own free lists, of tuples above all.
    assert more_objects - objects < 100
    assert more_memory - memory < 200 * 200


LATE_SDK: Final = """
import os, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from kafkascope_tracing import Producer
from tests.tracing.mockcluster import mock_cluster
with mock_cluster() as servers:
    producer = Producer({"bootstrap.servers": servers, "log_level": 0})
    producer.produce("t", b"before")
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    producer.produce("t", b"after")
    assert producer.flush(30) == 0
    print([span.name for span in exporter.get_finished_spans()])
"""


@pytest.mark.parametrize(("disabled", "expected"), [("", "['send t']"), ("true", "[]")])
def test_an_sdk_set_after_the_client_was_made_is_used(
    disabled: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From then on; one that is disabled is none."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    if not isinstance(Recorder().tracer, NoOpTracer):
        expected = "['send t']"  # SDKs of long ago do not read it
    done = subprocess.run(
        [sys.executable, "-c", LATE_SDK],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "OTEL_SDK_DISABLED": disabled,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.stdout.strip(), done.returncode, done.stderr) == (expected, 0, "")


def test_a_forked_child_traces_on(recorder: Recorder) -> None:
    """Its spans are its own, and the parent's open one stays open."""
    telemetry = recorder.telemetry()
    message = Message(offset=1)
    with telemetry.process(message) as span:
        child = os.fork()
        if child == 0:
            with telemetry.process(Message(offset=2)):
                pass
            os._exit(0 if len(recorder.spans()) == 1 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert trace.get_current_span() is span

    assert len(recorder.spans()) == 1
