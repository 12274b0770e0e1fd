from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition
from opentelemetry import baggage, context, trace
from opentelemetry.context import get_current

from kafkascope_tracing import Consumer, KafkaTelemetry
from tests.tracing.clients import Cluster, consume, poll
from tests.tracing.messages import Message
from tests.tracing.recorder import Recorder, SeenLink

CREATED = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
CREATOR = int("b" * 16, 16)
TRACE = int("a" * 32, 16)


def message(value: bytes | None = b"v", **parts: Any) -> Message:  # noqa: ANN401 - of a Message
    """Make a message as a consumer gives it."""
    return Message(**{"value": value, "headers": [("traceparent", CREATED)], **parts})


@pytest.fixture(autouse=True)
def nothing_stays_current(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test leaves a context behind, and nothing is logged by the context API."""
    before = get_current()
    with caplog.at_level(logging.DEBUG, "opentelemetry"):
        yield
    assert get_current() is before
    assert [record.message for record in caplog.records if record.name.startswith("opente")] == []


def test_the_parent_is_the_creation_context_where_no_span_is_current(recorder: Recorder) -> None:
    """And it is linked as well."""
    with recorder.telemetry().process(message()) as span:
        assert trace.get_current_span() is span

    (seen,) = recorder.spans()
    assert (seen.kind, seen.trace, seen.parent, seen.links) == (
        "CONSUMER",
        TRACE,
        CREATOR,
        [SeenLink(CREATOR, {})],
    )


def test_the_parent_is_the_current_span_where_there_is_one(recorder: Recorder) -> None:
    """The creation context is then a link only."""
    with recorder.tracer.start_as_current_span("job"), recorder.telemetry().process(message()):
        pass

    _, seen = recorder.spans()
    assert (seen.parent, seen.links) == (1, [SeenLink(CREATOR, {})])


def test_a_trace_of_its_own_can_be_chosen(recorder: Recorder) -> None:
    """With the parent `ambient` only the link joins both traces."""
    telemetry = recorder.builder().set_process_parent("ambient").build()
    with telemetry.process(message()):
        pass

    (seen,) = recorder.spans()
    assert (seen.trace, seen.parent, seen.links) == (1, None, [SeenLink(CREATOR, {})])


def test_process_spans_can_be_switched_off(recorder: Recorder) -> None:
    """The application's own spans are then children of the creation context."""
    telemetry = recorder.builder().set_process_spans("off").build()
    with telemetry.process(message()), recorder.tracer.start_as_current_span("work"):
        pass

    assert [(seen.name, seen.parent) for seen in recorder.spans()] == [("work", CREATOR)]


@pytest.mark.parametrize("value", [None, b""])
def test_tombstones_and_empty_values_are_processed_like_others(
    recorder: Recorder, value: bytes | None
) -> None:
    """Both are false as truth values; only the first is told as a tombstone."""
    with recorder.telemetry().process(message(value)):
        pass

    (seen,) = recorder.spans()
    assert seen.attributes.get("messaging.kafka.message.tombstone") == (
        True if value is None else None
    )


@pytest.mark.parametrize(
    "nothing", [None, message(error=KafkaError(KafkaError._PARTITION_EOF), headers=None)]
)
def test_what_is_no_message_has_no_span(recorder: Recorder, nothing: Message | None) -> None:
    """Neither the None of a poll nor an end-of-partition event."""
    with recorder.telemetry().process(nothing) as span:
        assert not span.is_recording()

    assert recorder.spans() == []


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [("traceparent", None)],
        [("traceparent", b"\xff\xfe")],
        [("traceparent", b"00-" + b"0" * 32 + b"-" + b"b" * 16 + b"-01")],
        [("traceparent", b"ff-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")],
        [("baggage", b"\xff"), ("tracestate", b"=,=")],
    ],
)
def test_headers_without_a_context_give_a_trace_of_its_own(
    recorder: Recorder,
    headers: Any,  # noqa: ANN401 - anything that may be in them
) -> None:
    """Whatever the bytes are, the message is processed."""
    with recorder.telemetry().process(message(headers=headers)):
        pass

    (seen,) = recorder.spans()
    assert (seen.trace, seen.parent, seen.links) == (1, None, [])


def test_the_last_of_several_traceparents_counts(recorder: Recorder) -> None:
    """The first is the stale one of a client that appends."""
    stale = ("traceparent", b"00-" + b"c" * 32 + b"-" + b"d" * 16 + b"-01")
    with recorder.telemetry().process(message(headers=[stale, ("traceparent", CREATED)])):
        pass

    assert recorder.spans()[0].parent == CREATOR


def test_baggage_is_current_and_repeated_headers_are_joined(recorder: Recorder) -> None:
    """Also beside a current span; afterwards it is gone."""
    headers = [("traceparent", CREATED), ("baggage", b"a=1"), ("baggage", b"b=2")]
    telemetry = recorder.telemetry()
    with recorder.tracer.start_as_current_span("job"), telemetry.process(message(headers=headers)):
        assert dict(baggage.get_all()) == {"a": "1", "b": "2"}
    assert dict(baggage.get_all()) == {}

    assert recorder.spans("process")[0].links == [SeenLink(CREATOR, {})]


def test_an_exception_is_an_error_of_the_span_and_goes_on(recorder: Recorder) -> None:
    """With its type, and as an event."""
    with pytest.raises(LookupError), recorder.telemetry().process(message()):
        raise LookupError("gone")

    (span,) = recorder.ended()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "LookupError"
    assert span.status.description == "gone"
    assert [event.name for event in span.events] == ["exception"]


def test_an_interrupt_is_no_error_of_the_message(recorder: Recorder) -> None:
    """Neither is the end of a generator, or of a task."""
    with pytest.raises(KeyboardInterrupt), recorder.telemetry().process(message()):
        raise KeyboardInterrupt

    assert not recorder.spans()[0].error


def test_each_message_of_a_batch_has_its_span_while_the_loop_works_on_it(
    recorder: Recorder,
) -> None:
    """One ends before the next begins; the application's spans are children of the right one."""
    for each in recorder.telemetry().iter_process([message(offset=n) for n in range(3)]):
        with recorder.tracer.start_as_current_span(f"work {each.offset()}"):
            pass

    assert [(seen.name, seen.span, seen.parent) for seen in recorder.spans()] == [
        ("process orders", 1, CREATOR),
        ("work 0", 2, 1),
        ("process orders", 3, CREATOR),
        ("work 1", 4, 3),
        ("process orders", 5, CREATOR),
        ("work 2", 6, 5),
    ]


def test_a_loop_that_stops_half_way_leaves_nothing_current(recorder: Recorder) -> None:
    """By break and by an exception; the next message's span has its own parent."""
    telemetry = recorder.telemetry()
    batch = [message(offset=n) for n in range(3)]
    for _ in telemetry.iter_process(batch):
        break
    gc.collect()

    def stop() -> None:
        for _ in telemetry.iter_process(batch):
            raise LookupError

    with pytest.raises(LookupError):
        stop()
    gc.collect()
    with telemetry.process(message()):
        pass

    assert [seen.parent for seen in recorder.spans()] == [CREATOR] * 3


def test_a_generator_closed_in_another_thread_disturbs_neither(recorder: Recorder) -> None:
    """The thread that began it leaves the context when it next processes a message."""
    telemetry = recorder.telemetry()
    messages = telemetry.iter_process([message(), message()])
    before = get_current()
    next(messages)
    closer = threading.Thread(target=messages.close)  # type: ignore[attr-defined]  # a generator
    closer.start()
    closer.join()
    assert len(recorder.spans()) == 1
    with telemetry.process(message()):
        pass
    assert get_current() is before

    assert [seen.parent for seen in recorder.spans()] == [CREATOR, CREATOR]


def test_a_context_that_the_application_attached_is_not_taken_away(recorder: Recorder) -> None:
    """Ending the scope beneath it ends the span and leaves what is current."""
    scope = recorder.telemetry().process(message())
    scope.__enter__()
    token = context.attach(baggage.set_baggage("mine", "1"))
    scope.close()
    assert baggage.get_baggage("mine") == "1"
    assert len(recorder.spans()) == 1
    context.detach(token)
    with recorder.telemetry().process(message()):
        pass


def test_handlers_trace_their_message(recorder: Recorder) -> None:
    """Functions, methods and coroutine functions, by position and by name."""
    telemetry = recorder.telemetry()

    @telemetry.handler
    def plain(each: Message, factor: int) -> int:
        """Say so."""
        return (each.offset() or 0) * factor

    class Service:
        @telemetry.handler
        async def handle(self, *, each: Message) -> bool:
            await asyncio.sleep(0)
            return each.offset() == 7 and trace.get_current_span().is_recording()

    assert plain(message(), 2) == 14
    assert plain.__doc__ == "Say so."
    assert asyncio.run(Service().handle(each=message()))
    assert [seen.name for seen in recorder.spans()] == ["process orders", "process orders"]


def test_tasks_processed_at_once_do_not_see_each_others_span(recorder: Recorder) -> None:
    """Each task's own spans have its own process span as parent."""
    telemetry = recorder.telemetry()

    @telemetry.handler
    async def handle(each: Message) -> None:
        await asyncio.sleep(0)
        with recorder.tracer.start_as_current_span(f"work {each.offset()}"):
            await asyncio.sleep(0)

    async def run() -> None:
        await asyncio.gather(*(handle(message(offset=n)) for n in range(5)))

    asyncio.run(run())
    processes = {s.attributes["messaging.kafka.offset"]: s.span for s in recorder.spans("process")}
    assert {s.name: s.parent for s in recorder.spans("work")} == {
        f"work {offset}": span for offset, span in processes.items()
    }


def test_the_context_of_a_message_can_be_had_alone(recorder: Recorder) -> None:
    """For spans of the application's own; bad headers give what was given."""
    telemetry = recorder.telemetry()
    found = trace.get_current_span(telemetry.extract(message())).get_span_context()
    assert (found.trace_id, found.span_id, found.is_remote) == (TRACE, CREATOR, True)
    assert telemetry.extract(message(headers=None)) is get_current()
    assert recorder.spans() == []


def test_a_message_is_processed_without_an_sdk_in_its_remote_context() -> None:
    """So that what is sent meanwhile carries the trace on."""
    with KafkaTelemetry.builder().build().process(message()) as span:
        assert span.get_span_context().span_id == CREATOR
        assert not span.is_recording()


def test_suppressed_instrumentation_makes_no_span(recorder: Recorder) -> None:
    """As the instrumentation package's own context manager asks for it."""
    token = context.attach(context.set_value("suppress_instrumentation", True))  # noqa: FBT003 - its key's value
    with recorder.telemetry().process(message()):
        pass
    context.detach(token)

    assert recorder.spans() == []


def test_further_attributes(recorder: Recorder) -> None:
    """Headers by pattern, time in queue, an extractor; one that fails costs only itself."""
    nothing: dict[str, dict[str, str]] = {}
    telemetry = (
        recorder.builder()
        .set_headers(["x-*"], ["x-secret"])
        .set_capture_experimental_span_attributes(True)
        .add_consumer_process_attributes_extractor(lambda each: {"size": len(each.value())})
        .add_consumer_process_attributes_extractor(lambda _: nothing["missing"])
        .build()
    )
    headers = [("x-a", b"1"), ("x-a", b"2"), ("x-secret", b"3"), ("y", b"4"), ("x-b", b"\xff")]
    for timestamp in ((1, 5), (0, -1)):
        with telemetry.process(message(headers=headers, timestamp=timestamp)):
            pass

    with_time, without = (seen.attributes for seen in recorder.spans())
    assert with_time["messaging.header.x-a"] == ("1", "2")
    assert {name for name in with_time if name.startswith("messaging.header.")} == {
        "messaging.header.x-a"
    }
    assert with_time["size"] == 1
    assert with_time["kafka.record.queue_time_ms"] > 10**12
    assert "kafka.record.queue_time_ms" not in without


def test_the_group_is_that_of_the_consumer_that_read_the_topic(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Where two groups read one topic, none is told unless the caller names the consumer."""
    telemetry = recorder.telemetry()
    cluster.send(b"1", partition=0)
    first = cluster.consumer(telemetry)
    with telemetry.process(poll(first)):
        pass
    second = cluster.consumer(telemetry, client_id="other")
    got = poll(second)
    with telemetry.process(got):
        pass
    with telemetry.process(got, consumer=second):
        pass

    assert [seen.attributes.get("messaging.client.id") for seen in recorder.spans()] == [
        "app",
        None,
        "other",
    ]


def test_an_implicit_span_lasts_until_the_next_poll(cluster: Cluster, recorder: Recorder) -> None:
    """It is current meanwhile; end-of-partition events have none; close ends the last."""
    telemetry = recorder.builder().set_process_spans("implicit").build()
    cluster.send(b"1", b"2", partition=0)
    consumer = cluster.consumer(telemetry, enable_partition_eof=True)
    consumer.assign([TopicPartition(cluster.topic, 0, 0)])
    for _ in range(2):
        poll(consumer)
        with recorder.tracer.start_as_current_span("work"):
            pass
    event = consumer.poll(30)
    assert event.error().code() == KafkaError._PARTITION_EOF
    assert not trace.get_current_span().is_recording()
    assert [(seen.name, seen.parent) for seen in recorder.spans()] == [
        (f"process {cluster.topic}", None),
        ("work", 1),
        (f"process {cluster.topic}", None),
        ("work", 3),
    ]


@pytest.mark.parametrize(
    "end",
    [
        *("close", "unsubscribe", "unassign", "collected"),
        *(["exit"] if hasattr(Consumer, "__exit__") else []),
    ],
)
def test_an_implicit_span_ends_when_the_consumer_lets_go(
    cluster: Cluster, recorder: Recorder, end: str
) -> None:
    """By close, the with block, unsubscribe, unassign, or garbage collection."""
    telemetry = recorder.builder().set_process_spans("implicit").build()
    cluster.send(b"1", partition=0)
    consumer = cluster.consumer(telemetry)
    poll(consumer)
    assert trace.get_current_span().is_recording()
    if end == "exit":
        with consumer:
            pass
    elif end == "collected":
        cluster.forget()
        del consumer
        gc.collect()
    else:
        getattr(consumer, end)()
    if end in {"exit", "close"}:
        cluster.forget()

    assert [seen.name for seen in recorder.spans()] == [f"process {cluster.topic}"]


def test_an_implicit_span_of_a_batch_links_to_every_message(
    cluster: Cluster, recorder: Recorder
) -> None:
    """It is one span, with as many messages as it says."""
    telemetry = recorder.builder().set_process_spans("implicit").build()
    cluster.send(b"1", b"2", partition=0, headers={"traceparent": CREATED})
    consumer = cluster.consumer(telemetry)
    both: list[Message] = []
    while len(both) != 2:
        consumer.assign([TopicPartition(cluster.topic, 0, 0)])
        both = consumer.consume(2, 5.0)
    with recorder.tracer.start_as_current_span("work"):
        pass
    consumer.consume(1, 0)

    process = recorder.spans("process")[-1]
    assert process.attributes["messaging.batch.message_count"] == 2
    assert process.links == [
        SeenLink(CREATOR, {"messaging.kafka.offset": 0}),
        SeenLink(CREATOR, {"messaging.kafka.offset": 1}),
    ]
    assert recorder.spans("work")[0].parent == process.span


def test_processing_a_message_that_has_an_implicit_span_already_is_that_span(
    cluster: Cluster, recorder: Recorder
) -> None:
    """No second span for one message."""
    telemetry = recorder.builder().set_process_spans("implicit").build()
    cluster.send(b"1", partition=0)
    consumer = cluster.consumer(telemetry)
    current = trace.get_current_span
    got = poll(consumer)
    with telemetry.process(got) as span:
        assert span is current()
    consumer.poll(0)

    assert len(recorder.spans()) == 1


def test_an_implicit_span_that_another_thread_ends_is_left_by_the_first_at_its_next_poll(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Polls may move between threads."""
    telemetry = recorder.builder().set_process_spans("implicit").build()
    cluster.send(b"1", b"2", partition=0)
    consumer = cluster.consumer(telemetry)
    poll(consumer)
    other = threading.Thread(target=lambda: poll(consumer))
    other.start()
    other.join()
    consumer.poll(0)

    assert [seen.parent for seen in recorder.spans()] == [None, None]


def test_consume_without_tracing_of_processing_is_the_clients_own(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Explicit mode makes no span by itself."""
    cluster.send(b"1", b"2", b"3")
    values = {each.value() for each in consume(cluster.consumer(recorder.telemetry()), 3)}

    assert values == {b"1", b"2", b"3"}
    assert recorder.spans() == []


@pytest.mark.parametrize("batch", [False, True])
def test_consumers_that_a_thread_polls_in_turn_do_not_process_within_each_other(
    cluster: Cluster, recorder: Recorder, *, batch: bool
) -> None:
    """Each message's parent is what sent it; a span lasts until its own consumer polls again."""
    producer = cluster.producer(recorder.telemetry())
    for partition in (0, 1):
        for value in (b"1", b"2") if batch else (b"1",):
            producer.produce(cluster.topic, value, partition=partition)
    assert producer.flush(30) == 0
    sends = {span.span for span in recorder.spans("send")}
    telemetry = recorder.builder().set_process_spans("implicit").build()
    consumers = [cluster.consumer(telemetry) for _ in range(2)]
    for partition, consumer in enumerate(consumers):
        consumer.assign([TopicPartition(cluster.topic, partition, 0)])
    receive = (lambda each: consume(each, 2)) if batch else poll

    with recorder.tracer.start_as_current_span("outside") if batch else nullcontext():
        around = trace.get_current_span().get_span_context().span_id
        inside = []
        for consumer in consumers:
            receive(consumer)
            inside.append(trace.get_current_span().get_span_context().span_id)
        assert recorder.spans("process") == []
        for consumer in consumers:
            consumer.poll(0)
        assert trace.get_current_span().get_span_context().span_id == around

    processed = recorder.spans("process")
    assert [span.span for span in processed] == inside
    parents = {span.parent for span in processed}
    assert parents == {around} if batch else parents <= sends and len(parents) == 2
    assert get_current() == {}
