"""Traced clients of a real cluster, and what must hold after every test of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from opentelemetry.context import get_current

from kafkascope_demo.localkafka import LocalKafka
from kafkascope_tracing import Consumer, KafkaTelemetry, Producer
from tests.tracing.recorder import Recorder, Seen
from tests.waiting import wait_until

DEADLINE_S: Final = 60
OFFSET: Final = "messaging.kafka.offset"
PARTITION: Final = "messaging.destination.partition.id"
GROUP: Final = "messaging.consumer.group.name"


@dataclass(slots=True)
class Traced:
    """Clients of one cluster whose spans come to one recorder.

    Args:
        kafka: The cluster.
        recorder: Where spans end.
        telemetry: Of the clients that name no other.
    """

    kafka: LocalKafka
    recorder: Recorder
    telemetry: KafkaTelemetry
    _opened: list[Any] = field(default_factory=list)

    def producer(self, **properties: object) -> Producer:
        """Open a producer; ``_`` in names stands for ``.``."""
        return Producer(
            {
                **self.kafka.client_properties(),
                "linger.ms": 0,
                **_dotted(properties),
                **self.telemetry.producer_interceptor_config(),
            }
        )

    def consumer(
        self, group: str, *, telemetry: KafkaTelemetry | None = None, **properties: object
    ) -> Consumer:
        """Open a consumer that begins at the earliest message, closed after the test."""
        consumer = Consumer(
            {
                **self.kafka.client_properties(),
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                **_dotted(properties),
                **(telemetry or self.telemetry).consumer_interceptor_config(),
            }
        )
        self._opened.append(consumer)
        return consumer

    def send(self, topic: str, *values: bytes, partition: int = 0) -> list[int]:
        """Send values to a partition, and return the ids of their send spans."""
        before = {span.span for span in self.recorder.spans("send")}
        producer = self.producer()
        for value in values:
            producer.produce(topic, value, partition=partition)
        assert producer.flush(DEADLINE_S) == 0
        sent = [span.span for span in self.recorder.spans("send") if span.span not in before]
        assert len(sent) == len(values)
        return sent

    def close(self) -> None:
        """Close the consumers; to close one twice is no error."""
        while self._opened:
            self._opened.pop().close()


@contextmanager
def tracing(kafka: LocalKafka, log: pytest.LogCaptureFixture) -> Iterator[Traced]:
    """Give a test traced clients; after it no context may be left, and nothing may be logged."""
    recorder = Recorder()
    found = Traced(kafka, recorder, recorder.telemetry())
    try:
        yield found
    finally:
        found.close()
    left = dict(get_current())
    assert not left, left
    ours = ("kafkascope_tracing", "opentelemetry")
    records = [*log.get_records("call"), *log.records]
    logged = [each.getMessage() for each in records if each.name.startswith(ours)]
    assert not logged, logged


def receive(consumer: Any) -> Any:  # noqa: ANN401 - any consumer and its message
    """Poll until a message comes."""

    def good() -> Any:  # noqa: ANN401 - the same
        message = consumer.poll(1.0)
        assert message is None or message.error() is None, message.error()
        return None if message is None else [message]

    return wait_until(good, DEADLINE_S, "a message")[0]


def consume(consumer: Any, count: int) -> list[Any]:  # noqa: ANN401 - any consumer and its messages
    """Consume until so many messages came in one batch, which is all there is."""
    found: list[Any] = []

    def enough() -> bool:
        messages = consumer.consume(count - len(found), 1.0)
        assert [message.error() for message in messages if message.error()] == []
        found.extend(messages)
        return len(found) >= count

    wait_until(enough, DEADLINE_S, f"{count} messages")
    return found


def serve_until(consumer: Any, condition: Callable[[], Any], describe: str) -> None:  # noqa: ANN401 - any consumer
    """Poll a consumer, which has no more messages, until a condition holds."""

    def met() -> bool:
        assert consumer.poll(0.05) is None
        return bool(condition())

    wait_until(met, DEADLINE_S, describe)


def committed(kafka: LocalKafka, group: str, topic: str, partitions: int = 1) -> list[int]:
    """Return a group's committed offset of each partition as the broker has it; -1001 for none."""
    admin = AdminClient({**kafka.client_properties()})
    asked = ConsumerGroupTopicPartitions(
        group, [TopicPartition(topic, number) for number in range(partitions)]
    )
    told = admin.list_consumer_group_offsets([asked], require_stable=True)[group].result(30)
    return [int(each.offset) for each in told.topic_partitions]


def settled(span: Seen) -> tuple[int | None, object, bool]:
    """Return what a commit's span is about: its parent, the offset, and whether it failed."""
    return span.parent, span.attributes.get(OFFSET), span.error


def _dotted(properties: dict[str, object]) -> dict[str, object]:
    return {
        name if name.startswith("on_") else name.replace("_", "."): value
        for name, value in properties.items()
    }
