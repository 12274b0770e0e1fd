"""Share consumers of the mock cluster, and waiting until they are ready."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from kafkascope_tracing import KafkaTelemetry
from tests.tracing.clients import Cluster, wait_for

Open = Callable[..., Any]
"""Opens a share consumer of the topic that is ready; the rest is added to its configuration."""


def receive(consumer: Any) -> Any:  # noqa: ANN401 - a share consumer, and its messages
    """Poll until messages come."""

    def some() -> Any:  # noqa: ANN401 - messages
        messages = consumer.poll(1.0)
        return messages if len(messages) else None

    return wait_for(some, "messages")


def subscribe(consumer: Any, cluster: Cluster) -> None:  # noqa: ANN401 - a share consumer
    """Subscribe to the topic, which exists: the mock cluster assigns none that comes later."""
    cluster.send(b"first", partition=0)
    consumer.subscribe([cluster.topic])


def make_ready(consumer: Any, cluster: Cluster, *, explicit: bool) -> None:  # noqa: ANN401 - a share consumer
    """Send messages until the consumer has its partitions; a group begins with what is new."""
    numbers = count(1)
    seen: set[bytes] = set()

    def take(timeout: float) -> list[bytes]:
        messages = consumer.poll(timeout)
        for message in messages if explicit else ():
            consumer.acknowledge(message)
        keys = [message.key() for message in messages]
        seen.update(keys)
        return keys

    def began() -> list[bytes]:
        cluster.send(b"warm", key=b"%d" % next(numbers), partition=0)
        return take(0.5)

    wait_for(began, "a first message")
    last = b"%d" % (next(numbers) - 1)
    wait_for(lambda: last in seen or last in take(0.5), "the last message")
    # What came last is processed, and nothing comes again.
    wait_for(lambda: consumer.commit_sync(10) is not None and not take(0.1), "the end of them")


def send(cluster: Cluster, telemetry: KafkaTelemetry, *values: bytes | None) -> None:
    """Send values to partition 0, traced."""
    producer = cluster.producer(telemetry)
    for value in values:
        producer.produce(cluster.topic, value, partition=0)
    assert producer.flush(30) == 0
