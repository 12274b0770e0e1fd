from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import DeserializingConsumer as RawDeserializingConsumer
from confluent_kafka import SerializingProducer as RawSerializingProducer
from confluent_kafka import TopicPartition
from confluent_kafka.error import (
    ConsumeError,
    KeySerializationError,
    ValueDeserializationError,
    ValueSerializationError,
)
from confluent_kafka.serialization import SerializationContext, StringDeserializer, StringSerializer
from opentelemetry import baggage, context
from opentelemetry.trace import get_current_span

from kafkascope_tracing import DeserializingConsumer, KafkaTelemetry, SerializingProducer
from tests.tracing.clients import PARTITIONS, Cluster, poll
from tests.tracing.recorder import Recorder

SERIALIZERS = {"key.serializer": StringSerializer(), "value.serializer": StringSerializer()}
DESERIALIZERS = {
    "key.deserializer": StringDeserializer(),
    "value.deserializer": StringDeserializer(),
}


def refuse(value: Any, about: SerializationContext | None) -> Any:  # noqa: ANN401 - a serializer's
    """Fail to serialize or deserialize."""
    raise ValueError(f"{value!r} is not for {about}")


def open_producer(
    cluster: Cluster, telemetry: KafkaTelemetry, **more: object
) -> SerializingProducer[Any, Any]:
    """Open a traced producer."""
    own = {**SERIALIZERS, **{name.replace("_", "."): value for name, value in more.items()}}
    return SerializingProducer(
        {**cluster.config(), **own, **telemetry.producer_interceptor_config()}
    )


def open_consumer(
    cluster: Cluster, telemetry: KafkaTelemetry, **more: object
) -> DeserializingConsumer[Any, Any]:
    """Open a traced consumer of the topic."""
    own = {**DESERIALIZERS, **{name.replace("_", "."): value for name, value in more.items()}}
    consumer = DeserializingConsumer(
        {**cluster.consumer_config(), **own, **telemetry.consumer_interceptor_config()}
    )
    consumer.assign([TopicPartition(cluster.topic, number, 0) for number in range(PARTITIONS)])
    return consumer


def test_what_is_serialized_is_one_trace_with_what_is_deserialized(
    cluster: Cluster, recorder: Recorder
) -> None:
    """The message, its headers, baggage, parent and link; attributes are those of what was sent."""
    telemetry = recorder.telemetry()
    producer, consumer = open_producer(cluster, telemetry), open_consumer(cluster, telemetry)
    token = context.attach(baggage.set_baggage("tenant", "ocha"))
    producer.produce(cluster.topic, key="k", value="v", headers={"a": "b"})
    context.detach(token)
    assert producer.flush(30) == 0

    message = poll(consumer)
    with telemetry.process(message, consumer=consumer):
        tenant = baggage.get_baggage("tenant")
    consumer.close()

    assert (message.key(), message.value(), tenant) == ("k", "v", "ocha")
    assert [name for name, _ in message.headers()] == ["a", "traceparent", "baggage"]
    sent, processed = recorder.spans()
    assert (sent.name, processed.name) == (f"send {cluster.topic}", f"process {cluster.topic}")
    assert (processed.trace, processed.parent) == (sent.trace, sent.span)
    assert [link.span for link in processed.links] == [sent.span]
    assert sent.attributes["messaging.kafka.message.key"] == "k"
    assert processed.attributes["messaging.kafka.message.key"] == "k"


def test_positional_arguments_are_those_of_the_serializing_producer(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Key before value, headers seventh: unlike those of the plain producer."""
    telemetry = recorder.telemetry()
    reports: list[Any] = []
    producer, consumer = open_producer(cluster, telemetry), open_consumer(cluster, telemetry)
    producer.produce(
        cluster.topic, "k", "v", 2, lambda *report: reports.append(report), 77, [("a", b"1")]
    )
    assert producer.flush(30) == 0

    message = poll(consumer)
    consumer.close()
    assert (message.key(), message.value(), message.partition()) == ("k", "v", 2)
    assert message.timestamp()[1] == 77
    assert [name for name, _ in message.headers()] == ["a", "traceparent"]
    assert [error for error, _ in reports] == [None]


@pytest.mark.parametrize(
    ("failing", "error"),
    [("key_serializer", KeySerializationError), ("value_serializer", ValueSerializationError)],
)
def test_what_cannot_be_serialized_is_not_sent_and_has_no_span(
    cluster: Cluster, recorder: Recorder, failing: str, error: type[Exception]
) -> None:
    """The client's own exception comes out."""
    producer = open_producer(cluster, recorder.telemetry(), **{failing: refuse})

    with pytest.raises(error):
        producer.produce(cluster.topic, key="k", value="v")

    assert len(producer) == 0
    assert recorder.spans() == []


def test_what_cannot_be_deserialized_has_an_implicit_process_span_that_failed(
    cluster: Cluster, recorder: Recorder
) -> None:
    """It ends where the exception comes out, so that the error's handling is not in it."""
    telemetry = recorder.builder().set_process_spans("implicit").build()
    consumer = open_consumer(cluster, telemetry, value_deserializer=refuse)
    cluster.send(b"v")

    with pytest.raises(ValueDeserializationError):
        poll(consumer)
    assert not get_current_span().get_span_context().is_valid
    consumer.close()

    (processed,) = recorder.spans()
    assert (processed.name, processed.error) == (f"process {cluster.topic}", True)
    assert processed.attributes["error.type"] == "_VALUE_DESERIALIZATION"


def test_an_error_event_is_raised_and_has_no_span(cluster: Cluster, recorder: Recorder) -> None:
    """The end of a partition is an exception in this client."""
    telemetry = recorder.builder().set_process_spans("implicit").build()
    cluster.send(b"v", partition=0)
    consumer = open_consumer(cluster, telemetry, enable_partition_eof=True)
    consumer.assign([TopicPartition(cluster.topic, 0, 1)])

    with pytest.raises(ConsumeError, match="_PARTITION_EOF"):
        poll(consumer)
    consumer.close()

    assert recorder.spans() == []


def test_consume_is_not_implemented_as_in_the_client(cluster: Cluster, recorder: Recorder) -> None:
    """Nor does it leave a span."""
    consumer = open_consumer(cluster, recorder.telemetry())

    with pytest.raises(NotImplementedError):
        consumer.consume(1, 0.1)
    consumer.close()

    assert recorder.spans() == []


def test_the_classes_take_type_arguments(cluster: Cluster) -> None:
    """As in the newest client, at run time as well."""
    producer = SerializingProducer[str, str]({**cluster.config(), **SERIALIZERS})
    consumer = DeserializingConsumer[str, str]({**cluster.consumer_config(), **DESERIALIZERS})

    assert isinstance(producer, RawSerializingProducer)
    assert isinstance(consumer, RawDeserializingConsumer)
    consumer.close()


def test_clients_that_exist_already_are_traced_where_they_are(
    cluster: Cluster, recorder: Recorder
) -> None:
    """They call their own methods, so they get our class; a user's own class stays in front."""

    class Shouting(RawSerializingProducer):
        def produce(self, topic: str, key: Any = None, value: Any = None, *args: Any) -> None:  # type: ignore[override]  # noqa: ANN401 - as in the client
            super().produce(topic, key, value.upper(), *args)

    telemetry = recorder.telemetry()
    config, consumer_config = cluster.config(), cluster.consumer_config()
    producer = Shouting({**config, **SERIALIZERS})
    consumer = RawDeserializingConsumer({**consumer_config, **DESERIALIZERS})
    assert telemetry.wrap(producer, config) is producer
    assert telemetry.wrap(consumer, consumer_config) is consumer
    assert telemetry.wrap(producer, config) is producer  # nothing twice

    producer.produce(cluster.topic, "k", "v")
    assert producer.flush(30) == 0
    consumer.assign([TopicPartition(cluster.topic, number, 0) for number in range(PARTITIONS)])
    message = poll(consumer)
    with telemetry.process(message, consumer=consumer):
        pass
    consumer.close()

    assert isinstance(producer, Shouting)
    assert (message.key(), message.value()) == ("k", "V")
    sent, processed = recorder.spans()
    assert (sent.kind, processed.parent) == ("PRODUCER", sent.span)
    assert sent.attributes["messaging.client.id"] == "app"


def test_interceptors_see_what_is_sent_after_its_serialization(cluster: Cluster) -> None:
    """`interceptor.classes` is in the same configuration."""
    seen: list[Any] = []

    class Looking:
        def configure(self, config: Any) -> None:  # noqa: ANN401 - any configuration
            """Do nothing."""

        def on_send(self, record: Any) -> Any:  # noqa: ANN401 - a record
            seen.append((record.key, record.value))
            return record

        def on_acknowledgement(self, metadata: Any, exception: Any) -> None:  # noqa: ANN401 - the protocol's
            seen.append((metadata.offset, exception))

        def close(self) -> None:
            """Do nothing."""

    producer = SerializingProducer(
        {**cluster.config(), **SERIALIZERS, "interceptor.classes": [Looking]}
    )
    producer.produce(cluster.topic, "k", "v")
    assert producer.flush(30) == 0

    assert seen == [(b"k", b"v"), (0, None)]
