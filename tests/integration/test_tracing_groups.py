"""What a traced member of a real group reports, and that nothing is lost or left behind by it."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaException, TopicPartition
from opentelemetry.trace import get_current_span

from tests.integration.conftest import MakeTopic
from tests.integration.traced import (
    GROUP,
    OFFSET,
    Traced,
    committed,
    consume,
    receive,
    serve_until,
    settled,
)

in_both_protocols = pytest.mark.parametrize("protocol", ["classic", "consumer"])


@in_both_protocols
def test_a_synchronous_commit_is_settled_in_the_broker_under_what_processed_it(
    traced: Traced, topic: str, group: str, protocol: str
) -> None:
    """By message in the block, and by offsets after it: a child of the process span each time."""
    sent = traced.send(topic, b"1", b"2")
    consumer = traced.consumer(group, group_protocol=protocol)
    consumer.subscribe([topic])
    first = receive(consumer)
    with traced.telemetry.process(first):
        consumer.commit(first, asynchronous=False)
    assert committed(traced.kafka, group, topic) == [1]
    with traced.telemetry.process(receive(consumer)):
        pass
    consumer.commit(offsets=[TopicPartition(topic, 0, 2)], asynchronous=False)
    assert committed(traced.kafka, group, topic) == [2]

    processes = traced.recorder.spans("process")
    commits = traced.recorder.spans("commit")
    assert [span.parent for span in processes] == sent
    assert [[link.span for link in span.links] for span in processes] == [[each] for each in sent]
    assert [settled(span) for span in commits] == [
        (processes[0].span, 1, False),
        (processes[1].span, 2, False),
    ]
    assert {span.attributes[GROUP] for span in (*processes, *commits)} == {group}


@in_both_protocols
def test_an_asynchronous_commit_ends_when_the_broker_has_answered(
    traced: Traced, topic: str, group: str, protocol: str
) -> None:
    """The application's own callback hears of it; the offset is in the broker when it ends."""
    traced.send(topic, b"1")
    heard: list[Any] = []
    consumer = traced.consumer(
        group,
        group_protocol=protocol,
        on_commit=lambda error, places: heard.append((error, [each.offset for each in places])),
    )
    consumer.subscribe([topic])
    message = receive(consumer)
    with traced.telemetry.process(message):
        consumer.commit(message)
    assert traced.recorder.spans("commit") == []
    serve_until(consumer, lambda: traced.recorder.spans("commit"), "the commit's result")

    assert committed(traced.kafka, group, topic) == [1]
    (process,), (commit,) = traced.recorder.spans("process"), traced.recorder.spans("commit")
    assert settled(commit) == (process.span, 1, False)
    assert heard == [(None, [1])]


@in_both_protocols
def test_an_automatic_commit_is_settled_under_what_processed_the_message(
    traced: Traced, topic: str, group: str, protocol: str
) -> None:
    """While the consumer polls on, and once more when it is closed."""
    traced.send(topic, b"1", b"2")
    consumer = traced.consumer(
        group,
        group_protocol=protocol,
        enable_auto_commit=True,
        enable_auto_offset_store=False,
        auto_commit_interval_ms=100,
    )
    consumer.subscribe([topic])
    first, second = consume(consumer, 2)
    with traced.telemetry.process(first):
        consumer.store_offsets(first)
    serve_until(consumer, lambda: traced.recorder.spans("commit"), "an automatic commit")
    assert committed(traced.kafka, group, topic) == [1]
    with traced.telemetry.process(second):
        consumer.store_offsets(second)
    consumer.close()

    assert committed(traced.kafka, group, topic) == [2]
    processes = [span.span for span in traced.recorder.spans("process")]
    # Closing commits again what an automatic commit has not been answered for: no list.
    assert {settled(span) for span in traced.recorder.spans("commit")} == {
        (processes[0], 1, False),
        (processes[1], 2, False),
    }


def test_a_loop_that_stops_half_way_loses_no_message(
    traced: Traced, topic: str, group: str
) -> None:
    """What it did not reach comes to the next consumer; each has its one process span."""
    values = [b"%d" % number for number in range(10)]
    sent = traced.send(topic, *values)
    consumer = traced.consumer(group)
    consumer.subscribe([topic])
    done: list[Any] = []
    loop = traced.telemetry.iter_process(consume(consumer, 10), consumer=consumer)
    for message in loop:
        done.append(message.value())
        if len(done) == 4:
            consumer.commit(message, asynchronous=False)
            break
    consumer.close()  # while the generator still is in the block of the fourth message
    assert get_current_span().get_span_context().is_valid
    del loop
    assert not get_current_span().get_span_context().is_valid
    assert committed(traced.kafka, group, topic) == [4]

    successor = traced.consumer(group)
    successor.subscribe([topic])
    rest = traced.telemetry.iter_process(consume(successor, 6), consumer=successor)
    done.extend(message.value() for message in rest)

    assert done == values
    assert [span.parent for span in traced.recorder.spans("process")] == sent


@in_both_protocols
def test_a_message_that_is_sought_again_has_a_second_span_of_the_same_sender(
    traced: Traced, topic: str, group: str, protocol: str
) -> None:
    """And what commits it then belongs to the second one."""
    sent = traced.send(topic, b"1", b"2", b"3")
    consumer = traced.consumer(group, group_protocol=protocol)
    consumer.subscribe([topic])
    for _ in sent:
        with traced.telemetry.process(receive(consumer)):
            pass
    consumer.seek(TopicPartition(topic, 0, 1))
    again = receive(consumer)
    with traced.telemetry.process(again):
        pass
    consumer.commit(again, asynchronous=False)

    processes = traced.recorder.spans("process")
    assert again.value() == b"2"
    assert [span.attributes[OFFSET] for span in processes] == [0, 1, 2, 1]
    assert [span.parent for span in processes] == [*sent, sent[1]]
    (commit,) = traced.recorder.spans("commit")
    assert settled(commit) == (processes[3].span, 2, False)
    assert committed(traced.kafka, group, topic) == [2]


@in_both_protocols
def test_a_paused_partition_gives_nothing_and_ends_what_was_processed(
    traced: Traced, make_topic: MakeTopic, group: str, protocol: str
) -> None:
    """In implicit mode, too, where polls are what ends a process span; resuming goes on."""
    topic = make_topic()
    telemetry = traced.recorder.builder().set_process_spans("implicit").build()
    first, second = traced.send(topic, b"1", b"2")
    consumer = traced.consumer(group, telemetry=telemetry, group_protocol=protocol)
    consumer.subscribe([topic])
    receive(consumer)
    current = get_current_span().get_span_context().span_id
    consumer.pause([TopicPartition(topic, 0)])
    assert consumer.poll(0.2) is None
    assert not get_current_span().get_span_context().is_valid
    consumer.resume([TopicPartition(topic, 0)])
    assert receive(consumer).value() == b"2"
    consumer.unsubscribe()

    processes = traced.recorder.spans("process")
    assert processes[0].span == current
    assert [span.parent for span in processes] == [first, second]


@in_both_protocols
def test_a_commit_that_the_broker_refuses_is_an_error_and_raises(
    traced: Traced, topic: str, group: str, protocol: str
) -> None:
    """As it refuses who is no member of a group that has members; nothing is committed."""
    traced.send(topic, b"1")
    consumer = traced.consumer(group, group_protocol=protocol)
    consumer.subscribe([topic])
    message = receive(consumer)
    stranger = traced.consumer(group, group_protocol=protocol)
    with traced.telemetry.process(message), pytest.raises(KafkaException) as raised:
        stranger.commit(message, asynchronous=False)

    (process,), (commit,) = traced.recorder.spans("process"), traced.recorder.spans("commit")
    assert settled(commit) == (process.span, 1, True)
    assert commit.attributes["error.type"] == raised.value.args[0].name()
    assert not process.error
    assert committed(traced.kafka, group, topic) == [-1001]


def test_commits_of_two_groups_in_one_program_belong_to_what_each_processed(
    traced: Traced, topic: str, group: str
) -> None:
    """Both read the same message, and each commits when the other has processed it, too."""
    traced.send(topic, b"1")
    telemetry = traced.recorder.builder().set_process_spans("implicit").build()
    groups = [f"{group} {name}" for name in ("bar", "kitchen")]
    consumers = [traced.consumer(name, telemetry=telemetry) for name in groups]
    for consumer in consumers:
        consumer.subscribe([topic])
    messages = [receive(consumer) for consumer in consumers]
    for consumer in consumers:
        assert consumer.poll(0) is None
    for consumer, message in zip(consumers, messages, strict=True):
        consumer.commit(message, asynchronous=False)

    processes, commits = traced.recorder.spans("process"), traced.recorder.spans("commit")
    assert [span.attributes[GROUP] for span in processes] == groups
    assert [span.attributes[GROUP] for span in commits] == groups
    assert [span.parent for span in commits] == [span.span for span in processes]
