"""Members that work on a message for longer than their group waits."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from opentelemetry.trace import get_current_span

from tests.integration.traced import DEADLINE_S, Traced, committed, receive, settled
from tests.waiting import wait_until


def test_a_member_that_is_too_slow_gets_its_message_again(
    traced: Traced, admin: AdminClient, topic: str, group: str
) -> None:
    """Its commit is refused and its partitions are lost; each processing has a span of its own."""
    telemetry = traced.recorder.builder().set_process_spans("implicit").build()
    (sent,) = traced.send(topic, b"1")
    consumer = traced.consumer(
        group, telemetry=telemetry, session_timeout_ms=6000, max_poll_interval_ms=6000
    )
    lost: list[tuple[bool, bool]] = []
    refused: list[str] = []

    def on_lost(client: Consumer, _: list[TopicPartition]) -> None:
        lost.append((client is consumer, get_current_span().get_span_context().is_valid))
        with pytest.raises(KafkaException) as raised:
            client.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
        refused.append(raised.value.args[0].name())
        client.unassign()

    def left() -> bool:
        return not admin.describe_consumer_groups([group])[group].result(10).members

    def told() -> Any:  # noqa: ANN401 - a Message
        return [found] if (found := consumer.poll(0.2)) is not None else None

    consumer.subscribe([topic], on_lost=on_lost)
    first = receive(consumer)
    wait_until(left, DEADLINE_S, "the member to be thrown out")
    (error,) = wait_until(told, DEADLINE_S, "the error")
    again = receive(consumer)
    consumer.commit(again, asynchronous=False)
    consumer.close()

    assert error.error().code() == KafkaError._MAX_POLL_EXCEEDED
    assert (first.offset(), again.offset()) == (0, 0)
    assert committed(traced.kafka, group, topic) == [1]
    assert lost == [(True, False)]
    processes = traced.recorder.spans("process")
    assert [(span.parent, span.error) for span in processes] == [(sent, False)] * 2
    bad, good = traced.recorder.spans("commit")
    assert settled(bad) == (processes[0].span, 1, True)
    assert bad.attributes["error.type"] == refused[0]
    assert settled(good) == (processes[1].span, 1, False)
