"""Transactions of traced clients with real brokers: what is read, and the spans that tell of it."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaException, Producer, TopicPartition

from kafkascope_tracing import Consumer
from tests.integration.conftest import MakeTopic
from tests.integration.traced import (
    DEADLINE_S,
    OFFSET,
    Traced,
    committed,
    consume,
    receive,
    settled,
)
from tests.tracing.recorder import Seen

OUTCOME = "kafkascope.transaction.outcome"


def transactional(traced: Traced, name: str, **properties: object) -> Producer:
    """Open a producer that is ready for its first transaction."""
    producer = traced.producer(transactional_id=name, **properties)
    producer.init_transactions(DEADLINE_S)
    return producer


def pass_on(traced: Traced, consumer: Consumer, producer: Producer, target: str) -> None:
    """Process one message in the open transaction: send what comes of it, and its offset."""
    message = receive(consumer)
    with traced.telemetry.process(message):
        producer.produce(target, b"made of " + message.value())
        producer.send_offsets_to_transaction(
            [TopicPartition(message.topic(), 0, message.offset() + 1)],
            consumer.consumer_group_metadata(),
            DEADLINE_S,
        )


def outcomes(traced: Traced) -> list[tuple[object, int | None, bool]]:
    """Return outcome, parent and failure of each transaction's span."""
    return [
        (span.attributes[OUTCOME], span.parent, span.error)
        for span in traced.recorder.spans("transaction")
    ]


def sends_to(traced: Traced, topic: str) -> list[Seen]:
    """Return the send spans of a topic."""
    return traced.recorder.spans(f"send {topic}")


def test_what_a_transaction_commits_is_one_trace_with_what_it_was_made_of(
    traced: Traced, make_topic: MakeTopic, group: str
) -> None:
    """Send, process, send, process; the offsets are in the broker when the transaction is."""
    source, target = make_topic(), make_topic()
    sent = traced.send(source, b"1", b"2")
    consumer = traced.consumer(group, isolation_level="read_committed")
    consumer.subscribe([source])
    producer = transactional(traced, group)
    for _ in sent:
        producer.begin_transaction()
        pass_on(traced, consumer, producer, target)
        producer.commit_transaction(DEADLINE_S)
    reader = traced.consumer(f"{group} reader", isolation_level="read_committed")
    reader.subscribe([target])
    made = [receive(reader) for _ in sent]
    for message in made:
        with traced.telemetry.process(message):
            pass

    assert [message.value() for message in made] == [b"made of 1", b"made of 2"]
    assert committed(traced.kafka, group, source) == [2]
    assert outcomes(traced) == [("commit", None, False)] * 2
    transactions = [span.span for span in traced.recorder.spans("transaction")]
    processes = traced.recorder.spans(f"process {source}")
    resent = sends_to(traced, target)
    assert [span.parent for span in processes] == sent
    assert [span.parent for span in resent] == [span.span for span in processes]
    assert [[link.span for link in span.links] for span in resent] == [[e] for e in transactions]
    assert [settled(span) for span in traced.recorder.spans("commit")] == [
        (process.span, offset, False) for offset, process in enumerate(processes, 1)
    ]
    last = traced.recorder.spans(f"process {target}")
    assert [span.parent for span in last] == [span.span for span in resent]
    assert [span.trace for span in last] == [span.trace for span in processes]


def test_what_a_transaction_aborts_is_read_by_nobody_and_commits_nothing(
    traced: Traced, make_topic: MakeTopic, group: str
) -> None:
    """Its messages reached the broker, so their spans are no errors; sought again, all is well."""
    source, target = make_topic(), make_topic()
    traced.send(source, b"1")
    consumer = traced.consumer(group)
    consumer.subscribe([source])
    producer = transactional(traced, group)
    producer.begin_transaction()
    pass_on(traced, consumer, producer, target)
    assert producer.flush(DEADLINE_S) == 0
    producer.abort_transaction(DEADLINE_S)
    assert committed(traced.kafka, group, source) == [-1001]
    consumer.seek(TopicPartition(source, 0, 0))
    producer.begin_transaction()
    pass_on(traced, consumer, producer, target)
    producer.commit_transaction(DEADLINE_S)
    assert committed(traced.kafka, group, source) == [1]
    reader = traced.consumer(f"{group} reader", isolation_level="read_committed")
    reader.subscribe([target])
    (message,) = consume(reader, 1)

    aborted, kept = sends_to(traced, target)
    assert outcomes(traced) == [("abort", None, False), ("commit", None, False)]
    assert [span.error for span in (aborted, kept)] == [False, False]
    assert (aborted.attributes[OFFSET], message.offset()) == (0, kept.attributes[OFFSET])
    with traced.telemetry.process(message):
        pass
    assert traced.recorder.spans(f"process {target}")[0].parent == kept.span


def test_a_message_that_an_abort_purges_has_a_span_that_failed(
    traced: Traced, topic: str, group: str
) -> None:
    """It was queued only; the span is the transaction's child, and its error says purged."""
    producer = transactional(traced, group, linger_ms=30_000)
    producer.begin_transaction()
    producer.produce(topic, b"1")
    producer.abort_transaction(DEADLINE_S)

    (transaction,), (sent,) = traced.recorder.spans("transaction"), sends_to(traced, topic)
    assert outcomes(traced) == [("abort", None, False)]
    assert (sent.parent, sent.error) == (transaction.span, True)
    assert sent.attributes["error.type"] == "_PURGE_QUEUE"


def test_a_transaction_of_a_producer_that_is_fenced_off_is_an_error(
    traced: Traced, topic: str, group: str
) -> None:
    """Another one has taken its transactional.id; it can do nothing any more, so its span ends."""
    fenced = transactional(traced, group)
    fenced.begin_transaction()
    fenced.produce(topic, b"of the old one")
    assert fenced.flush(DEADLINE_S) == 0
    successor = transactional(traced, group)
    with pytest.raises(KafkaException) as raised:
        fenced.commit_transaction(DEADLINE_S)
    successor.begin_transaction()
    successor.produce(topic, b"of the new one")
    successor.commit_transaction(DEADLINE_S)
    reader = traced.consumer(f"{group} reader", isolation_level="read_committed")
    reader.subscribe([topic])

    assert receive(reader).value() == b"of the new one"
    assert raised.value.args[0].fatal()
    assert outcomes(traced) == [("commit", None, True), ("commit", None, False)]
    failed, _ = traced.recorder.spans("transaction")
    assert failed.attributes["error.type"] == raised.value.args[0].name()
