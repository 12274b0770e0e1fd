from __future__ import annotations

from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.serialization import StringDeserializer
from opentelemetry.context import attach, detach, get_current, set_value
from opentelemetry.trace import get_current_span

import kafkascope_tracing
from kafkascope_tracing import KafkaTelemetry
from tests.tracing.clients import Cluster, wait_for
from tests.tracing.collected import new_collector
from tests.tracing.outcomes import message_of
from tests.tracing.recorder import Recorder
from tests.tracing.shareclients import Open, make_ready, receive, send, subscribe

if not hasattr(confluent_kafka, "ShareConsumer"):
    pytest.skip("this confluent-kafka has no share consumer", allow_module_level=True)


def test_polls_and_implicit_processing_are_those_of_any_consumer(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """One process span for a batch, current until the next poll; a poll span with links."""
    builder = recorder.builder().set_process_spans("implicit")
    telemetry = builder.set_messaging_receive_telemetry_enabled(enabled=True).build()
    consumer = open_consumer(telemetry)
    send(cluster, telemetry, b"1", None)

    messages = receive(consumer)
    inside = get_current_span().get_span_context().span_id
    for message in messages:
        consumer.acknowledge(message)
    consumer.poll(0.1)

    assert isinstance(messages, confluent_kafka.Messages)
    assert [message.value() for message in messages] == [b"1", None]
    (processed,) = recorder.spans("process")
    polled = recorder.spans("poll")[0]
    sent = [span.span for span in recorder.spans("send")]
    assert processed.span == inside
    assert [link.span for link in processed.links] == [link.span for link in polled.links] == sent
    assert {span.parent for span in recorder.spans("acknowledge")} == {inside}
    assert get_current() == {}


def test_a_block_ends_with_its_consumer(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """The process span that was open ends, and its context is left; unsubscribing does so, too."""
    telemetry = recorder.builder().set_process_spans("implicit").build()
    with open_consumer(telemetry, mode="implicit") as consumer:
        send(cluster, telemetry, b"v")
        receive(consumer)
        assert get_current_span().is_recording()
        consumer.unsubscribe()
        assert not get_current_span().is_recording()
    assert get_current() == {}
    with pytest.raises(confluent_kafka.IllegalStateException):
        consumer.poll(0.1)

    assert len(recorder.spans("process")) == 1


def test_deserializers_run_last(cluster: Cluster, recorder: Recorder, open_consumer: Open) -> None:
    """The deserializing class is traced by the same code."""
    telemetry = recorder.telemetry()
    consumer = open_consumer(
        telemetry, "DeserializingShareConsumer", value_deserializer=StringDeserializer()
    )
    send(cluster, telemetry, b"v")

    (message,) = receive(consumer)
    with telemetry.process(message):
        consumer.acknowledge(message)
    consumer.commit_sync(10)

    assert message.value() == "v"
    assert len(recorder.spans("acknowledge")) == 1


def test_interceptors_see_messages_and_acknowledgements(
    cluster: Cluster, open_consumer: Open
) -> None:
    """What they return is what the application gets."""
    told: list[Any] = []

    class Dropping:
        def configure(self, config: Any) -> None:  # noqa: ANN401 - any configuration
            """Do nothing."""

        def on_consume(self, messages: list[Any]) -> list[Any]:
            return [message for message in messages if message.value() != b"drop"]

        def on_commit(self, offsets: list[Any]) -> None:
            told.extend((place.topic, place.partition) for place in offsets)

        def close(self) -> None:
            told.append("closed")

    consumer = open_consumer(None, mode="implicit", interceptor_classes=[Dropping])
    told.clear()
    cluster.send(b"drop", b"keep", partition=0)
    messages = receive(consumer)
    consumer.commit_sync(10)
    consumer.close()

    assert isinstance(messages, confluent_kafka.Messages)
    assert [message.value() for message in messages] == [b"keep"]
    assert told == [(cluster.topic, 0), "closed"]


def test_nothing_is_made_where_instrumentation_is_suppressed(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """Messages and acknowledgements go their way."""
    telemetry = recorder.builder().set_process_spans("implicit").build()
    consumer = open_consumer(telemetry)
    cluster.send(b"v", partition=0)

    token = attach(set_value("suppress_instrumentation", True))  # noqa: FBT003 - its key's value
    (message,) = receive(consumer)
    consumer.acknowledge(message)
    assert list(consumer.commit_sync(10).values()) == [None]
    detach(token)

    assert recorder.spans() == []


def test_disabled_tracing_leaves_a_share_consumer_to_the_client(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Every method that we override; and the application's callback is the client's own."""
    telemetry = recorder.builder().set_enabled(False).build()
    config = cluster.config(group_id=f"group-of-{cluster.topic}")
    config["share.acknowledgement.mode"] = "explicit"
    answers: list[Any] = []
    consumer = kafkascope_tracing.ShareConsumer({**config, "kafkascope.telemetry": telemetry})
    consumer.set_acknowledgement_commit_callback(lambda *answer: answers.append(answer))
    subscribe(consumer, cluster)
    with consumer:
        make_ready(consumer, cluster, explicit=True)
        answers.clear()
        cluster.send(b"v", partition=0)
        (message,) = receive(consumer)
        consumer.acknowledge_offset(message.topic(), message.partition(), message.offset())
        consumer.commit_async()
        wait_for(lambda: (consumer.poll(0.1), answers)[1] or None, "the broker's answer")
        consumer.unsubscribe()
    assert message.value() == b"v"
    other = kafkascope_tracing.ShareConsumer({**config, "kafkascope.telemetry": telemetry})
    other.close()

    assert len(answers) == 1
    assert recorder.spans() == []


def test_spans_can_be_switched_off_and_metrics_stay(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """Without settle spans nothing of acknowledgements is reported; messages are counted."""
    collector = new_collector()
    telemetry = (
        KafkaTelemetry.builder(recorder.provider, collector.provider)
        .set_settle_spans_enabled(enabled=False)
        .build()
    )
    consumer = open_consumer(telemetry)
    before = sum(collector.numbers("messaging.client.consumed.messages").values())
    cluster.send(b"v", partition=0)
    (message,) = receive(consumer)
    consumer.acknowledge(message)
    consumer.commit_sync(10)

    assert recorder.spans() == []
    assert sum(collector.numbers("messaging.client.consumed.messages").values()) == before + 1


def test_a_consumer_that_exists_already_is_wrapped(cluster: Cluster, recorder: Recorder) -> None:
    """Its own callback stays; the result of a synchronous commit is told all the same."""
    telemetry = recorder.telemetry()
    config = {
        **cluster.config(group_id=f"group-of-{cluster.topic}"),
        "share.acknowledgement.mode": "explicit",
    }
    answers: list[Any] = []
    raw = confluent_kafka.ShareConsumer(config)
    raw.set_acknowledgement_commit_callback(lambda *answer: answers.append(answer))
    consumer = telemetry.wrap(raw, config)
    subscribe(consumer, cluster)
    make_ready(consumer, cluster, explicit=True)
    recorder.exporter.clear()
    answers.clear()
    send(cluster, telemetry, b"v")
    (message,) = receive(consumer)
    with telemetry.process(message, consumer=consumer):
        consumer.acknowledge(message)
    consumer.commit_sync(10)
    consumer.close()

    assert isinstance(consumer, confluent_kafka.ShareConsumer)
    assert len(answers) == 1
    names = [span.name.split()[0] for span in recorder.spans()]
    assert names == ["send", "process", "acknowledge", "commit"]
    assert "messaging.batch.message_count" not in recorder.spans()[-1].attributes


def test_messages_are_those_of_the_raw_client(
    cluster: Cluster, recorder: Recorder, open_consumer: Open
) -> None:
    """Tombstones, empty values and headers that nothing can read."""
    consumer = open_consumer(recorder.builder().set_process_spans("implicit").build())
    cluster.send(None, partition=0)
    cluster.send(b"", partition=0, key=b"\xff", headers=[("traceparent", b"\xff"), ("a", None)])
    found: list[Any] = []

    def all_came() -> bool:
        for message in consumer.poll(1.0):
            found.append(message_of(message)[3:])
            consumer.acknowledge(message)
        return len(found) == 2

    wait_for(all_came, "both messages")
    assert found == [
        (None, None, None, None, 1),
        (b"\xff", b"", [("a", None)], None, 1),
    ]


def test_a_poll_that_fails_raises_what_the_client_raises(
    recorder: Recorder, cluster: Cluster
) -> None:
    """Without a subscription; its span is an error."""
    telemetry = recorder.builder().set_messaging_receive_telemetry_enabled(enabled=True).build()
    config = cluster.config(group_id="g")
    consumer = kafkascope_tracing.ShareConsumer(
        {**config, **telemetry.consumer_interceptor_config()}
    )
    with pytest.raises((confluent_kafka.IllegalStateException, KafkaException)):
        consumer.poll(0.1)
    consumer.close()

    (polled,) = recorder.spans()
    assert (polled.name, polled.error) == ("poll", True)
