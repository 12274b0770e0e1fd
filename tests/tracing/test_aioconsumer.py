from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from confluent_kafka import KafkaException, TopicPartition

aio: Any = pytest.importorskip("confluent_kafka.aio", reason="this confluent-kafka has no aio")

from opentelemetry.context import get_current  # noqa: E402 - nothing here is of use without the above
from opentelemetry.trace import get_current_span  # noqa: E402 - the same

import kafkascope_tracing  # noqa: E402 - the same
from kafkascope_tracing import KafkaTelemetry  # noqa: E402 - the same
from kafkascope_tracing.aioconsumer import TaskReceiving  # noqa: E402 - the same
from kafkascope_tracing.cluster import ClusterId  # noqa: E402 - the same
from kafkascope_tracing.interceptors import Chain  # noqa: E402 - the same
from tests.tracing.aioclients import consuming, poll, run  # noqa: E402 - the same
from tests.tracing.clients import Cluster  # noqa: E402 - the same
from tests.tracing.collected import new_collector  # noqa: E402 - the same
from tests.tracing.messages import Message  # noqa: E402 - the same
from tests.tracing.outcomes import message_of  # noqa: E402 - the same
from tests.tracing.recorder import Recorder  # noqa: E402 - the same


def implicit(recorder: Recorder) -> KafkaTelemetry:
    """Return a telemetry with a process span for what each task received."""
    return recorder.builder().set_process_spans("implicit").build()


def current() -> int:
    """Return the id of the current span; 0 for none."""
    return get_current_span().get_span_context().span_id


def send(cluster: Cluster, recorder: Recorder, *values: bytes | None) -> list[int]:
    """Send values to partition 0, traced; the ids of their spans."""
    producer = cluster.producer(recorder.telemetry())
    for value in values:
        producer.produce(cluster.topic, value, partition=0)
    assert producer.flush(30) == 0
    return [span.span for span in recorder.spans("send")]


def test_each_task_has_the_process_span_of_its_own_message(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Until it asks for the next message, or is done: well, failed, or cancelled."""
    sends = send(cluster, recorder, b"1", b"2", b"3", b"4")
    inside: dict[bytes, int] = {}

    async def work(consumer: Any, ready: asyncio.Event) -> None:  # noqa: ANN401 - a consumer
        message = await poll(consumer)
        inside[message.value()] = current()
        ready.set()
        await asyncio.sleep(0)
        assert current() == inside[message.value()]
        if message.value() == b"2":
            raise LookupError("the application's own")
        if message.value() == b"3":
            await asyncio.sleep(60)

    async def program() -> None:
        async with consuming(cluster, implicit(recorder)) as consumer:
            for cancelled in (False, False, True):
                ready = asyncio.Event()
                task = asyncio.create_task(work(consumer, ready))
                await ready.wait()
                if cancelled:
                    task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert current() == 0
            await poll(consumer)
            inside[b"4"] = current()
            assert len(recorder.spans("process")) == 3
            await consumer.poll(0.01)
            assert current() == 0

    run(program)
    spans = recorder.spans("process")
    assert [span.span for span in spans] == [inside[value] for value in (b"1", b"2", b"3", b"4")]
    assert [span.parent for span in spans] == sends
    assert [span.attributes.get("error.type") for span in spans] == [
        None,
        "LookupError",
        None,
        None,
    ]


def test_tasks_of_one_consumer_do_not_end_each_others_spans(
    cluster: Cluster, recorder: Recorder
) -> None:
    """One asks for more while the other still works."""
    send(cluster, recorder, b"1", b"2")

    async def program() -> None:
        async with consuming(cluster, implicit(recorder)) as consumer:
            done = asyncio.Event()

            async def first() -> None:
                await poll(consumer)
                mine = current()
                done.set()
                await other
                assert current() == mine
                assert get_current_span().is_recording()

            async def second() -> None:
                await done.wait()
                await poll(consumer)
                await consumer.poll(0.01)
                assert current() == 0

            other = asyncio.create_task(second())
            await asyncio.gather(asyncio.create_task(first()), other)

    run(program)
    assert len(recorder.spans("process")) == 2


@pytest.mark.parametrize("leave", ["unsubscribe", "unassign", "close"])
def test_what_leaves_the_messages_ends_the_spans_of_every_task(
    cluster: Cluster, recorder: Recorder, leave: str
) -> None:
    """The task whose span it was goes on without one."""
    send(cluster, recorder, b"1", b"2")

    async def program() -> None:
        async with consuming(cluster, implicit(recorder)) as consumer:
            ready, left = asyncio.Event(), asyncio.Event()

            async def work() -> None:
                await poll(consumer)
                ready.set()
                await left.wait()
                assert not get_current_span().is_recording()

            task = asyncio.create_task(work())
            await ready.wait()
            await poll(consumer)
            await getattr(consumer, leave)()
            assert len(recorder.spans("process")) == 2
            left.set()
            await task

    run(program)
    assert len(recorder.spans("process")) == 2
    assert get_current() == {}


def test_a_consumer_let_go_of_ends_its_spans(cluster: Cluster, recorder: Recorder) -> None:
    """In the task that goes on."""
    send(cluster, recorder, b"v")

    async def program() -> None:
        config = {**cluster.consumer_config(), **implicit(recorder).consumer_interceptor_config()}
        consumer = kafkascope_tracing.AIOConsumer(config, max_workers=2)
        executor = consumer.executor
        await consumer.assign([TopicPartition(cluster.topic, 0, 0)])
        await poll(consumer)
        assert current() != 0
        del consumer
        gc.collect()
        assert current() == 0
        assert len(recorder.spans("process")) == 1
        executor.shutdown()

    run(program)
    assert len(recorder.spans("process")) == 1


def test_outside_of_tasks_there_is_one_process_span(recorder: Recorder) -> None:
    """For what is received there, until the next is received or the consumer closes."""
    telemetry = implicit(recorder)
    receiving = TaskReceiving(telemetry, {}, Chain(()), ClusterId(None))
    assert receiving.is_idle() is False
    receiving.received_now([Message(offset=1)])
    first = current()
    receiving.leave()
    assert current() == 0
    receiving.received_now([Message(offset=2)])
    second = current()
    receiving.close()

    assert [span.span for span in recorder.spans("process")] == [first, second]
    assert get_current() == {}


def test_polls_have_spans_with_links(cluster: Cluster, recorder: Recorder) -> None:
    """One message and many, and a poll that fails; the cluster's id is known soon."""
    sends = send(cluster, recorder, b"1", b"2", None)
    builder = recorder.builder().set_messaging_receive_telemetry_enabled(enabled=True)

    async def program() -> list[Any]:
        found = []
        async with consuming(cluster, builder.build()) as consumer:
            found.append(await poll(consumer))
            while len(found) < 3:
                found += await consumer.consume(3 - len(found), 1.0)
            assert await consumer.consume(1, 0.01) == []
        with pytest.raises(RuntimeError):
            await consumer.poll(0.1)
        return found

    messages = run(program)
    assert [message.value() for message in messages] == [b"1", b"2", None]
    *good, failed = recorder.spans("poll")
    assert [link.span for span in good for link in span.links] == sends
    assert "messaging.batch.message_count" not in good[0].attributes
    assert sum(span.attributes["messaging.batch.message_count"] for span in good[1:]) == 2
    assert (failed.error, failed.attributes["error.type"]) == (True, "RuntimeError")
    if hasattr(aio.AIOConsumer, "cluster_id"):
        assert good[-1].attributes["messaging.kafka.cluster.id"] != ""


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("observed", [True, False])
def test_a_commit_is_settled_under_what_processed_the_message(
    cluster: Cluster, recorder: Recorder, *, asynchronous: bool, observed: bool
) -> None:
    """With the result where the user's on_commit tells it, else when the call returns."""
    send(cluster, recorder, b"v")
    results: list[Any] = []
    telemetry = recorder.telemetry()

    async def on_commit(error: object, partitions: list[Any]) -> None:
        results.append((error, [place.offset for place in partitions]))

    async def program() -> None:
        config = {"on_commit": on_commit} if observed else {}
        async with consuming(cluster, telemetry, config) as consumer:
            message = await poll(consumer)
            with telemetry.process(message, consumer=consumer):
                pass
            await consumer.commit(message=message, asynchronous=asynchronous)
            while observed and asynchronous and not results:
                await consumer.poll(0.1)

    run(program)
    (process,) = recorder.spans("process")
    (commit,) = recorder.spans("commit")
    assert (commit.parent, commit.error) == (process.span, False)
    assert commit.attributes["messaging.kafka.offset"] == 1
    assert results == ([(None, [1])] if observed and asynchronous else [])


def test_commits_that_fail_end_their_spans_as_errors(cluster: Cluster, recorder: Recorder) -> None:
    """What the client refuses at once, with and without a callback for results."""

    async def ignore(*_: object) -> None:
        pass

    async def program() -> None:
        for config in ({}, {"on_commit": ignore}):
            async with consuming(cluster, recorder.telemetry(), config) as consumer:
                with pytest.raises(TypeError):
                    await consumer.commit(offsets="x")
                with pytest.raises(KafkaException):
                    await consumer.commit(asynchronous=False)

    run(program)
    told = [span.attributes["error.type"] for span in recorder.spans("commit")]
    assert told == ["TypeError", "_NO_OFFSET"] * 2


def test_interceptors_of_an_asyncio_consumer(cluster: Cluster) -> None:
    """They may leave messages out; None comes then, as where there is no message."""
    told: list[Any] = []

    class Dropping:
        def configure(self, config: Any) -> None:  # noqa: ANN401 - any configuration
            """Do nothing."""

        def on_consume(self, messages: list[Any]) -> list[Any]:
            told.extend(message.value() for message in messages)
            return [message for message in messages if message.value() != b"drop"]

        def on_commit(self, offsets: list[Any]) -> None:
            told.extend(place.offset for place in offsets)

        def close(self) -> None:
            told.append("closed")

    cluster.send(b"drop", b"keep", partition=0)

    async def program() -> None:
        config = {"interceptor.classes": [Dropping]}
        async with consuming(cluster, None, config) as consumer:
            while not told:
                assert await consumer.poll(1.0) is None
            assert (await poll(consumer)).value() == b"keep"

    run(program)
    assert told == [b"drop", b"keep", "closed"]


def test_messages_come_out_as_without_us(cluster: Cluster, recorder: Recorder) -> None:
    """Tombstones, empty values, headers that nothing can read, and the end of the partition."""
    cluster.send(None, partition=0)
    cluster.send(b"", partition=0, headers=[("traceparent", b"\xff"), ("a", None)])
    told: list[Any] = []

    async def read(consumer: Any) -> None:  # noqa: ANN401 - a consumer
        found: list[Any] = []
        while len(found) < 3:
            message = await consumer.poll(1.0)
            found += [] if message is None else [message_of(message)]
        told.append(found)

    async def program() -> None:
        config = {"enable.partition.eof": True}
        raw = aio.AIOConsumer({**cluster.consumer_config(), **config})
        await raw.assign([TopicPartition(cluster.topic, 0, 0)])
        await read(raw)
        await raw.close()
        for telemetry in (implicit(recorder), recorder.builder().set_enabled(False).build()):
            async with consuming(cluster, telemetry, config) as consumer:
                await read(consumer)

    run(program)
    assert told[0] == told[1] == told[2]
    assert [each[4] for each in told[0][:2]] == [None, b""]
    assert told[0][2][6] == "_PARTITION_EOF"
    assert len(recorder.spans("process")) == 2


def test_disabled_tracing_leaves_an_asyncio_consumer_to_the_client(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Every method that we override."""
    cluster.send(b"v", partition=0)

    async def program() -> None:
        telemetry = recorder.builder().set_enabled(False).build()
        config = {**cluster.consumer_config(), "kafkascope.telemetry": telemetry}
        consumer = kafkascope_tracing.AIOConsumer(config)
        await consumer.assign([TopicPartition(cluster.topic, 0, 0)])
        message = await poll(consumer)
        committed = await consumer.commit(message=message, asynchronous=False)
        assert [place.offset for place in committed] == [1]
        assert await consumer.consume(1, 0.01) == []
        await consumer.unassign()
        await consumer.unsubscribe()
        await consumer.close()

    run(program)
    assert recorder.spans() == []


def test_deserializers_run_within_the_process_span(cluster: Cluster, recorder: Recorder) -> None:
    """What they raise is the caller's, and makes that span an error."""
    if not hasattr(aio, "AsyncDeserializingConsumer"):
        pytest.skip("this confluent-kafka has no AsyncDeserializingConsumer")
    send(cluster, recorder, b"1", b"bad", b"bad")
    inside: list[int] = []

    def number(value: bytes | None, _context: object) -> int:
        inside.append(current())
        return int(value or b"0")

    async def program() -> None:
        config = {
            **cluster.consumer_config(),
            **implicit(recorder).consumer_interceptor_config(),
            "value.deserializer": number,
        }
        made: Any = kafkascope_tracing.AsyncDeserializingConsumer(config)
        consumer = await made
        await consumer.assign([TopicPartition(cluster.topic, 0, 0)])
        assert (await poll(consumer)).value() == 1
        with pytest.raises(KafkaException):
            await poll(consumer)
        with pytest.raises(KafkaException):
            await consumer.consume(1, 30.0)
        await consumer.close()
        with pytest.raises(RuntimeError):
            await consumer.poll(0.1)

    run(program)
    spans = recorder.spans("process")
    assert [span.error for span in spans] == [False, True, True]
    assert [span.span for span in spans] == inside


def test_an_asyncio_consumer_that_exists_already_is_wrapped(
    cluster: Cluster, recorder: Recorder
) -> None:
    """In place; its group is known from the configuration that is given again."""
    send(cluster, recorder, b"v")

    async def program() -> None:
        config = cluster.consumer_config()
        raw = aio.AIOConsumer(dict(config))
        consumer = implicit(recorder).wrap(raw, config)
        assert consumer is raw
        await consumer.assign([TopicPartition(cluster.topic, 0, 0)])
        await poll(consumer)
        await consumer.close()

    run(program)
    (process,) = recorder.spans("process")
    assert process.attributes["messaging.consumer.group.name"] == f"group-of-{cluster.topic}"


def test_statistics_of_an_asyncio_consumer_end_with_it(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Though somebody still refers to it."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(recorder.provider, collector.provider).build()
    name = "kafka.consumer.records_consumed_total"

    async def program() -> Any:  # noqa: ANN401 - a consumer
        config = {**telemetry.metric_config(), "statistics.interval.ms": 50}
        async with consuming(cluster, telemetry, config) as consumer:
            while not collector.numbers(name):
                await consumer.poll(0.05)
        return consumer

    cluster.send(b"v", partition=0)
    consumer = run(program)
    assert collector.numbers(name) == {}
    assert consumer is not None


@pytest.mark.parametrize("config", ["x", None, {"no.such": 1}])
def test_a_wrong_configuration_is_the_asyncio_consumers_own_error(config: Any) -> None:  # noqa: ANN401 - on purpose
    """The same exception, and nothing stays current."""
    raised: list[Any] = []

    async def program() -> None:
        for kind in (aio.AIOConsumer, kafkascope_tracing.AIOConsumer):
            with pytest.raises(Exception) as failure:  # noqa: PT011 - compared below
                kind(config)
            raised.append((type(failure.value), str(failure.value)))

    run(program)
    assert raised[0] == raised[1]
    assert current() == 0
