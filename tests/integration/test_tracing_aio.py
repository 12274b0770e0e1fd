"""The asyncio clients with real brokers: headers and context there and back, by many tasks."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from opentelemetry import baggage, context
from opentelemetry.trace import get_current_span

from kafkascope_tracing import AIOConsumer, AIOProducer
from tests.integration.conftest import MakeTopic
from tests.integration.traced import DEADLINE_S, Traced, committed, receive, settled

TASKS = 20
EACH = 25


async def order(traced: Traced, producer: AIOProducer, topic: str, task: int) -> int:
    """Send messages within a request of this task's own, and return its span's id."""
    context.attach(baggage.set_baggage("table", str(task)))
    with traced.recorder.tracer.start_as_current_span(f"request {task}") as span:
        delivered = [
            await producer.produce(
                topic, value=b"%d %d" % (task, number), headers={"cup": b"%d" % number}
            )
            for number in range(EACH)
        ]
        for message in await asyncio.gather(*delivered):
            assert message.error() is None
        assert get_current_span() is span
    return span.get_span_context().span_id


async def serve(traced: Traced, consumer: AIOConsumer, count: int) -> list[tuple[Any, ...]]:
    """Process messages, each in a task of its own; what each task saw."""

    async def work(message: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a Message
        with traced.telemetry.process(message) as span:
            await asyncio.sleep(0)  # the other tasks run meanwhile
            assert get_current_span() is span
            cup = dict(message.headers())["cup"]
            return message.value(), cup, baggage.get_baggage("table")

    tasks: list[asyncio.Task[tuple[Any, ...]]] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(tasks) < count:
            message = await consumer.poll(1.0)
            if message is None:
                continue
            assert message.error() is None
            tasks.append(asyncio.create_task(work(message)))
        return await asyncio.gather(*tasks)


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_messages_of_many_tasks_come_through_with_headers_baggage_and_context(
    traced: Traced, topic: str, group: str, protocol: str
) -> None:
    """Each message's spans are in the trace of the task that sent it; none is lost or changed."""
    properties: dict[str, Any] = {**traced.kafka.client_properties()}

    async def send() -> list[int]:
        producer = AIOProducer({**properties, **traced.telemetry.producer_interceptor_config()})
        async with asyncio.timeout(DEADLINE_S):
            requests = [order(traced, producer, topic, task) for task in range(TASKS)]
            sending = asyncio.gather(*(asyncio.create_task(each) for each in requests))
            while not sending.done():
                await producer.flush()
            await producer.close()
            return await sending

    async def serve_all() -> list[tuple[Any, ...]]:
        consumer = AIOConsumer(consuming(traced, group, group_protocol=protocol))
        await consumer.subscribe([topic])
        seen = await serve(traced, consumer, TASKS * EACH)
        await consumer.commit(asynchronous=False)
        await consumer.close()
        return seen

    requests = asyncio.run(send())
    seen = asyncio.run(serve_all())

    assert sorted(seen) == sorted(
        (b"%d %d" % (task, number), b"%d" % number, str(task))
        for task in range(TASKS)
        for number in range(EACH)
    )
    sends = {span.span: span for span in traced.recorder.spans("send")}
    processes = traced.recorder.spans("process")
    assert Counter(span.parent for span in sends.values()) == dict.fromkeys(requests, EACH)
    assert Counter(span.parent for span in processes) == dict.fromkeys(sends, 1)
    assert [[link.span for link in span.links] for span in processes] == [
        [span.parent] for span in processes
    ]
    assert not any(span.error for span in traced.recorder.spans())
    assert committed(traced.kafka, group, topic) == [TASKS * EACH]
    (commit,) = traced.recorder.spans("commit")
    assert settled(commit)[1:] == (TASKS * EACH, False)


def test_an_asyncio_transaction_has_the_spans_of_any_other(
    traced: Traced, make_topic: MakeTopic, group: str
) -> None:
    """Begun, sent to, given the consumer's offset, and committed, from coroutines."""
    source, target = make_topic(), make_topic()
    (sent,) = traced.send(source, b"1")

    async def pass_on() -> None:
        producer = AIOProducer(
            {
                **traced.kafka.client_properties(),
                "transactional.id": group,
                **traced.telemetry.producer_interceptor_config(),
            }
        )
        consumer = AIOConsumer(consuming(traced, group))
        async with asyncio.timeout(DEADLINE_S):
            await producer.init_transactions()
            await consumer.subscribe([source])
            while (message := await consumer.poll(1.0)) is None:
                pass
            await producer.begin_transaction()
            with traced.telemetry.process(message):
                delivered = await producer.produce(target, value=b"made of " + message.value())
                await producer.flush()
                await delivered
                await producer.send_offsets_to_transaction(
                    [TopicPartition(source, 0, 1)], await consumer.consumer_group_metadata()
                )
            await producer.commit_transaction()
            await producer.close()
            await consumer.close()

    asyncio.run(pass_on())
    reader = traced.consumer(f"{group} reader", isolation_level="read_committed")
    reader.subscribe([target])

    assert receive(reader).value() == b"made of 1"
    assert committed(traced.kafka, group, source) == [1]
    (transaction,), (process,) = (
        traced.recorder.spans(name) for name in ("transaction", "process")
    )
    (resent,), (commit,) = (
        traced.recorder.spans(name) for name in (f"send {target}", f"commit {source}")
    )
    assert (process.parent, resent.parent) == (sent, process.span)
    assert [link.span for link in resent.links] == [transaction.span]
    assert settled(commit) == (process.span, 1, False)
    assert transaction.attributes["kafkascope.transaction.outcome"] == "commit"
    assert not any(span.error for span in traced.recorder.spans())


def consuming(traced: Traced, group: str, **more: str) -> dict[str, Any]:
    """Return the configuration of a consumer that begins at the earliest message."""
    return {
        **traced.kafka.client_properties(),
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        **{name.replace("_", "."): value for name, value in more.items()},
        **traced.telemetry.consumer_interceptor_config(),
    }
