from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

aio: Any = pytest.importorskip("confluent_kafka.aio", reason="this confluent-kafka has no aio")

from opentelemetry.context import get_current  # noqa: E402 - nothing here is of use without the above
from opentelemetry.trace import get_current_span  # noqa: E402 - the same

import kafkascope_tracing  # noqa: E402 - the same
from kafkascope_tracing import KafkaTelemetry, RecordMetadata  # noqa: E402 - the same
from kafkascope_tracing.aiobatches import posting  # noqa: E402 - the same
from kafkascope_tracing.aioproducer import AIOProducerTracing  # noqa: E402 - the same
from tests.tracing.aioclients import producing, run, sent  # noqa: E402 - the same
from tests.tracing.clients import Cluster, consume, poll  # noqa: E402 - the same
from tests.tracing.collected import new_collector  # noqa: E402 - the same
from tests.tracing.recorder import Recorder  # noqa: E402 - the same


def creator_of(message: Any) -> int:  # noqa: ANN401 - a Message
    """Return the id of the span whose context a message carries."""
    return int(dict(message.headers())["traceparent"].split(b"-")[2], 16)


def codes_of(results: list[Any]) -> list[Any]:
    """Return the codes of errors, None for a delivered message."""
    return [each.args[0].code() if isinstance(each, KafkaException) else None for each in results]


def test_messages_of_one_batch_carry_each_their_own_context(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Spans are children of what is current where they are sent, and end with their delivery."""

    async def request(producer: Any, name: str) -> Any:  # noqa: ANN401 - a producer, a future
        with recorder.tracer.start_as_current_span(name):
            return await producer.produce(cluster.topic, name.encode(), partition=0)

    async def program() -> list[Any]:
        async with producing(cluster, recorder.telemetry()) as producer:
            futures = await asyncio.gather(request(producer, "a"), request(producer, "b"))
            assert recorder.spans("send") == []
            await producer.flush()
            return list(await asyncio.gather(*futures))

    delivered = run(program)

    requests = {span.name: span.span for span in recorder.spans() if span.name in {"a", "b"}}
    sends = {span.span: span for span in recorder.spans("send")}
    got = consume(cluster.consumer(None), 2)
    parents = {message.value(): sends[creator_of(message)].parent for message in got}
    assert parents == {b"a": requests["a"], b"b": requests["b"]}
    told = {span.attributes["messaging.kafka.offset"] for span in sends.values()}
    assert told == {message.offset() for message in delivered}
    assert {span.attributes["messaging.destination.partition.id"] for span in sends.values()} == {
        "0"
    }


@pytest.mark.parametrize("enabled", [True, False])
def test_headers_and_timestamps_are_sent(
    cluster: Cluster, recorder: Recorder, *, enabled: bool
) -> None:
    """Which the client refuses; in order, with repetitions, and the caller's stay as they are."""
    telemetry = recorder.builder().set_enabled(enabled).build()
    pairs: list[tuple[str, Any]] = [("a", b"1"), ("a", "2"), ("b", None)]
    mapping = {"c": b"\xff"}

    async def program() -> None:
        async with producing(cluster, telemetry) as producer:
            futures = [
                await producer.produce(cluster.topic, b"1", partition=0, headers=pairs),
                await producer.produce(cluster.topic, b"2", partition=0, headers=mapping),
                await producer.produce(cluster.topic, b"3", partition=0),
                await producer.produce(cluster.topic, b"4", partition=0, timestamp=1234),
            ]
            await producer.flush()
            await asyncio.gather(*futures)

    run(program)

    got = consume(cluster.consumer(None), 4)
    own = [
        [pair for pair in message.headers() or [] if pair[0] != "traceparent"] for message in got
    ]
    assert own == [[("a", b"1"), ("a", b"2"), ("b", None)], [("c", b"\xff")], [], []]
    assert [message.value() for message in got] == [b"1", b"2", b"3", b"4"]
    assert got[3].timestamp()[1] == 1234
    assert (pairs, mapping) == ([("a", b"1"), ("a", "2"), ("b", None)], {"c": b"\xff"})
    assert len(recorder.spans("send")) == (4 if enabled else 0)


@pytest.mark.parametrize(
    "headers",
    ["x", 5, (("a", b"1"),), [["a", b"1"]], [("a",)], [(5, b"1")], [("a", 5)], {"a": bytearray()}],
)
def test_wrong_headers_are_refused_before_they_come_to_the_batch(
    cluster: Cluster, recorder: Recorder, headers: object
) -> None:
    """The other messages of the batch are sent."""

    async def program() -> None:
        async with producing(cluster, recorder.telemetry()) as producer:
            good = await producer.produce(cluster.topic, b"good", partition=0)
            with pytest.raises(TypeError, match="headers"):
                await producer.produce(cluster.topic, b"bad", partition=0, headers=headers)
            await producer.flush()
            assert (await good).value() == b"good"

    run(program)
    assert len(recorder.spans("send")) == 1


def test_a_message_that_is_never_delivered_fails_its_future_and_its_span(
    cluster: Cluster, recorder: Recorder
) -> None:
    """With the client's own error."""
    config = {"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 50}

    async def program() -> None:
        async with producing(cluster, recorder.telemetry(), config) as producer:
            with pytest.raises(KafkaException) as failure:
                await sent(producer, cluster.topic, b"v")
            assert failure.value.args[0].code() == KafkaError._MSG_TIMED_OUT

    run(program)
    (span,) = recorder.spans()
    assert (span.error, span.attributes["error.type"]) == (True, "_MSG_TIMED_OUT")


def test_what_the_client_does_not_take_fails_alone(cluster: Cluster, recorder: Recorder) -> None:
    """Too large, a timestamp that is none, no room; the others are sent, and only they counted."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(recorder.provider, collector.provider).build()
    config = {"message.max.bytes": 1000, "queue.buffering.max.messages": 2, "linger.ms": 200}

    async def program() -> list[Any]:
        async with producing(cluster, telemetry, config) as producer:
            futures = [
                await producer.produce(cluster.topic, b"x" * 2000, partition=0),
                await producer.produce(cluster.topic, b"v", partition=0, timestamp="soon"),
                await producer.produce(cluster.topic, b"1", partition=0),
                await producer.produce(cluster.topic, b"2", partition=0),
                await producer.produce(cluster.topic, b"3", partition=0),
            ]
            await producer.flush()
            return await asyncio.gather(*futures, return_exceptions=True)

    assert codes_of(run(program)) == [
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError._INVALID_ARG,
        None,
        None,
        KafkaError._QUEUE_FULL,
    ]
    assert [span.attributes.get("error.type") for span in recorder.spans("send")] == [
        "MESSAGE_TOO_LARGE",
        "_INVALID_ARG",
        None,
        None,
        "_QUEUE_FULL",
    ]
    assert sum(collector.numbers("messaging.client.sent.messages").values()) == 2


def test_a_batch_that_the_client_refuses_as_a_whole_is_refused_as_by_itself(
    cluster: Cluster, recorder: Recorder
) -> None:
    """The same exception, of which each span tells; the messages are in its buffer again."""
    told: list[Any] = []

    async def fail(producer: Any) -> None:  # noqa: ANN401 - a producer
        futures = [await producer.produce(cluster.topic, value) for value in (b"1", 5)]
        with pytest.raises(TypeError) as flushed:
            await producer.flush()
        failures = await asyncio.gather(*futures, return_exceptions=True)
        told.append((str(flushed.value), [str(each) for each in failures], len(producer)))
        await producer.purge()

    async def program() -> None:
        raw = aio.AIOProducer(cluster.config(), buffer_timeout=0)
        await fail(raw)
        await raw.close()
        async with producing(cluster, recorder.telemetry()) as producer:
            await fail(producer)

    run(program)
    assert told[0] == told[1]
    assert [span.attributes["error.type"] for span in recorder.spans()] == ["TypeError"] * 2


def test_messages_that_are_in_the_buffer_again_keep_their_headers(
    cluster: Cluster, recorder: Recorder
) -> None:
    """The client puts a failed batch back; the next flush sends what of it can be sent."""

    async def program() -> None:
        async with producing(cluster, recorder.telemetry()) as producer:
            await producer.produce(cluster.topic, b"1", partition=0, headers={"a": b"1"})
            bad = await producer.produce(cluster.topic, 5, partition=0)
            with pytest.raises(TypeError):
                await producer.flush()
            with pytest.raises(TypeError):
                await bad
            producer._batch_processor._message_buffer.pop()
            producer._batch_processor._buffer_futures.pop()
            await producer.flush()

    run(program)
    message = poll(cluster.consumer(None))
    assert (message.value(), message.headers()[0]) == (b"1", ("a", b"1"))


def test_purged_messages_end_their_spans_as_errors(cluster: Cluster, recorder: Recorder) -> None:
    """Those that were still in the asyncio client's buffer, too."""

    async def program() -> None:
        async with producing(cluster, recorder.telemetry()) as producer:
            future = await producer.produce(cluster.topic, b"v")
            await producer.purge()
            assert future.cancelled()

    run(program)
    assert [span.attributes["error.type"] for span in recorder.spans()] == ["_PURGE_QUEUE"]


def test_a_producer_let_go_of_ends_the_spans_of_what_it_had_not_sent(
    cluster: Cluster, recorder: Recorder
) -> None:
    """As errors: these messages are lost."""

    async def program() -> None:
        config = {**cluster.config(), **recorder.telemetry().producer_interceptor_config()}
        producer = kafkascope_tracing.AIOProducer(config, buffer_timeout=0)
        await producer.produce(cluster.topic, b"v")
        del producer
        gc.collect()

    run(program)
    assert [span.attributes["error.type"] for span in recorder.spans()] == ["_PURGE_QUEUE"]


def test_a_cancelled_sender_leaves_nothing_behind(cluster: Cluster, recorder: Recorder) -> None:
    """Its message is on the way; the next one of the same task carries its own context."""
    pause = asyncio.Event()

    async def program() -> None:
        async with producing(cluster, recorder.telemetry(), batch_size=1) as producer:

            async def send() -> None:
                try:
                    await producer.produce(cluster.topic, b"1", partition=0)
                finally:
                    assert posting.get() is None
                    pause.set()

            task = asyncio.create_task(send())
            await asyncio.sleep(0)  # it waits for the batch in the worker thread
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await pause.wait()
            await sent(producer, cluster.topic, b"2", partition=0)

    run(program)
    got = consume(cluster.consumer(None), 2)  # in any order: two worker threads sent them
    assert {message.value() for message in got} == {b"1", b"2"}
    assert {creator_of(message) for message in got} == {s.span for s in recorder.spans("send")}
    assert [span.error for span in recorder.spans()] == [False, False]
    assert get_current() == {}


def test_interceptors_change_what_is_sent(cluster: Cluster) -> None:
    """Topic, value, key, partition, timestamp, headers; and hear of the delivery and the end."""
    heard: list[Any] = []

    class Redirect:
        def configure(self, config: Any) -> None:  # noqa: ANN401 - any configuration
            """Do nothing."""

        def on_send(self, record: Any) -> Any:  # noqa: ANN401 - a ProducerRecord
            record.topic, record.value, record.key = cluster.topic, b"other", b"k"
            record.partition, record.timestamp, record.headers = 2, 1234, [("a", b"1")]
            return record

        def on_acknowledgement(
            self, metadata: RecordMetadata, exception: BaseException | None
        ) -> None:
            heard.append((metadata.topic, metadata.partition, exception))

        def close(self) -> None:
            heard.append("closed")

    async def program() -> None:
        config = {"interceptor.classes": [Redirect]}
        async with producing(cluster, None, config) as producer:
            await sent(producer, "elsewhere", b"v")

    run(program)
    message = poll(cluster.consumer(None))
    assert (message.partition(), message.key(), message.value()) == (2, b"k", b"other")
    assert (message.timestamp()[1], message.headers()) == (1234, [("a", b"1")])
    assert heard == [(cluster.topic, 2, None), "closed"]


@pytest.mark.parametrize("enabled", [True, False])
def test_transactions_of_asyncio_producers(
    cluster: Cluster, recorder: Recorder, *, enabled: bool
) -> None:
    """A span each, around what is sent; offsets that are sent along are a settle span."""
    telemetry = recorder.builder().set_enabled(enabled).build()
    cluster.send(b"in", partition=1)
    consumer = cluster.consumer(None)

    async def program() -> None:
        config = {"transactional.id": cluster.topic}
        async with producing(cluster, telemetry, config) as producer:
            await producer.init_transactions(30)
            await producer.begin_transaction()
            await producer.produce(cluster.topic, b"v", partition=0)
            offsets = [TopicPartition(cluster.topic, 1, 1)]
            metadata = consumer.consumer_group_metadata()
            await producer.send_offsets_to_transaction(offsets, metadata, 30)
            await producer.commit_transaction(30)
            await producer.begin_transaction()
            await producer.abort_transaction(30)
            await producer.begin_transaction()

    run(program)

    told = [(span.name.split()[0], span.parent) for span in recorder.spans()]
    outcomes = [
        span.attributes["kafkascope.transaction.outcome"] for span in recorder.spans("transaction")
    ]
    if enabled:
        assert told == [
            ("transaction", None),
            ("send", 1),
            ("commit", None),
            ("transaction", None),
            ("transaction", None),
        ]
        assert outcomes == ["commit", "abort", "abandoned"]
    else:
        assert told == []


def test_a_transaction_that_cannot_be_is_the_asyncio_clients_own_error(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Without transactional.id nothing begins, and offsets are not sent."""

    async def program() -> None:
        async with producing(cluster, recorder.telemetry()) as producer:
            with pytest.raises(KafkaException):
                await producer.begin_transaction()
            with pytest.raises(KafkaException):
                await producer.commit_transaction(1)
            with pytest.raises(TypeError):
                await producer.send_offsets_to_transaction(positions=[])

    run(program)
    assert [(span.name, span.error) for span in recorder.spans()] == [("commit", True)]


def test_a_serializing_producer_sends_headers(cluster: Cluster, recorder: Recorder) -> None:
    """Serializers run first, and what they raise is the caller's, without a span."""
    if not hasattr(aio, "AsyncSerializingProducer"):
        pytest.skip("this confluent-kafka has no AsyncSerializingProducer")

    def shout(value: str, _context: object) -> bytes:
        return value.upper().encode()

    async def program() -> None:
        config = {
            **cluster.config(),
            **recorder.telemetry().producer_interceptor_config(),
            "value.serializer": shout,
        }
        made: Any = kafkascope_tracing.AsyncSerializingProducer(config)
        producer = await made
        future = await producer.produce(cluster.topic, value="v", partition=0, headers={"a": b"1"})
        with pytest.raises(KafkaException):
            await producer.produce(cluster.topic, value=5)
        await producer.flush()
        await future
        await producer.close()

    run(program)
    message = poll(cluster.consumer(None))
    assert (message.value(), message.headers()[0]) == (b"V", ("a", b"1"))
    assert [span.name for span in recorder.spans()] == [f"send {cluster.topic}"]


def test_an_asyncio_producer_that_exists_already_is_wrapped(
    cluster: Cluster, recorder: Recorder
) -> None:
    """In place, for it calls its own methods; a user's class stays what it is."""

    class Users(aio.AIOProducer):  # type: ignore[misc] # Any to mypy
        pass

    async def program() -> None:
        for kind in (aio.AIOProducer, Users):
            producer = kind(cluster.config(), buffer_timeout=0)
            assert recorder.telemetry().wrap(producer, cluster.config()) is producer
            assert isinstance(producer, kind)
            await sent(producer, cluster.topic, b"v", partition=0)
            await producer.close()

    run(program)
    assert [span.name for span in recorder.spans()] == [f"send {cluster.topic}"] * 2


def test_statistics_of_an_asyncio_producer_end_with_it(
    cluster: Cluster, recorder: Recorder
) -> None:
    """The user's own callback, a coroutine function as the client asks for, has them, too."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(recorder.provider, collector.provider).build()
    users: list[str] = []

    async def on_statistics(document: str) -> None:
        users.append(document)

    async def program(more: dict[str, Any]) -> Any:  # noqa: ANN401 - a producer
        config = {**telemetry.metric_config(), "statistics.interval.ms": 50, **more}
        async with producing(cluster, telemetry, config) as producer:
            while not collector.numbers("kafka.producer.record_send_total"):
                await sent(producer, cluster.topic, b"v")
        return producer

    kept = [run(lambda: program({})), run(lambda: program({"stats_cb": on_statistics}))]

    assert users != []
    assert len(kept) == 2
    assert collector.numbers("kafka.producer.record_send_total") == {}


def test_a_release_without_the_parts_that_carry_context_is_left_alone(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning says so, and each call goes to the client as it is."""
    calls: list[Any] = []

    class Later:
        def __init__(self, config: dict[str, Any]) -> None:
            calls.append(config)

        async def produce(self, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401 - any
            calls.append((args, kwargs))
            return "future"

        async def close(self) -> None:
            calls.append("closed")

    class Traced(AIOProducerTracing, Later):  # type: ignore[misc]  # a client of another release
        pass

    async def program() -> None:
        producer: Any = Traced({"a": 1, **recorder.telemetry().producer_interceptor_config()})
        assert await producer.produce("t", b"v", headers={"a": b"1"}) == "future"
        await producer.close()

    with caplog.at_level(logging.WARNING):
        run(program)
    assert calls == [{"a": 1}, (("t", b"v", None), {"headers": {"a": b"1"}}), "closed"]
    assert caplog.messages == ["AIOProducer of this confluent-kafka carries no context: not traced"]


@pytest.mark.parametrize("config", ["x", None, {"no.such": 1}])
def test_a_wrong_configuration_is_the_asyncio_clients_own_error(config: Any) -> None:  # noqa: ANN401 - on purpose
    """The same exception, and nothing stays current."""
    raised: list[Any] = []

    async def program() -> None:
        for kind in (aio.AIOProducer, kafkascope_tracing.AIOProducer):
            with pytest.raises(Exception) as failure:  # noqa: PT011 - compared below
                kind(config)
            raised.append((type(failure.value), str(failure.value)))

    run(program)
    assert raised[0] == raised[1]
    assert not get_current_span().get_span_context().is_valid


def test_the_module_of_asyncio_clients_has_those_of_the_installed_client() -> None:
    """So that an import is all that a program changes."""
    from kafkascope_tracing import aio as ours  # noqa: PLC0415 - there is none without the client's

    named = {name for name in dir(aio) if name.startswith(("AIO", "Async"))}
    assert {name for name in ours.__all__ if not name.endswith("Tracing")} == named
    assert all(issubclass(getattr(ours, name), getattr(aio, name)) for name in named)
