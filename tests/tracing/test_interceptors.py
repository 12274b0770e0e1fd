from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka import Producer as RawProducer
from opentelemetry.context import attach, detach, set_value

from kafkascope_tracing import (
    Consumer,
    Producer,
    ProducerRecord,
    RecordMetadata,
    TracingConsumerInterceptor,
    TracingProducerInterceptor,
)
from kafkascope_tracing.interceptors import Chain, load_interceptors
from tests.tracing.clients import Cluster, consume, poll
from tests.tracing.messages import Message
from tests.tracing.recorder import Recorder


class Noting:
    """A producer's and consumer's interceptor that notes what it is called with."""

    def __init__(self, name: str = "only") -> None:
        self.name = name
        self.calls: list[tuple[Any, ...]] = []

    def configure(self, config: Mapping[str, Any]) -> None:
        """Note the client's id."""
        self.calls.append(("configure", config["client.id"]))

    def on_send(self, record: ProducerRecord) -> ProducerRecord:
        """Note and mark the record."""
        headers = record.headers
        names = list(headers) if isinstance(headers, dict) else [name for name, _ in headers or []]
        self.calls.append(("on_send", names))
        pairs = list(headers.items()) if isinstance(headers, dict) else headers or []
        record.headers = [*pairs, (self.name, b"1")]
        return record

    def on_acknowledgement(self, metadata: RecordMetadata, exception: BaseException | None) -> None:
        """Note the outcome."""
        self.calls.append(("on_acknowledgement", metadata, exception))

    def on_consume(self, messages: list[Message]) -> list[Message]:
        """Note, and leave out what is named so."""
        self.calls.append(("on_consume", [message.value() for message in messages]))
        return [message for message in messages if message.value() != b"drop"]

    def on_commit(self, offsets: list[TopicPartition]) -> None:
        """Note the offsets."""
        self.calls.append(("on_commit", [each.offset for each in offsets]))

    def close(self) -> None:
        """Note it."""
        self.calls.append(("close",))


class Failing:
    """An interceptor whose every method fails."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method
        if name.startswith("__"):
            raise AttributeError(name)

        def fail(*_: object) -> None:
            raise RuntimeError(f"{name} fails")

        return fail


def test_interceptors_run_before_and_after_tracing_in_their_order(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Those before see the application's headers, those after the context, too."""
    before, after = Noting("before"), Noting("after")
    marker = TracingProducerInterceptor(recorder.telemetry())
    producer = Producer({**cluster.config(), "interceptor.classes": [before, marker, after]})
    producer.produce(cluster.topic, b"v", headers={"own": b"1"}, partition=0)
    producer.flush(30)
    ended = [("close",)] if hasattr(producer, "close") else []
    if ended:
        producer.close()

    sent = RecordMetadata(cluster.topic, 0, 0)
    assert before.calls == [
        ("configure", "app"),
        ("on_send", ["own"]),
        ("on_acknowledgement", sent, None),
        *ended,
    ]
    assert after.calls[1] == ("on_send", ["own", "before", "traceparent"])
    got = poll(cluster.consumer(None))
    assert [name for name, _ in got.headers()] == ["own", "before", "traceparent", "after"]
    assert len(recorder.spans()) == 1


def test_interceptors_learn_of_failures(recorder: Recorder) -> None:
    """Of delivery as well as of what the client refuses."""
    noting = Noting()
    producer = Producer(
        {
            "bootstrap.servers": "127.0.0.1:1",
            "message.timeout.ms": 300,
            "message.max.bytes": 1000,
            "client.id": "app",
            "log_level": 0,
            "interceptor.classes": [noting],
            "kafkascope.telemetry": recorder.telemetry(),
        }
    )
    producer.produce("t", b"v")
    with pytest.raises(KafkaException):
        producer.produce("t", b"v" * 2000)
    producer.flush(30)

    outcomes = [call[2].args[0].code() for call in noting.calls if len(call) == 3]
    assert outcomes == [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError._MSG_TIMED_OUT]


@pytest.mark.skipif(
    not hasattr(RawProducer, "produce_batch"), reason="this confluent-kafka has no produce_batch"
)
def test_batches_pass_through_interceptors(cluster: Cluster, recorder: Recorder) -> None:
    """Each message by itself."""
    noting = Noting()
    config = {"interceptor.classes": noting, "kafkascope.telemetry": recorder.telemetry()}
    producer = Producer({**cluster.config(), **config})
    producer.produce_batch(cluster.topic, [{"value": b"1"}, {"value": b"2"}])
    producer.flush(30)

    assert [call[0] for call in noting.calls].count("on_send") == 2
    assert [call[0] for call in noting.calls].count("on_acknowledgement") == 2


def test_a_consumers_interceptors_see_and_change_what_it_gets(
    cluster: Cluster, recorder: Recorder
) -> None:
    """And they learn of commits and the close."""
    noting = Noting()
    telemetry = recorder.telemetry()
    cluster.send(b"drop", b"keep", partition=0)
    consumer = Consumer(
        {
            **cluster.consumer_config(),
            "interceptor.classes": [TracingConsumerInterceptor(telemetry), noting],
        }
    )
    consumer.assign([TopicPartition(cluster.topic, 0, 0)])
    (message,) = consume(consumer, 1)
    consumer.commit(message=message, asynchronous=False)
    consumer.assign([TopicPartition(cluster.topic, 0, 0)])
    kept = poll(consumer)
    consumer.close()

    assert message.value() == kept.value() == b"keep"
    names = [call[0] for call in noting.calls]
    assert (names[0], names[-1]) == ("configure", "close")
    assert ("on_commit", [2]) in noting.calls


def test_an_interceptor_that_fails_costs_nothing(
    cluster: Cluster, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """Messages come through as if it were not there; each one is logged once."""
    config = {"interceptor.classes": Failing(), "kafkascope.telemetry": recorder.telemetry()}
    producer = Producer({**cluster.config(), **config})
    consumer = Consumer({**cluster.consumer_config(), **config})
    consumer.assign([TopicPartition(cluster.topic, 0, 0)])
    for _ in range(3):
        producer.produce(cluster.topic, b"v", partition=0)
    producer.flush(30)
    assert [message.value() for message in consume(consumer, 3)] == [b"v"] * 3
    consumer.close()

    assert len(recorder.spans("send")) == 3
    assert len(caplog.messages) == 2


def test_what_is_returned_must_be_a_record() -> None:
    """Else the record before it is sent."""
    record = ProducerRecord("t")

    class Wrong:
        def on_send(self, _: ProducerRecord) -> str:
            return "no record"

    assert Chain([Wrong()]).through("on_send", record, ProducerRecord) is record


def test_interceptors_come_as_paths_classes_instances_and_lists() -> None:
    """As in Java, and in Python's own ways."""
    noting = Noting()
    loaded = load_interceptors(
        [
            ", ".join(
                f"kafkascope_tracing.Tracing{role}Interceptor" for role in ("Producer", "Consumer")
            ),
            Noting,
            noting,
        ]
    )
    assert [type(each) for each in loaded] == [
        TracingProducerInterceptor,
        TracingConsumerInterceptor,
        Noting,
        Noting,
    ]
    assert loaded[3] is noting
    assert load_interceptors(None) == []


@pytest.mark.parametrize(
    "path", ["nowhere.Class", "kafkascope_tracing.Missing", "NoModule", "logging.getLogger"]
)
def test_a_path_that_leads_nowhere_is_told_by_name(cluster: Cluster, path: str) -> None:
    """As an error of the configuration, when the client is made."""
    with pytest.raises(ValueError, match=f"interceptor.classes: {path}"):
        Producer({**cluster.config(), "interceptor.classes": path})


def test_a_class_that_cannot_be_made_is_told_by_name() -> None:
    """With what it raised."""

    class Needy:
        def __init__(self, needed: int) -> None:
            self.needed = needed

    with pytest.raises(ValueError, match=r"Needy\(\) failed: .*needed"):
        load_interceptors(Needy)


def test_in_another_chain_ours_do_what_interceptors_can(recorder: Recorder) -> None:
    """A send span that ends at once, and a poll span of no duration."""
    telemetry = recorder.builder().set_messaging_receive_telemetry_enabled(True).build()
    producing = TracingProducerInterceptor(telemetry)
    record = producing.on_send(ProducerRecord("orders", b"v"))
    producing.on_acknowledgement(RecordMetadata("orders", 0, 0), None)
    producing.close()
    consuming = TracingConsumerInterceptor(telemetry)
    message = Message(headers=record.headers, offset=5)
    consuming.on_commit([])
    assert consuming.on_consume([message]) == [message]
    assert consuming.on_consume([]) == []
    consuming.on_commit([TopicPartition("orders", 0, 6)])
    consuming.close()

    send, received, commit = recorder.spans()
    assert [each.name for each in (send, received, commit)] == [
        "send orders",
        "poll orders",
        "commit orders",
    ]
    assert received.links[0].span == send.span


def test_in_another_chain_ours_know_the_client_that_configures_them(recorder: Recorder) -> None:
    """Its id and group; and do nothing where instrumentation is suppressed or nothing came."""
    telemetry = recorder.telemetry()
    producing, consuming = (
        TracingProducerInterceptor(telemetry),
        TracingConsumerInterceptor(telemetry),
    )
    consuming.on_commit([TopicPartition("orders", 0, 1)])
    consuming.close()
    assert consuming.on_consume([]) == []
    for each in (producing, consuming):
        each.configure({"client.id": "app", "group.id": "g"})
    token = attach(set_value("suppress_instrumentation", True))  # noqa: FBT003 - its key's value
    assert producing.on_send(ProducerRecord("orders", b"v")).headers is None
    detach(token)
    producing.on_send(ProducerRecord("orders", b"v"))
    consuming.on_commit([TopicPartition("orders", 0, 1)])
    consuming.close()

    send, commit = recorder.spans()
    assert send.attributes["messaging.client.id"] == "app"
    assert commit.attributes["messaging.consumer.group.name"] == "g"
