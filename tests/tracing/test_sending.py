from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as RawProducer
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import get_current_span

from kafkascope_tracing import KafkaTelemetry, Producer
from tests.tracing.clients import Cluster, consume, poll
from tests.tracing.recorder import Recorder

PARTITION_ID = "messaging.destination.partition.id"
OFFSET = "messaging.kafka.offset"


def test_a_send_span_ends_with_the_delivery_report(cluster: Cluster, recorder: Recorder) -> None:
    """Nothing has ended before the report; then partition and offset are there."""
    producer = cluster.producer(recorder.telemetry())
    producer.produce(cluster.topic, b"v", partition=2)
    assert recorder.spans() == []
    producer.flush(30)

    (span,) = recorder.spans()
    assert (span.attributes[PARTITION_ID], span.attributes[OFFSET]) == ("2", 0)


def test_a_failed_delivery_is_an_error_of_the_span(cluster: Cluster, recorder: Recorder) -> None:
    """An unreachable broker: the span tells librdkafka's own name of the error."""
    config = {"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 300, "log_level": 0}
    reports: list[Any] = []
    producer = Producer({**config, **recorder.telemetry().producer_interceptor_config()})
    producer.produce(cluster.topic, b"v", on_delivery=lambda error, _: reports.append(error))
    producer.flush(30)

    (span,) = recorder.spans()
    assert span.error
    assert span.attributes["error.type"] == "_MSG_TIMED_OUT"
    assert reports[0].code() == KafkaError._MSG_TIMED_OUT


def test_a_message_that_the_client_refuses_ends_its_span_and_raises(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Queue full and message too large are the client's own exceptions, and spans of their own."""
    telemetry = recorder.telemetry()
    small = cluster.producer(telemetry, message_max_bytes=1000)
    with pytest.raises(KafkaException) as too_large:
        small.produce(cluster.topic, b"x" * 2000)
    full = Producer(
        {
            "bootstrap.servers": "127.0.0.1:1",
            "queue.buffering.max.messages": 1,
            "log_level": 0,
            **telemetry.producer_interceptor_config(),
        }
    )
    full.produce(cluster.topic, b"1")
    with pytest.raises(BufferError):
        full.produce(cluster.topic, b"2")
    full.purge()
    full.flush(30)

    assert too_large.value.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE
    assert [span.attributes["error.type"] for span in recorder.spans()] == [
        "MESSAGE_TOO_LARGE",
        "_PURGE_QUEUE",
        "BufferError",
    ]


@pytest.mark.parametrize("traced", [True, False])
def test_callbacks_are_chosen_as_the_client_chooses_them(
    cluster: Cluster, recorder: Recorder, *, traced: bool
) -> None:
    """Callback before on_delivery, even when it is None; the config's own when none is given."""
    called: list[str] = []

    def note(name: str) -> Any:  # noqa: ANN401 - a callback
        return lambda _error, message: called.append(f"{name} {message.value().decode()}")

    config = {**cluster.config(), "on_delivery": note("config")}
    producer: Any = RawProducer(config)
    if traced:
        producer = Producer({**config, **recorder.telemetry().producer_interceptor_config()})
    producer.produce(cluster.topic, b"1", partition=0)
    producer.produce(cluster.topic, b"2", None, 0, note("callback"))
    producer.produce(cluster.topic, b"3", partition=0, on_delivery=note("on_delivery"))
    producer.produce(cluster.topic, b"4", None, 0, note("callback"), note("on_delivery"))
    producer.produce(cluster.topic, b"5", None, 0, None, note("on_delivery"))
    producer.flush(30)

    assert called == ["config 1", "callback 2", "on_delivery 3", "callback 4", "config 5"]
    assert len(recorder.spans()) == (5 if traced else 0)


def test_a_callback_runs_in_the_callers_context(cluster: Cluster, recorder: Recorder) -> None:
    """What is current at produce() is current in the callback, and not after it."""
    producer = cluster.producer(recorder.telemetry())
    inside: list[Any] = []
    with recorder.tracer.start_as_current_span("request") as request:
        producer.produce(
            cluster.topic, b"v", on_delivery=lambda *_: inside.append(get_current_span())
        )
    producer.flush(30)

    assert inside == [request]
    assert not get_current_span().get_span_context().is_valid


def test_an_exception_of_a_callback_comes_out_of_flush(
    cluster: Cluster, recorder: Recorder
) -> None:
    """As it does without us; the span has ended well before."""
    producer = cluster.producer(recorder.telemetry())

    def fail(*_: object) -> None:
        raise LookupError("the application's own")

    producer.produce(cluster.topic, b"v", on_delivery=fail)
    with pytest.raises(LookupError, match="the application's own"):
        producer.flush(30)

    assert not recorder.spans()[0].error


def test_a_client_that_reports_errors_only_ends_its_spans_as_well(
    cluster: Cluster, recorder: Recorder
) -> None:
    """It lets go of the callback when the message is delivered: that is the end."""
    called: list[object] = []
    producer = cluster.producer(recorder.telemetry(), delivery_report_only_error=True)
    producer.produce(cluster.topic, b"v", on_delivery=lambda *report: called.append(report))
    assert recorder.spans() == []
    producer.flush(30)

    (span,) = recorder.spans()
    assert not span.error
    assert called == []


@pytest.mark.parametrize(
    "headers",
    [{"a": b"1", "b": "text", "c": None}, [("a", b"1"), ("a", b"2"), ("b", None)], None, {}, []],
)
def test_headers_arrive_as_given_and_stay_as_they_were(
    cluster: Cluster,
    recorder: Recorder,
    headers: Any,  # noqa: ANN401 - every shape that the client takes
) -> None:
    """In order, with duplicates; the context comes after them, in a list of its own."""
    before = None if headers is None else headers.copy()
    producer, consumer = cluster.producer(recorder.telemetry()), cluster.consumer(None)
    producer.produce(cluster.topic, b"v", None, -1, None, None, 0, headers)
    producer.flush(30)

    pairs = headers.items() if isinstance(headers, dict) else headers or []
    expected = [(name, v.encode() if isinstance(v, str) else v) for name, v in pairs]
    assert poll(consumer).headers() == [
        *expected,
        ("traceparent", b"00-00000000000000000000000000000001-0000000000000001-01"),
    ]
    assert headers == before


@pytest.mark.parametrize("headers", [(("a", b"1"),), [["a", b"1"]], [("a", 5)], "text", 5])
def test_headers_that_the_client_refuses_are_refused_in_the_same_way(
    cluster: Cluster,
    recorder: Recorder,
    headers: Any,  # noqa: ANN401 - what no client takes
) -> None:
    """The same exception with and without us; the span is an error."""
    raised = []
    for producer in (RawProducer(cluster.config()), cluster.producer(recorder.telemetry())):
        with pytest.raises(TypeError) as error:
            producer.produce(cluster.topic, b"v", headers=headers)
        raised.append(str(error.value))

    assert raised[0] == raised[1]
    assert recorder.spans()[0].attributes["error.type"] == "TypeError"


def test_a_stale_context_in_the_headers_is_replaced(cluster: Cluster, recorder: Recorder) -> None:
    """An application that forwards consumed headers sends one traceparent: the new one."""
    stale = ("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")
    producer, consumer = cluster.producer(recorder.telemetry()), cluster.consumer(None)
    producer.produce(
        cluster.topic, b"v", headers=[stale, ("tracestate", b"x=1"), ("baggage", b"k=v"), stale]
    )
    producer.flush(30)

    assert poll(consumer).headers() == [
        ("baggage", b"k=v"),
        ("traceparent", b"00-00000000000000000000000000000001-0000000000000001-01"),
    ]


def test_a_context_in_the_headers_can_be_kept(cluster: Cluster, recorder: Recorder) -> None:
    """Then the send span is a CLIENT span that links to it, and the headers stay."""
    custom = [("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")]
    telemetry = recorder.builder().set_existing_context("keep").build()
    producer, consumer = cluster.producer(telemetry), cluster.consumer(None)
    producer.produce(cluster.topic, b"kept", headers=custom, partition=0)
    producer.produce(cluster.topic, b"new", headers={"traceparent": b"nonsense"}, partition=0)
    producer.flush(30)

    kept, new = recorder.spans()
    assert (kept.kind, kept.links[0].span) == ("CLIENT", int("b" * 16, 16))
    assert (new.kind, new.links) == ("PRODUCER", [])
    first, second = consume(consumer, 2)
    assert first.headers() == custom
    assert second.headers()[0][1].endswith(b"0000000000000002-01")


def test_propagation_can_be_switched_off(cluster: Cluster, recorder: Recorder) -> None:
    """The headers stay without a context, and the span is one of a client."""
    telemetry = recorder.builder().set_propagation_enabled(False).build()
    producer, consumer = cluster.producer(telemetry), cluster.consumer(None)
    producer.produce(cluster.topic, b"v")
    producer.flush(30)

    assert poll(consumer).headers() is None
    assert recorder.spans()[0].kind == "CLIENT"


def test_a_trace_that_is_not_sampled_still_travels(cluster: Cluster) -> None:
    """The traceparent says so by its flags, so that the consumer does not sample it either."""
    recorder = Recorder(sampler=ALWAYS_OFF)
    producer, consumer = cluster.producer(recorder.telemetry()), cluster.consumer(None)
    producer.produce(cluster.topic, b"v")
    producer.flush(30)

    ((_, traceparent),) = poll(consumer).headers()
    assert traceparent.endswith(b"-00")
    assert recorder.spans() == []


def test_a_remote_parent_is_passed_on_without_an_sdk(cluster: Cluster, recorder: Recorder) -> None:
    """An application without an SDK between two that have one does not cut the trace."""
    without_sdk = KafkaTelemetry.builder().build()
    producer, consumer = cluster.producer(without_sdk), cluster.consumer(None)
    with recorder.tracer.start_as_current_span("remote"):
        producer.produce(cluster.topic, b"v")
    producer.flush(30)

    assert dict(poll(consumer).headers())["traceparent"].endswith(b"-0000000000000001-01")
    assert [span.name for span in recorder.spans()] == ["remote"]


def test_tombstones_and_unreadable_keys(cluster: Cluster, recorder: Recorder) -> None:
    """A tombstone is told; a key that is no text is left out."""
    producer = cluster.producer(recorder.telemetry())
    producer.produce(cluster.topic, None, key=b"\xff\x00")
    producer.produce(cluster.topic, b"", key="k")
    producer.flush(30)

    tombstone, empty = (span.attributes for span in recorder.spans())
    assert tombstone["messaging.kafka.message.tombstone"] is True
    assert "messaging.kafka.message.key" not in tombstone
    assert "messaging.kafka.message.tombstone" not in empty
    assert empty["messaging.kafka.message.key"] == "k"
