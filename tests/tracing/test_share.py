from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.serialization import StringDeserializer
from opentelemetry.context import attach, detach, get_current, set_value
from opentelemetry.trace import get_current_span

import kafkascope_tracing
from kafkascope_tracing import KafkaTelemetry
from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.interceptors import Chain
from kafkascope_tracing.receiving import Receiving
from tests.tracing.clients import Cluster, wait_for
from tests.tracing.collected import new_collector
from tests.tracing.outcomes import message_of
from tests.tracing.recorder import Recorder, Seen
from tests.tracing.semconv import span_faults

if not hasattr(confluent_kafka, "ShareConsumer"):
    pytest.skip("this confluent-kafka has no share consumer", allow_module_level=True)

from kafkascope_tracing.acknowledging import Acknowledgements

TYPE = "kafkascope.acknowledge.type"

Open = Callable[..., Any]
"""Opens a share consumer of the topic that is ready; the rest is added to its configuration."""


def receive(consumer: Any) -> Any:  # noqa: ANN401 - a share consumer, and its messages
    """Poll until messages come."""

    def some() -> Any:  # noqa: ANN401 - messages
        messages = consumer.poll(1.0)
        return messages if len(messages) else None

    return wait_for(some, "messages")


def subscribe(consumer: Any, cluster: Cluster) -> None:  # noqa: ANN401 - a share consumer
    """Subscribe to the topic, which exists: the mock cluster assigns none that comes later."""
    cluster.send(b"first", partition=0)
    consumer.subscribe([cluster.topic])


def make_ready(consumer: Any, cluster: Cluster, *, explicit: bool) -> None:  # noqa: ANN401 - a share consumer
    """Send messages until the consumer has its partitions; a group begins with what is new."""
    numbers = count(1)
    seen: set[bytes] = set()

    def take(timeout: float) -> list[bytes]:
        messages = consumer.poll(timeout)
        for message in messages if explicit else ():
            consumer.acknowledge(message)
        keys = [message.key() for message in messages]
        seen.update(keys)
        return keys

    def began() -> list[bytes]:
        cluster.send(b"warm", key=b"%d" % next(numbers), partition=0)
        return take(0.5)

    wait_for(began, "a first message")
    last = b"%d" % (next(numbers) - 1)
    wait_for(lambda: last in seen or last in take(0.5), "the last message")
    # What came last is processed, and nothing comes again.
    wait_for(lambda: consumer.commit_sync(10) is not None and not take(0.1), "the end of them")


@pytest.fixture
def open_consumer(cluster: Cluster, recorder: Recorder) -> Iterator[Open]:
    """Open share consumers of the test's topic, and close them after it."""
    opened: list[Any] = []

    def make(
        telemetry: KafkaTelemetry | None,
        name: str = "ShareConsumer",
        mode: str = "explicit",
        **more: object,
    ) -> Any:  # noqa: ANN401 - a consumer
        own = {key.replace("_", "."): value for key, value in more.items()}
        config = cluster.config(group_id=f"group-of-{cluster.topic}", **own)
        config["share.acknowledgement.mode"] = mode
        extra = {} if telemetry is None else telemetry.consumer_interceptor_config()
        made = getattr(kafkascope_tracing, name)({**config, **extra})
        opened.append(made)
        subscribe(made, cluster)
        make_ready(made, cluster, explicit=mode == "explicit")
        recorder.exporter.clear()
        return made

    yield make
    for consumer in opened:
        consumer.close()


def send(cluster: Cluster, telemetry: KafkaTelemetry, *values: bytes | None) -> None:
    """Send values to partition 0, traced."""
    producer = cluster.producer(telemetry)
    for value in values:
        producer.produce(cluster.topic, value, partition=0)
    assert producer.flush(30) == 0


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
