"""`KafkaInstrumentor` in a program that imported everything long before."""

from __future__ import annotations

import contextlib
import logging
import sys
import types
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points

import confluent_kafka
import pytest
from confluent_kafka import Consumer, DeserializingConsumer, Producer, SerializingProducer, cimpl
from opentelemetry import trace

import kafkascope_tracing
from kafkascope_tracing.auto import KafkaInstrumentor
from kafkascope_tracing.telemetry import default_telemetry
from tests.tracing.clients import Cluster, poll
from tests.tracing.recorder import Recorder

# In a tuple they stay what they are while modules get the traced classes.
ORIGINALS = (cimpl.Producer, cimpl.Consumer)


class EarlyProducer(Producer):
    """A user's class, from before."""


@pytest.fixture
def instrumentor() -> Iterator[KafkaInstrumentor]:
    """The instrumentor, un-instrumented after the test."""
    found = KafkaInstrumentor()
    yield found
    if found.is_instrumented_by_opentelemetry:
        found.uninstrument()


def send(producer: Producer, topic: str, value: bytes = b"v") -> None:
    """Send a message and wait for its delivery."""
    producer.produce(topic, value=value)
    assert producer.flush(30) == 0


def test_messages_are_traced_without_a_change_in_the_code(
    instrumentor: KafkaInstrumentor, recorder: Recorder, cluster: Cluster
) -> None:
    """The span of a message is current from the poll that returned it to the next one."""
    instrumentor.instrument(tracer_provider=recorder.provider)

    send(Producer(cluster.config()), cluster.topic)
    consumer = Consumer(cluster.consumer_config())
    consumer.subscribe([cluster.topic])
    poll(consumer)
    current = trace.get_current_span().get_span_context().span_id
    consumer.close()

    sent, processed = recorder.spans()
    assert (sent.name, sent.kind) == (f"send {cluster.topic}", "PRODUCER")
    assert (processed.name, processed.kind) == (f"process {cluster.topic}", "CONSUMER")
    assert (processed.trace, processed.parent) == (sent.trace, sent.span)
    assert [link.span for link in processed.links] == [sent.span]
    assert current == processed.span
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.parametrize(
    "make",
    [lambda: SerializingProducer, lambda: EarlyProducer, lambda: kafkascope_tracing.Producer],
)
def test_every_kind_of_producer_makes_one_span(
    make: object, instrumentor: KafkaInstrumentor, recorder: Recorder, cluster: Cluster
) -> None:
    """Classes that were derived earlier, and ours, which trace anyway."""
    instrumentor.instrument(tracer_provider=recorder.provider)

    send(make()(cluster.config()), cluster.topic)  # type: ignore[operator] # a class each

    assert [span.name for span in recorder.spans()] == [f"send {cluster.topic}"]


def test_a_deserializing_consumer_makes_process_spans(
    instrumentor: KafkaInstrumentor, recorder: Recorder, cluster: Cluster
) -> None:
    """The tracing is between it and the client."""
    cluster.send(b"v")
    instrumentor.instrument(tracer_provider=recorder.provider)
    consumer: DeserializingConsumer[str, bytes] = DeserializingConsumer(
        {**cluster.consumer_config(), "value.deserializer": lambda value, _: value.upper()}
    )
    consumer.subscribe([cluster.topic])

    assert poll(consumer).value() == b"V"
    consumer.close()

    assert [span.name for span in recorder.spans()] == [f"process {cluster.topic}"]


def clients_of(package: types.ModuleType) -> dict[str, type]:
    """The producers and consumers that a package offers."""
    return {
        name: found
        for name, found in vars(package).items()
        if isinstance(found, type) and name.endswith(("Producer", "Consumer"))
    }


def test_no_client_of_the_installed_release_is_forgotten(instrumentor: KafkaInstrumentor) -> None:
    """A newer one may add classes: this is where we learn of it."""
    packages = [confluent_kafka]
    with contextlib.suppress(ImportError):
        packages.append(import_module("confluent_kafka.aio"))
    instrumentor.instrument()

    found = [client for package in packages for client in clients_of(package).values()]

    assert len(found) >= 4
    untraced = [
        client
        for client in found
        if not any(base.__module__.startswith("kafkascope_tracing.") for base in client.__mro__)
    ]
    assert untraced == []


def test_uninstrumenting_leaves_everything_as_it_was(
    instrumentor: KafkaInstrumentor, recorder: Recorder, cluster: Cluster
) -> None:
    """Classes are the same objects with the same bases, and what was made meanwhile is silent."""
    bases = (SerializingProducer.__bases__, DeserializingConsumer.__bases__)
    telemetry = default_telemetry()
    instrumentor.instrument(tracer_provider=recorder.provider)
    assert default_telemetry() is not telemetry
    assert (confluent_kafka.Producer, Producer) != (ORIGINALS[0],) * 2
    meanwhile = Producer(cluster.config())

    instrumentor.uninstrument()

    assert (confluent_kafka.Producer, cimpl.Producer, Producer) == (ORIGINALS[0],) * 3
    assert (confluent_kafka.Consumer, cimpl.Consumer, Consumer) == (ORIGINALS[1],) * 3
    assert (SerializingProducer.__bases__, DeserializingConsumer.__bases__) == bases
    assert EarlyProducer.__bases__ == (ORIGINALS[0],)
    assert default_telemetry() is telemetry
    send(meanwhile, cluster.topic)
    send(Producer(cluster.config()), cluster.topic)
    assert recorder.spans() == []


def test_instrumenting_again_doubles_nothing(
    instrumentor: KafkaInstrumentor, recorder: Recorder, cluster: Cluster
) -> None:
    """One span per message, however often it was switched."""
    for _ in range(3):
        instrumentor.instrument(tracer_provider=recorder.provider)
        instrumentor.uninstrument()
    instrumentor.instrument(tracer_provider=recorder.provider)

    send(Producer(cluster.config()), cluster.topic)

    assert [span.name for span in recorder.spans()] == [f"send {cluster.topic}"]


def test_a_telemetry_of_ones_own_is_used_as_it_is(
    instrumentor: KafkaInstrumentor, recorder: Recorder, cluster: Cluster
) -> None:
    """It decides about process spans, too."""
    telemetry = recorder.builder().set_propagation_enabled(enabled=False).build()
    instrumentor.instrument(telemetry=telemetry)

    send(Producer(cluster.config()), cluster.topic)
    consumer = Consumer(cluster.consumer_config())
    consumer.subscribe([cluster.topic])
    message = poll(consumer)
    consumer.close()

    assert default_telemetry() is telemetry
    assert message.headers() is None
    assert [span.name for span in recorder.spans()] == [f"send {cluster.topic}"]


def test_a_program_that_opens_process_spans_gets_no_second_ones(
    instrumentor: KafkaInstrumentor, recorder: Recorder, cluster: Cluster
) -> None:
    """The explicit span of the message is the implicit one."""
    cluster.send(b"v")
    instrumentor.instrument(tracer_provider=recorder.provider)
    consumer = Consumer(cluster.consumer_config())
    consumer.subscribe([cluster.topic])

    with default_telemetry().process(poll(consumer)):
        pass
    consumer.close()

    assert [span.name for span in recorder.spans()] == [f"process {cluster.topic}"]


def test_the_environment_can_switch_it_off(
    instrumentor: KafkaInstrumentor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is touched then."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_KAFKA_ENABLED", "false")

    with caplog.at_level(logging.INFO, "kafkascope_tracing"):
        instrumentor.instrument()

    assert confluent_kafka.Producer is ORIGINALS[0]
    assert not instrumentor.is_instrumented_by_opentelemetry
    assert "OTEL_INSTRUMENTATION_KAFKA_ENABLED=false" in caplog.text


def test_the_environment_can_have_process_spans_explicit(
    instrumentor: KafkaInstrumentor,
    recorder: Recorder,
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the default differs without code."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_KAFKA_PROCESS_SPANS", "explicit")
    cluster.send(b"v")
    instrumentor.instrument(tracer_provider=recorder.provider)
    consumer = Consumer(cluster.consumer_config())
    consumer.subscribe([cluster.topic])

    poll(consumer)
    consumer.close()

    assert recorder.spans() == []


PEER = "opentelemetry.instrumentation.confluent_kafka"


@pytest.mark.parametrize("active", [True, False])
def test_it_steps_aside_for_instrumentation_that_is_active(
    instrumentor: KafkaInstrumentor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    active: bool,
) -> None:
    """To have imported the other one is not to use it."""
    peer = types.ModuleType(PEER)
    state = types.SimpleNamespace(is_instrumented_by_opentelemetry=active)
    peer.ConfluentKafkaInstrumentor = lambda: state  # type: ignore[attr-defined] # one instance for all
    monkeypatch.setitem(sys.modules, PEER, peer)

    instrumentor.instrument()

    assert instrumentor.is_instrumented_by_opentelemetry is not active
    assert (confluent_kafka.Producer is ORIGINALS[0]) is active
    assert ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=confluent_kafka" in caplog.text) is active


def test_it_steps_aside_for_instrumentation_that_comes_later(
    instrumentor: KafkaInstrumentor,
    recorder: Recorder,
    cluster: Cluster,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The other one derives its classes from those that it finds; theirs are the only spans."""
    instrumentor.instrument(tracer_provider=recorder.provider)

    theirs = [
        type(f"AutoInstrumented{base.__name__}", (base,), {"__module__": PEER})
        for base in (Producer, Consumer)
    ]

    assert not instrumentor.is_instrumented_by_opentelemetry
    assert confluent_kafka.Producer is ORIGINALS[0]
    assert caplog.text.count("steps aside") == 1
    send(theirs[0](cluster.config()), cluster.topic)
    assert recorder.spans() == []


def test_a_release_that_lacks_a_class_or_has_something_else_there_is_left_as_it_is(
    instrumentor: KafkaInstrumentor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What cannot be traced is logged; the program goes on, and the rest is traced."""
    monkeypatch.setattr(KafkaInstrumentor, "_weavings", {})
    monkeypatch.setattr(confluent_kafka, "Producer", "not a class")
    monkeypatch.delattr(confluent_kafka, "ShareConsumer", raising=False)

    instrumentor.instrument()

    assert confluent_kafka.Producer == "not a class"  # type: ignore[comparison-overlap] # odd on purpose
    assert confluent_kafka.Consumer is not ORIGINALS[1]
    assert [record.getMessage() for record in caplog.records] == [
        "confluent_kafka.Producer is not traced"
    ]
    instrumentor.uninstrument()


def test_tracing_that_cannot_be_loaded_costs_the_program_nothing(
    instrumentor: KafkaInstrumentor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A broken installation, say."""
    monkeypatch.setitem(sys.modules, "kafkascope_tracing.producer", None)

    instrumentor.instrument()

    assert confluent_kafka.Producer is ORIGINALS[0]
    assert {record.getMessage() for record in caplog.records} == {
        "confluent_kafka.Producer is not traced"
    }


def test_opentelemetry_finds_it_under_a_name_of_its_own() -> None:
    """`confluent_kafka` is the name by which the other instrumentation is switched off."""
    (found,) = entry_points(group="opentelemetry_instrumentor", name="kafkascope")

    assert found.load() is KafkaInstrumentor
    assert KafkaInstrumentor().instrumentation_dependencies() == ("confluent-kafka >= 2.3",)
