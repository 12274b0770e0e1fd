"""What asyncio tests do with asyncio clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from confluent_kafka import TopicPartition

import kafkascope_tracing
from kafkascope_tracing import KafkaTelemetry
from kafkascope_tracing.clients import TELEMETRY_KEY
from tests.tracing.clients import DEADLINE_S, Cluster

R = TypeVar("R")


def run(program: Callable[[], Coroutine[Any, Any, R]]) -> R:
    """Run a program in a loop of its own, which does not wait for ever."""
    return asyncio.run(asyncio.wait_for(program(), 2 * DEADLINE_S))


@asynccontextmanager
async def producing(
    cluster: Cluster,
    telemetry: KafkaTelemetry | None,
    config: dict[str, Any] | None = None,
    **how: Any,  # noqa: ANN401 - of the constructor
) -> AsyncIterator[Any]:
    """Open a traced asyncio producer, whose buffer is sent by ``flush`` alone, and close it."""
    extra = {} if telemetry is None else {TELEMETRY_KEY: telemetry}
    producer = kafkascope_tracing.AIOProducer(
        {**cluster.config(), **(config or {}), **extra}, buffer_timeout=0, **how
    )
    try:
        yield producer
    finally:
        await producer.close()


@asynccontextmanager
async def consuming(
    cluster: Cluster,
    telemetry: KafkaTelemetry | None,
    config: dict[str, Any] | None = None,
) -> AsyncIterator[Any]:
    """Open a traced asyncio consumer that reads partition 0 from its begin, and close it."""
    extra = {} if telemetry is None else {TELEMETRY_KEY: telemetry}
    consumer = kafkascope_tracing.AIOConsumer(
        {**cluster.consumer_config(), **(config or {}), **extra}, max_workers=4
    )
    await consumer.assign([TopicPartition(cluster.topic, 0, 0)])
    try:
        yield consumer
    finally:
        with suppress(RuntimeError):  # the test closed it
            await consumer.close()


async def sent(producer: Any, *arguments: Any, **how: Any) -> Any:  # noqa: ANN401 - a producer's, and a Message
    """Send one message at once, and return it as it was delivered."""
    delivered = await producer.produce(*arguments, **how)
    await producer.flush()
    return await delivered


async def poll(consumer: Any) -> Any:  # noqa: ANN401 - a consumer and its message
    """Poll until a message comes."""
    while True:
        message = await consumer.poll(1.0)
        if message is not None and message.error() is None:
            return message
