"""What brokers answer to traced producers: where a message went, or why it did not."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError
from opentelemetry.trace import get_current_span

from tests.integration.conftest import MakeTopic
from tests.integration.traced import DEADLINE_S, OFFSET, PARTITION, Traced

KEY = "messaging.kafka.message.key"


def test_spans_tell_where_messages_were_stored(traced: Traced, make_topic: MakeTopic) -> None:
    """Partition and offset of each are those of its delivery report, on every partition."""
    topic = make_topic(partitions=3, replication=3)
    stored: dict[str, tuple[str, int]] = {}

    def delivered(error: KafkaError | None, message: Any) -> None:  # noqa: ANN401 - a Message
        assert error is None
        stored[message.key().decode()] = (str(message.partition()), message.offset())

    producer = traced.producer(acks="all", on_delivery=delivered)
    for number in range(300):
        producer.produce(topic, b"v", str(number))
        producer.poll(0)
    assert producer.flush(DEADLINE_S) == 0

    told = {
        span.attributes[KEY]: (span.attributes[PARTITION], span.attributes[OFFSET])
        for span in traced.recorder.spans("send")
    }
    assert told == stored
    assert len(told) == 300
    assert {partition for partition, _ in told.values()} == {"0", "1", "2"}


def test_a_message_that_the_broker_refuses_has_a_span_with_kafkas_name_of_the_error(
    traced: Traced, make_topic: MakeTopic
) -> None:
    """The application's callback hears of it in the context that it sent the message in."""
    topic = make_topic(config={"max.message.bytes": "1000"})
    heard: list[tuple[int, int]] = []

    def delivered(error: KafkaError, _: object) -> None:
        heard.append((error.code(), get_current_span().get_span_context().span_id))

    producer = traced.producer()
    with traced.recorder.tracer.start_as_current_span("request") as request:
        producer.produce(topic, b"x" * 5000, on_delivery=delivered)
    assert producer.flush(DEADLINE_S) == 0

    (sent,) = traced.recorder.spans("send")
    caller = request.get_span_context().span_id
    assert (sent.parent, sent.error) == (caller, True)
    assert sent.attributes["error.type"] == "MESSAGE_TOO_LARGE"
    assert OFFSET not in sent.attributes
    assert heard == [(KafkaError.MSG_SIZE_TOO_LARGE, caller)]
