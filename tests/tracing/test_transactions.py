from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka import Producer as RawProducer

from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.interceptors import Chain
from kafkascope_tracing.sending import Sending
from kafkascope_tracing.transactions import begun, concluding
from tests.tracing.clients import Cluster, poll
from tests.tracing.recorder import Recorder


def test_a_transaction_is_a_span_around_what_is_sent_in_it(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Its messages are its children where no span is current, else they link to it."""
    producer = cluster.producer(recorder.telemetry(), transactional_id=cluster.topic)
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(cluster.topic, b"1")
    with recorder.tracer.start_as_current_span("job"):
        producer.produce(cluster.topic, b"2")
    producer.commit_transaction(30)
    producer.begin_transaction()
    producer.abort_transaction(30)

    spans = {span.span: span for span in recorder.spans()}
    first, child, job, linked, second = spans.values()
    assert (first.name, first.kind, first.parent) == ("transaction", "INTERNAL", None)
    assert first.attributes["kafkascope.transaction.outcome"] == "commit"
    assert (child.parent, child.links) == (first.span, [])
    assert (linked.parent, linked.links[0].span) == (job.span, first.span)
    assert second.attributes["kafkascope.transaction.outcome"] == "abort"
    assert not first.error


def test_offsets_sent_to_a_transaction_are_settled_by_what_processed_them(
    cluster: Cluster, recorder: Recorder
) -> None:
    """The settle span is the process span's child, outside of it, too."""
    telemetry = recorder.telemetry()
    cluster.send(b"1", partition=0)
    consumer = cluster.consumer(telemetry)
    message = poll(consumer)
    with telemetry.process(message):
        pass
    producer = cluster.producer(telemetry, transactional_id=cluster.topic)
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.send_offsets_to_transaction(
        [TopicPartition(cluster.topic, 0, 1)], consumer.consumer_group_metadata(), 30
    )
    producer.commit_transaction(30)

    (process,) = recorder.spans("process")
    (commit,) = recorder.spans("commit")
    assert (commit.parent, commit.attributes["messaging.kafka.offset"]) == (process.span, 1)


def test_a_transaction_that_cannot_be_is_the_clients_own_error(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Without transactional.id nothing begins, commits or aborts, and there is no span."""
    producer = cluster.producer(recorder.telemetry())
    for call in (
        producer.begin_transaction,
        producer.commit_transaction,
        producer.abort_transaction,
    ):
        with pytest.raises(KafkaException):
            call()

    assert recorder.spans() == []


@pytest.mark.skipif(
    not hasattr(RawProducer, "__exit__"), reason="this confluent-kafka's producers do not close"
)
def test_a_transaction_left_open_ends_with_the_producer(
    cluster: Cluster, recorder: Recorder
) -> None:
    """With the with block; what became of it is told."""
    with cluster.producer(recorder.telemetry(), transactional_id=cluster.topic) as producer:
        producer.init_transactions(30)
        producer.begin_transaction()

    (span,) = recorder.spans()
    assert span.attributes["kafkascope.transaction.outcome"] == "abandoned"


def test_transaction_spans_can_be_switched_off(cluster: Cluster, recorder: Recorder) -> None:
    """The messages are then roots of their own."""
    telemetry = recorder.builder().set_transaction_spans_enabled(False).build()
    producer = cluster.producer(telemetry, transactional_id=cluster.topic)
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(cluster.topic, b"1")
    producer.commit_transaction(30)

    (span,) = recorder.spans()
    assert (span.name, span.parent) == (f"send {cluster.topic}", None)


def test_an_error_after_which_nothing_is_possible_ends_the_transaction(recorder: Recorder) -> None:
    """Another one leaves it open: the application may try again, or abort."""
    sending = Sending(recorder.telemetry(), {}, Chain(()), Chain(()), ClusterId(None))
    begun(sending)
    for fatal in (False, True):
        assert recorder.spans() == []
        with pytest.raises(KafkaException), concluding(sending, "commit"):
            raise KafkaException(KafkaError(KafkaError._FENCED, "fenced", fatal))

    (span,) = recorder.spans()
    assert (span.error, span.attributes["error.type"]) == (True, "_FENCED")
