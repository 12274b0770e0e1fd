"""Zero code for the asyncio clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

aio: Any = pytest.importorskip("confluent_kafka.aio", reason="this confluent-kafka has no aio")

from opentelemetry import trace  # noqa: E402 - nothing here is of use without the above

from kafkascope_tracing.auto import KafkaInstrumentor  # noqa: E402 - the same
from tests.tracing.clients import Cluster  # noqa: E402 - the same
from tests.tracing.recorder import Recorder  # noqa: E402 - the same

AIOProducer, AIOConsumer = aio.AIOProducer, aio.AIOConsumer
ORIGINALS = (AIOProducer, AIOConsumer)


class EarlyProducer(aio.AIOProducer):  # type: ignore[misc] # Any to mypy
    """A user's class, from before."""


@pytest.fixture
def instrumentor(recorder: Recorder) -> Iterator[KafkaInstrumentor]:
    """The instrumentor, at work until the test ends."""
    found = KafkaInstrumentor()
    found.instrument(tracer_provider=recorder.provider)
    yield found
    if found.is_instrumented_by_opentelemetry:
        found.uninstrument()


async def send(producer: Any, topic: str) -> None:  # noqa: ANN401 - any asyncio producer
    """Send a message, wait for its delivery, and close."""
    delivered = await producer.produce(topic, value=b"v")
    await producer.flush()
    await delivered
    await producer.close()


async def receive(consumer: Any, topic: str) -> int:  # noqa: ANN401 - any asyncio consumer
    """Receive a message and close; the id of the span that was current in between."""
    await consumer.subscribe([topic])
    message = None
    while message is None or message.error() is not None:
        message = await consumer.poll(1.0)
    current = trace.get_current_span().get_span_context().span_id
    await consumer.close()
    return current


@pytest.mark.usefixtures("instrumentor")
def test_asyncio_clients_make_one_span_each(recorder: Recorder, cluster: Cluster) -> None:
    """The clients that they hold make none of their own."""

    async def program() -> int:
        await send(AIOProducer(cluster.config()), cluster.topic)
        return await receive(AIOConsumer(cluster.consumer_config()), cluster.topic)

    current = asyncio.run(program())

    sent, processed = recorder.spans()
    assert (sent.name, processed.name) == (f"send {cluster.topic}", f"process {cluster.topic}")
    assert (processed.trace, processed.parent) == (sent.trace, sent.span)
    assert current == processed.span


@pytest.mark.usefixtures("instrumentor")
def test_an_asyncio_producer_that_was_derived_earlier_is_traced(
    recorder: Recorder, cluster: Cluster
) -> None:
    """As those of the C client are."""

    async def program() -> None:
        await send(EarlyProducer(cluster.config()), cluster.topic)

    asyncio.run(program())

    assert [span.name for span in recorder.spans()] == [f"send {cluster.topic}"]


@pytest.mark.usefixtures("instrumentor")
def test_a_serializing_asyncio_producer_is_traced(recorder: Recorder, cluster: Cluster) -> None:
    """Its constructor is a coroutine."""
    if not hasattr(aio, "AsyncSerializingProducer"):
        pytest.skip("this confluent-kafka has no AsyncSerializingProducer")

    async def program() -> None:
        await send(await aio.AsyncSerializingProducer(cluster.config()), cluster.topic)

    asyncio.run(program())

    assert [span.name for span in recorder.spans()] == [f"send {cluster.topic}"]


def test_uninstrumenting_leaves_asyncio_clients_as_they_were(
    instrumentor: KafkaInstrumentor, recorder: Recorder, cluster: Cluster
) -> None:
    """Classes and bases, and one that was made meanwhile sends without a span."""

    async def program() -> None:
        meanwhile = AIOProducer(cluster.config())
        instrumentor.uninstrument()
        await send(meanwhile, cluster.topic)

    asyncio.run(program())

    assert (aio.AIOProducer, aio.AIOConsumer) == ORIGINALS
    assert EarlyProducer.__bases__ == (ORIGINALS[0],)
    assert recorder.spans() == []
