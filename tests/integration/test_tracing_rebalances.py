"""Groups that rebalance while their traced members process messages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Literal

import pytest
from confluent_kafka import Consumer, TopicPartition
from opentelemetry.trace import get_current_span

from kafkascope_tracing import KafkaTelemetry
from tests.integration.conftest import MakeTopic
from tests.integration.traced import DEADLINE_S, Traced, committed
from tests.tracing.collected import new_collector
from tests.tracing.recorder import Seen
from tests.waiting import wait_until

Mode = Literal["explicit", "implicit"]

PARTITIONS = 4
EACH = 30
PROTOCOLS: dict[str, dict[str, object]] = {
    "eager": {"partition_assignment_strategy": "range", "heartbeat_interval_ms": 200},
    "cooperative": {
        "partition_assignment_strategy": "cooperative-sticky",
        "heartbeat_interval_ms": 200,
    },
    "KIP-848": {"group_protocol": "consumer"},
}


@dataclass(slots=True)
class Member:
    """A member of a group as applications write it: it commits what it did before it gives it up.

    Args:
        consumer: Its client.
        telemetry: Of its process spans, where it opens them itself; else None.
        eager: Whether its partitions are all taken and given at once.
    """

    consumer: Consumer
    telemetry: KafkaTelemetry | None
    eager: bool
    values: list[bytes | None] = field(default_factory=list)
    given: int = 0
    taken: int = 0
    clients: set[int] = field(default_factory=set)
    spans_in_callbacks: set[bool] = field(default_factory=set)

    def join(self, topic: str) -> None:
        """Subscribe, with callbacks that use the client that they are given."""
        self.consumer.subscribe([topic], on_assign=self._on_assign, on_revoke=self._on_revoke)

    def step(self, meanwhile: Callable[[], None] = lambda: None) -> bool:
        """Poll once and process what comes; whether anything came.

        Args:
            meanwhile: What is done in the middle of processing.
        """
        message = self.consumer.poll(0.02)
        if message is None:
            return False
        assert message.error() is None, message.error()
        with nullcontext() if self.telemetry is None else self.telemetry.process(message):
            within = get_current_span().get_span_context().span_id
            meanwhile()
            assert within == get_current_span().get_span_context().span_id != 0
        self.values.append(message.value())
        return True

    def _on_assign(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        self._look(client)
        places = client.committed(partitions, timeout=DEADLINE_S)
        if self.eager:
            client.assign(places)
        else:
            client.incremental_assign(places)
        self.given += len(partitions)

    def _on_revoke(self, client: Consumer, partitions: list[TopicPartition]) -> None:
        self._look(client)
        places = [each for each in client.position(partitions) if each.offset >= 0]
        if places:
            client.commit(offsets=places, asynchronous=False)
        if self.eager:
            client.unassign()
        else:
            client.incremental_unassign(partitions)
        self.taken += len(partitions)

    def _look(self, client: Consumer) -> None:
        self.clients.add(id(client))
        self.spans_in_callbacks.add(get_current_span().get_span_context().is_valid)


def until(condition: Callable[[], bool], describe: str, *members: Member) -> None:
    """Have the members work in turn until a condition holds."""

    def met() -> bool:
        while any([each.step() for each in members]):  # noqa: C419 - each of them in turn
            pass
        return condition()

    wait_until(met, DEADLINE_S, describe)


@pytest.mark.parametrize(
    ("protocol", "mode"),
    [
        ("eager", "explicit"),
        ("eager", "implicit"),
        ("cooperative", "explicit"),
        ("KIP-848", "implicit"),
    ],
)
def test_members_that_come_and_go_lose_no_message_and_leave_no_context(
    traced: Traced, make_topic: MakeTopic, group: str, protocol: str, mode: Mode
) -> None:
    """A second member joins while the first processes, and leaves again; both in one thread."""
    topic = make_topic(partitions=PARTITIONS)
    collector = new_collector()
    telemetry = (
        KafkaTelemetry.builder(traced.recorder.provider, collector.provider)
        .set_process_spans(mode)
        .build()
    )
    sent: dict[bytes, int] = {}

    def member() -> Member:
        consumer = traced.consumer(group, telemetry=telemetry, **PROTOCOLS[protocol])
        return Member(consumer, telemetry if mode == "explicit" else None, protocol == "eager")

    def send(round_: str) -> None:
        for partition in range(PARTITIONS):
            values = [f"{round_} {partition} {number}".encode() for number in range(EACH)]
            spans = traced.send(topic, *values, partition=partition)
            sent.update(zip(values, spans, strict=True))

    def joins() -> None:
        second.join(topic)
        second.step()

    send("alone")
    first, second = member(), member()
    first.join(topic)
    wait_until(lambda: first.step(joins), DEADLINE_S, "a first message")
    both = (first, second)
    held = [PARTITIONS // 2] * 2
    until(lambda: [each.given - each.taken for each in both] == held, "two each", *both)
    until(lambda: sum(len(each.values) for each in both) == len(sent), "the first round", *both)
    send("two")
    until(lambda: sum(len(each.values) for each in both) == len(sent), "the second round", *both)
    second.consumer.close()
    until(lambda: first.given - first.taken == PARTITIONS, "all for the first", first)
    send("alone again")
    until(lambda: sum(len(each.values) for each in both) == len(sent), "the third round", first)
    first.consumer.close()

    assert sorted(filter(None, first.values + second.values)) == sorted(sent)
    assert len(second.values) >= 2 * EACH
    assert [each.clients for each in both] == [{id(each.consumer)} for each in both]
    assert [each.given - each.taken for each in both] == [0, 0]
    if mode == "explicit":  # else the other member's message may be worked on while this one polls
        assert [each.spans_in_callbacks for each in both] == [{False}, {False}]
    assert sum(committed(traced.kafka, group, topic, PARTITIONS)) == len(sent)
    processes = traced.recorder.spans("process")
    assert sorted(links_of(span)[0] for span in processes) == sorted(sent.values())
    assert [span.parent for span in processes] == [links_of(span)[0] for span in processes]
    assert not any(span.error for span in traced.recorder.spans())
    consumed = collector.numbers("messaging.client.consumed.messages")
    assert sum(consumed.values()) == len(sent)
    assert len(consumed) == PARTITIONS


def links_of(span: Seen) -> list[int]:
    """Return the ids of the spans that a span links to."""
    return [link.span for link in span.links]
