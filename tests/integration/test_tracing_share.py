"""Share groups (KIP-932) on real brokers: what is acknowledged, and the spans that tell of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from kafkascope_tracing import ShareConsumer
from tests.integration.traced import DEADLINE_S, OFFSET, Traced
from tests.tracing.recorder import Seen
from tests.waiting import wait_until

TYPE = "kafkascope.acknowledge.type"
COUNT = "messaging.batch.message_count"

Open = Callable[[str], Any]
"""Opens a share consumer with an acknowledgement mode; it is closed after the test."""


@pytest.fixture
def open_consumer(traced: Traced, admin: AdminClient, topic: str, group: str) -> Iterator[Open]:
    """Open share consumers of the topic in a group that begins at the earliest message."""
    entry = ConfigEntry(
        "share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource(ResourceType.GROUP, group, incremental_configs=[entry])
    admin.incremental_alter_configs([resource])[resource].result(DEADLINE_S)
    opened: list[Any] = []

    def make(mode: str) -> Any:  # noqa: ANN401 - a share consumer
        consumer = ShareConsumer(
            {
                **traced.kafka.client_properties(),
                "group.id": group,
                "share.acknowledgement.mode": mode,
                **traced.telemetry.consumer_interceptor_config(),
            }
        )
        opened.append(consumer)
        consumer.subscribe([topic])
        return consumer

    yield make
    for consumer in opened:
        consumer.close()


def receive(consumer: Any) -> list[Any]:  # noqa: ANN401 - a share consumer and its messages
    """Poll until messages come."""

    def some() -> list[Any]:
        messages = list(consumer.poll(1.0))
        assert [message.error() for message in messages if message.error()] == []
        return messages

    return wait_until(some, DEADLINE_S, "messages")


def told(span: Seen) -> tuple[object, object, int | None]:
    """Return what an acknowledge span says: what becomes of which message, and its parent."""
    return span.attributes[TYPE], span.attributes[OFFSET], span.parent


def test_what_is_released_comes_again_and_what_is_accepted_or_rejected_does_not(
    traced: Traced, open_consumer: Open, topic: str
) -> None:
    """Each acknowledgement is a span under what processed the message, both times."""
    sent = traced.send(topic, b"accept", b"release", b"reject")
    consumer = open_consumer("explicit")
    messages = receive(consumer)
    while len(messages) < len(sent):
        messages += receive(consumer)
    for message in messages:
        kind = confluent_kafka.AcknowledgeType[message.value().decode().upper()]
        with traced.telemetry.process(message, consumer=consumer):
            consumer.acknowledge(message, kind)
    assert list(consumer.commit_sync(DEADLINE_S).values()) == [None]
    (again,) = receive(consumer)
    with traced.telemetry.process(again, consumer=consumer):
        consumer.acknowledge(again)
    assert list(consumer.commit_sync(DEADLINE_S).values()) == [None]
    traced.send(topic, b"last")

    assert [message.value() for message in receive(consumer)] == [b"last"]
    assert (again.value(), again.offset(), again.delivery_count()) == (b"release", 1, 2)
    processes = traced.recorder.spans("process")
    assert [span.parent for span in processes] == [*sent, sent[1]]
    ids = [span.span for span in processes]
    assert [told(span) for span in traced.recorder.spans("acknowledge")] == [
        ("accept", 0, ids[0]),
        ("release", 1, ids[1]),
        ("reject", 2, ids[2]),
        ("accept", 1, ids[3]),
    ]
    commits = traced.recorder.spans("commit")
    assert [span.attributes[COUNT] for span in commits] == [3, 1]
    assert commits[-1].parent == ids[3]
    assert not any(span.error for span in traced.recorder.spans())


def test_without_acknowledgements_of_ones_own_the_next_poll_accepts(
    traced: Traced, open_consumer: Open, topic: str
) -> None:
    """The client does it, and the broker's answer is the settle span; nothing comes again."""
    sent = traced.send(topic, b"1", b"2")
    consumer = open_consumer("implicit")
    messages = receive(consumer)
    for message in traced.telemetry.iter_process(messages, consumer=consumer):
        assert message.delivery_count() == 1
    more: list[Any] = []

    def answered() -> bool:
        more.extend(consumer.poll(0.1))
        counts = [span.attributes[COUNT] for span in traced.recorder.spans("commit")]
        return bool(sum(counts) == len(sent))

    wait_until(answered, DEADLINE_S, "the broker's answer")
    assert [message.value() for message in [*messages, *more]] == [b"1", b"2"]
    traced.send(topic, b"last")
    assert [message.value() for message in receive(consumer)] == [b"last"]
    assert traced.recorder.spans("acknowledge") == []
    assert not any(span.error for span in traced.recorder.spans())
