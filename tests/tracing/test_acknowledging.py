from __future__ import annotations

from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import KafkaException

if not hasattr(confluent_kafka, "ShareConsumer"):
    pytest.skip("this confluent-kafka has no share consumer", allow_module_level=True)

from kafkascope_tracing import KafkaTelemetry
from kafkascope_tracing.acknowledging import Acknowledgements
from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.interceptors import Chain
from kafkascope_tracing.receiving import Receiving
from tests.tracing.clients import Cluster, wait_for
from tests.tracing.collected import new_collector
from tests.tracing.recorder import Recorder, Seen
from tests.tracing.semconv import span_faults
from tests.tracing.shareclients import Open, receive, send

TYPE = "kafkascope.acknowledge.type"


def faults_of(span: Seen, operation: str, *, batch: bool) -> list[str]:
    """Return what the conventions have against a span, leaving out our own attributes."""
    told = {key: value for key, value in span.attributes.items() if key != TYPE}
    return span_faults(operation, told, failed=span.error, batch=batch)


def test_a_message_is_one_trace_up_to_its_acknowledgement(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """Send, process, acknowledge; and the broker's answer, child of the processing as well."""
    telemetry = recorder.telemetry()
    consumer = open_consumer(telemetry)
    send(cluster, telemetry, b"v")

    (message,) = receive(consumer)
    with telemetry.process(message, consumer=consumer):
        consumer.acknowledge(message)
    result = consumer.commit_sync(10)

    assert list(result.values()) == [None]
    sent, processed, acknowledged, committed = recorder.spans()
    topic = cluster.topic
    assert [each.name for each in (sent, processed, acknowledged, committed)] == [
        f"send {topic}",
        f"process {topic}",
        f"acknowledge {topic}",
        f"commit {topic}",
    ]
    assert (processed.parent, acknowledged.parent) == (sent.span, processed.span)
    assert [link.span for link in acknowledged.links] == [sent.span]
    assert (committed.parent, committed.links) == (processed.span, [])
    assert acknowledged.attributes[TYPE] == "accept"
    assert acknowledged.attributes["messaging.kafka.offset"] == message.offset()
    assert acknowledged.attributes["messaging.consumer.group.name"] == f"group-of-{topic}"
    assert committed.attributes["messaging.batch.message_count"] == 1
    assert faults_of(acknowledged, "settle", batch=False) == []
    assert faults_of(committed, "settle", batch=True) == []


def test_every_kind_of_acknowledgement_is_told(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """By message, by keyword, and by offset, which has no link."""
    telemetry = recorder.telemetry()
    consumer = open_consumer(telemetry)
    send(cluster, telemetry, b"1", b"2", b"3")

    first, second, third = receive(consumer)
    consumer.acknowledge(first)
    consumer.acknowledge(message=second, ack_type=confluent_kafka.AcknowledgeType.REJECT)
    consumer.acknowledge_offset(third.topic(), third.partition(), third.offset(), 3)
    consumer.commit_sync(10)

    told = [
        (
            span.attributes[TYPE],
            span.attributes["messaging.kafka.offset"] - first.offset(),
            span.parent,
        )
        for span in recorder.spans("acknowledge")
    ]
    assert told == [("accept", 0, None), ("reject", 1, None), ("reject", 2, None)]
    assert [len(span.links) for span in recorder.spans("acknowledge")] == [1, 1, 0]
    (committed,) = recorder.spans("commit")
    assert committed.attributes["messaging.batch.message_count"] == 3


def test_what_cannot_be_acknowledged_is_an_error_of_its_span_and_raises(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """A message twice, something else, an unknown type."""
    telemetry = recorder.telemetry()
    consumer = open_consumer(telemetry)
    send(cluster, telemetry, b"v")
    (message,) = receive(consumer)

    with pytest.raises(TypeError):
        consumer.acknowledge("message")
    with pytest.raises(ValueError, match="Invalid argument"):
        consumer.acknowledge(message, 99)
    consumer.acknowledge(message)
    consumer.commit_sync(10)
    with pytest.raises(confluent_kafka.IllegalStateException):
        consumer.acknowledge(message)

    failed = [span for span in recorder.spans("acknowledge") if span.error]
    assert [span.attributes["error.type"] for span in failed][-1] == "cimpl.IllegalStateException"


def test_an_asynchronous_commit_ends_with_the_broker_s_answer(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """The application's own callback has it, too, set before or after."""
    telemetry = recorder.telemetry()
    consumer = open_consumer(telemetry)
    answers: list[Any] = []
    consumer.set_acknowledgement_commit_callback(lambda *answer: answers.append(answer))
    send(cluster, telemetry, b"v")
    (message,) = receive(consumer)
    consumer.acknowledge(message)

    consumer.commit_async()
    assert recorder.spans("commit") == []
    wait_for(lambda: (consumer.poll(0.1), answers)[1] or None, "the broker's answer")

    (committed,) = recorder.spans("commit")
    assert (committed.error, committed.attributes["messaging.batch.message_count"]) == (False, 1)
    assert [
        ({place.partition: seen for place, seen in told.items()}, error) for told, error in answers
    ] == [({0: {message.offset()}}, None)]


def test_the_application_s_callback_can_be_taken_away(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """Ours stays."""
    telemetry = recorder.telemetry()
    consumer = open_consumer(telemetry)
    answers: list[Any] = []
    consumer.set_acknowledgement_commit_callback(lambda *answer: answers.append(answer))
    consumer.set_acknowledgement_commit_callback(None)
    send(cluster, telemetry, b"v")
    (message,) = receive(consumer)
    consumer.acknowledge(message)
    consumer.commit_sync(10)

    assert answers == []
    assert len(recorder.spans("commit")) == 1


def test_what_the_application_s_callback_raises_comes_out(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """As it does without us."""
    telemetry = recorder.telemetry()
    consumer = open_consumer(telemetry)

    def fail(*_: object) -> None:
        raise LookupError("mine")

    consumer.set_acknowledgement_commit_callback(fail)
    send(cluster, telemetry, b"v")
    (message,) = receive(consumer)
    consumer.acknowledge(message)
    with pytest.raises(LookupError, match="mine"):
        consumer.commit_sync(10)
    consumer.set_acknowledgement_commit_callback(None)

    assert recorder.spans("commit")[0].attributes["error.type"] == "LookupError"


def test_implicit_acknowledgement_is_told_where_the_client_does_it(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """By the next poll; nothing is acknowledged by the application."""
    telemetry = recorder.telemetry()
    consumer = open_consumer(telemetry, mode="implicit")
    send(cluster, telemetry, b"v")

    receive(consumer)
    wait_for(
        lambda: (consumer.poll(0.1), recorder.spans("commit"))[1] or None, "the broker's answer"
    )

    assert recorder.spans("acknowledge") == []
    (committed,) = recorder.spans("commit")
    assert committed.attributes["messaging.batch.message_count"] == 1


def test_how_long_settling_takes_is_measured(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """Both steps, under their names."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(recorder.provider, collector.provider).build()
    consumer = open_consumer(telemetry)
    cluster.send(b"v", partition=0)
    (message,) = receive(consumer)
    consumer.acknowledge(message)
    consumer.commit_sync(10)

    points = collector.histograms("messaging.client.operation.duration")
    names = {dict(attributes)["messaging.operation.name"] for attributes in points}
    assert {"acknowledge", "commit"} <= names


def test_an_answer_that_is_an_error_is_one_of_the_commit(recorder: Recorder) -> None:
    """Interceptors hear of no commit then; an empty answer tells of no partition."""
    commits: list[Any] = []

    class Noting:
        def on_commit(self, offsets: list[Any]) -> None:
            commits.append(offsets)

    chain: Chain[Any] = Chain([Noting()])
    receiving = Receiving(recorder.telemetry(), {"group.id": "g"}, chain, ClusterId(None))
    acknowledgements = Acknowledgements(receiving)
    place = confluent_kafka.TopicPartition("orders", 0)
    failure = KafkaException(confluent_kafka.KafkaError(121, "not the leader"))
    acknowledgements({place: {7, 8}}, failure)

    (span,) = recorder.spans()
    assert (span.name, span.error) == ("commit orders", True)
    assert span.attributes["messaging.batch.message_count"] == 2
    assert commits == []
