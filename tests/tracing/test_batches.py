from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError
from confluent_kafka import Producer as RawProducer
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kafkascope_tracing import KafkaTelemetry
from tests.tracing.clients import Cluster, consume
from tests.tracing.recorder import Recorder

pytestmark = pytest.mark.skipif(
    not hasattr(RawProducer, "produce_batch"), reason="this confluent-kafka has no produce_batch"
)


def test_a_batch_has_a_create_span_per_message_and_one_send_span(
    cluster: Cluster, recorder: Recorder
) -> None:
    """The send span links to all of them; each message carries its own create span."""
    producer, consumer = cluster.producer(recorder.telemetry()), cluster.consumer(None)
    messages = [
        {"value": b"1", "key": "k", "partition": 0},
        {"value": b"2", "partition": 0, "headers": {"a": b"b"}},
    ]
    with recorder.tracer.start_as_current_span("request"):
        assert producer.produce_batch(cluster.topic, messages) == 2
    producer.flush(30)

    request, first, second, send = recorder.spans()
    assert [(s.name, s.kind, s.parent) for s in (first, second, send)] == [
        (f"create {cluster.topic}", "PRODUCER", request.span),
        (f"create {cluster.topic}", "PRODUCER", request.span),
        (f"send {cluster.topic}", "CLIENT", request.span),
    ]
    assert [link.span for link in send.links] == [first.span, second.span]
    assert send.attributes["messaging.batch.message_count"] == 2
    assert first.attributes["messaging.kafka.message.key"] == "k"
    got = consume(consumer, 2)
    assert [message.headers()[-1][1][-19:-3] for message in got] == [b"%016x" % 2, b"%016x" % 3]
    assert got[1].headers()[0] == ("a", b"b")
    assert set(messages[1]) == {"value", "partition", "headers"}


def test_without_create_spans_messages_carry_the_send_span(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Then it is the producer's span, without links."""
    telemetry = recorder.builder().set_create_spans_enabled(False).build()
    producer, consumer = cluster.producer(telemetry), cluster.consumer(None)
    producer.produce_batch(cluster.topic, [{"value": b"1"}, {"value": b"2"}])
    producer.flush(30)

    (send,) = recorder.spans()
    assert (send.kind, send.links) == ("PRODUCER", [])
    assert {message.headers()[0][1][-19:-3] for message in consume(consumer, 2)} == {b"%016x" % 1}


def test_what_is_refused_is_told_as_the_client_tells_it(
    cluster: Cluster, recorder: Recorder
) -> None:
    """The count, and _error in the dict; the send span has the error."""
    producer = cluster.producer(recorder.telemetry(), message_max_bytes=1000)
    messages: list[dict[str, Any]] = [{"value": b"x" * 2000}, {"value": b"2", "_error": "old"}]
    assert producer.produce_batch(cluster.topic, messages) == 1
    producer.flush(30)

    assert messages[0]["_error"].code() == KafkaError.MSG_SIZE_TOO_LARGE
    assert recorder.spans("send")[0].attributes["error.type"] == "MESSAGE_TOO_LARGE"


def test_a_full_queue_refuses_the_rest(cluster: Cluster, recorder: Recorder) -> None:
    """As _QUEUE_FULL, like the client's own batch call."""
    config = {"queue_buffering_max_messages": 1, "bootstrap_servers": "127.0.0.1:1"}
    producer = cluster.producer(recorder.telemetry(), **config)
    messages: list[dict[str, Any]] = [{"value": b"1"}, {"value": b"2"}]
    taken = producer.produce_batch(cluster.topic, messages)
    producer.purge()
    producer.flush(30)

    raw_messages: list[dict[str, Any]] = [{"value": b"1"}, {"value": b"2"}]
    raw = RawProducer(cluster.config(**config))
    assert raw.produce_batch(cluster.topic, raw_messages) == taken == 1
    raw.purge()
    raw.flush(30)
    codes = [each[1]["_error"].code() for each in (messages, raw_messages)]
    assert codes == [KafkaError._QUEUE_FULL] * 2
    assert recorder.spans("send")[0].error


def test_callbacks_of_a_batch(cluster: Cluster, recorder: Recorder) -> None:
    """A message's own, else the batch's, else the config's, each in the caller's context."""
    called: list[tuple[str, bytes]] = []

    def note(name: str) -> Any:  # noqa: ANN401 - a callback
        def callback(_error: object, message: Any) -> None:  # noqa: ANN401 - a Message
            assert get_current_span().get_span_context().span_id == 1
            called.append((name, message.value()))

        return callback

    producer = cluster.producer(recorder.telemetry(), on_delivery=note("config"))
    with recorder.tracer.start_as_current_span("request"):
        producer.produce_batch(
            cluster.topic,
            [{"value": b"1", "callback": note("own")}, {"value": b"2"}],
            on_delivery=note("batch"),
        )
        producer.produce_batch(cluster.topic, [{"value": b"3"}], -1, note("callback"))
        producer.produce_batch(cluster.topic, [{"value": b"4"}])
    producer.flush(30)

    assert sorted(called) == [
        ("batch", b"2"),
        ("callback", b"3"),
        ("config", b"4"),
        ("own", b"1"),
    ]


def test_no_link_of_a_large_batch_is_dropped(cluster: Cluster, recorder: Recorder) -> None:
    """It is as many send spans as the SDK's limit of links asks for."""
    producer = cluster.producer(recorder.telemetry())
    assert producer.produce_batch(cluster.topic, [{"value": b"v"}] * 300) == 300
    producer.flush(30)

    sends = recorder.spans("send")
    assert [len(send.links) for send in sends] == [128, 128, 44]
    assert [send.attributes["messaging.batch.message_count"] for send in sends] == [128, 128, 44]
    assert len(recorder.spans("create")) == 300


def test_a_producer_that_reports_errors_only_ends_the_span_of_its_batch(
    cluster: Cluster, recorder: Recorder
) -> None:
    """When it lets go of the last callback."""
    producer = cluster.producer(recorder.telemetry(), delivery_report_only_error=True)
    producer.produce_batch(cluster.topic, [{"value": b"1"}, {"value": b"2"}])
    assert recorder.spans("send") == []
    producer.flush(30)

    assert [send.error for send in recorder.spans("send")] == [False]


@pytest.mark.parametrize(
    "args",
    [
        ("t",),
        ("t", ({"value": b"1"},)),
        ("t", ["no"]),
        ("t", [{"value": 5}]),
        ("t", [{"value": b"1", "timestamp": 5}]),
        ("t", [{"value": b"1"}], "x"),
        (5, [{"value": b"1"}]),
    ],
)
def test_batches_that_the_client_refuses_are_refused_in_the_same_way(
    cluster: Cluster,
    recorder: Recorder,
    args: tuple[Any, ...],
) -> None:
    """The same exception with and without us, and no span."""
    raised = []
    for producer in (RawProducer(cluster.config()), cluster.producer(recorder.telemetry())):
        with pytest.raises(Exception) as error:  # noqa: PT011 - compared below
            producer.produce_batch(*args)
        raised.append((type(error.value), str(error.value)))

    assert raised[0] == raised[1]
    assert recorder.spans() == []


def test_a_context_that_is_to_be_kept_is_the_messages_creation_context(
    cluster: Cluster, recorder: Recorder
) -> None:
    """It has no create span of ours, and the send span links to it; with and without the others."""
    kept = [("traceparent", b"00-%032x-%016x-01" % (77, 99))]
    consumer = cluster.consumer(None)
    for creates in (True, False):
        builder = recorder.builder().set_existing_context("keep")
        producer = cluster.producer(builder.set_create_spans_enabled(creates).build())
        producer.produce_batch(
            cluster.topic, [{"value": b"1", "headers": kept}, {"value": b"2"}], partition=0
        )
        producer.flush(30)

    created, with_links, plain = recorder.spans()
    assert created.name == f"create {cluster.topic}"
    assert [link.span for link in with_links.links] == [99, created.span]
    carried = [message.headers() for message in consume(consumer, 4)]
    assert carried[0] == carried[2] == kept
    assert [int(headers[0][1][36:52], 16) for headers in carried[1::2]] == [
        created.span,
        plain.span,
    ]


def test_a_batch_whose_context_cannot_be_written_is_sent(
    cluster: Cluster, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """As without us; one line is logged."""

    class Failing(TraceContextTextMapPropagator):
        def inject(self, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401 - whatever comes
            raise RuntimeError("cannot write")

    telemetry = KafkaTelemetry.builder(recorder.provider, propagator=Failing()).build()
    producer = cluster.producer(telemetry)
    messages = [{"value": b"1", "headers": {"a": b"b"}}, {"value": b"2"}]
    assert producer.produce_batch(cluster.topic, messages, partition=0) == 2
    assert producer.flush(30) == 0

    got = consume(cluster.consumer(None), 2)
    assert [message.headers() for message in got] == [[("a", b"b")], None]
    assert len(caplog.messages) == 1
