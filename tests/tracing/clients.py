"""Clients of the mock cluster, and waiting for what they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import TopicPartition

from kafkascope_tracing import Consumer, KafkaTelemetry, Producer

DEADLINE_S = 30.0
PARTITIONS = 4


@dataclass(slots=True)
class Cluster:
    """A mock cluster and one topic of it, which is one test's own.

    Args:
        servers: Its bootstrap servers.
        topic: The topic.
    """

    servers: str
    topic: str
    _opened: list[Any] = field(default_factory=list)

    @property
    def port(self) -> int:
        """The port of the first bootstrap server."""
        return int(self.servers.split(",")[0].rpartition(":")[2])

    def config(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
        """Return a client's configuration; ``_`` in names stands for ``.``, but in callbacks'."""
        own = {
            name if name.startswith("on_") else name.replace("_", "."): value
            for name, value in more.items()
        }
        return {"bootstrap.servers": self.servers, "log_level": 0, "client.id": "app", **own}

    def consumer_config(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any property
        """Return the configuration of a consumer that reads everything and commits nothing."""
        own = {
            "group.id": f"group-of-{self.topic}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
        return {**own, **self.config(**more)}

    def producer(self, telemetry: KafkaTelemetry | None, **more: Any) -> Producer:  # noqa: ANN401 - any property
        """Open a traced producer."""
        extra = {} if telemetry is None else telemetry.producer_interceptor_config()
        return Producer({**self.config(**more), **extra})

    def consumer(self, telemetry: KafkaTelemetry | None, **more: Any) -> Consumer:  # noqa: ANN401 - any property
        """Open a traced consumer of the topic."""
        extra = {} if telemetry is None else telemetry.consumer_interceptor_config()
        consumer = Consumer({**self.consumer_config(**more), **extra})
        consumer.assign([TopicPartition(self.topic, number, 0) for number in range(PARTITIONS)])
        self._opened.append(consumer)
        return consumer

    def send(self, *values: bytes | None, **how: Any) -> None:  # noqa: ANN401 - of produce()
        """Send values by a producer that is not traced."""
        producer = Producer(self.config())
        for value in values:
            producer.produce(self.topic, value, **how)
        assert producer.flush(DEADLINE_S) == 0

    def forget(self) -> None:
        """Leave the consumers to the test."""
        self._opened.clear()

    def close(self) -> None:
        """Close the consumers."""
        for consumer in self._opened:
            consumer.close()


def block(client: Any) -> AbstractContextManager[Any]:  # noqa: ANN401 - any client
    """Return a client as a ``with`` block; confluent-kafka before 2.13 has none: it stays open."""
    found: AbstractContextManager[Any] = (
        client if hasattr(client, "__exit__") else nullcontext(client)
    )
    return found


def poll(consumer: Any) -> Any:  # noqa: ANN401 - any consumer and its message
    """Poll until a message comes; a topic that does not exist yet is waited for."""

    def good() -> Any:  # noqa: ANN401 - the same
        message = consumer.poll(1.0)
        return None if message is None or message.error() is not None else message

    return wait_for(good, "a message")


def consume(consumer: Any, count: int) -> list[Any]:  # noqa: ANN401 - any consumer and its messages
    """Consume until so many messages came in all."""
    found: list[Any] = []

    def enough() -> bool:
        messages = consumer.consume(count - len(found), 1.0)
        found.extend(message for message in messages if message.error() is None)
        return len(found) >= count

    wait_for(enough, f"{count} messages")
    return found


def wait_for(attempt: Callable[[], Any], what: str) -> Any:  # noqa: ANN401 - whatever it returns
    """Try until the result is neither None nor false nor empty, and return it."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = attempt()
        if found is not None and found is not False and found != []:
            return found
    raise AssertionError(f"{what} did not come within {DEADLINE_S} s")
