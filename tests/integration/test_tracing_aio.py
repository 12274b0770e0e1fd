"""The asyncio clients with real brokers: headers and context there and back, by many tasks."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from opentelemetry import baggage, context
from opentelemetry.trace import get_current_span

from kafkascope_tracing import AIOConsumer, AIOProducer
from tests.integration.traced import DEADLINE_S, Traced, committed, settled

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

    async def receive() -> list[tuple[Any, ...]]:
        consumer = AIOConsumer(
            {
                **properties,
                "group.id": group,
                "group.protocol": protocol,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                **traced.telemetry.consumer_interceptor_config(),
            }
        )
        await consumer.subscribe([topic])
        seen = await serve(traced, consumer, TASKS * EACH)
        await consumer.commit(asynchronous=False)
        await consumer.close()
        return seen

    requests = asyncio.run(send())
    seen = asyncio.run(receive())

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
