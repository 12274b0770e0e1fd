"""The ways to trace a client, with real brokers: each gives the same trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TypeAlias

import confluent_kafka
import pytest
from opentelemetry import baggage, context

import kafkascope_tracing
from kafkascope_tracing.auto import KafkaInstrumentor
from kafkascope_tracing.telemetry import KafkaTelemetry, set_default_telemetry
from tests.integration.traced import DEADLINE_S, Traced, committed, receive
from tests.tracing.recorder import Seen, SeenLink

Config: TypeAlias = dict[str, Any]
Make: TypeAlias = Callable[[str, Config], Any]
"""Makes the client of a class's name."""

PATHS: Final = {
    "Producer": "kafkascope_tracing.TracingProducerInterceptor",
    "Consumer": "kafkascope_tracing.TracingConsumerInterceptor",
}


@contextmanager
def by_default(telemetry: KafkaTelemetry) -> Iterator[None]:
    """Have clients use a telemetry whose configuration names none."""
    set_default_telemetry(telemetry)
    try:
        yield
    finally:
        set_default_telemetry(None)


@contextmanager
def subclass(telemetry: KafkaTelemetry) -> Iterator[Make]:
    """One import that is changed."""
    with by_default(telemetry):
        yield lambda name, config: getattr(kafkascope_tracing, name)(config)


@contextmanager
def interceptor(telemetry: KafkaTelemetry) -> Iterator[Make]:
    """A path in the configuration, as in Java."""
    with by_default(telemetry):
        yield lambda name, config: getattr(kafkascope_tracing, name)(
            {**config, "interceptor.classes": PATHS[name]}
        )


@contextmanager
def wrapped(telemetry: KafkaTelemetry) -> Iterator[Make]:
    """A client that somebody else has made."""
    yield lambda name, config: telemetry.wrap(getattr(confluent_kafka, name)(config), config)


@contextmanager
def zero_code(telemetry: KafkaTelemetry) -> Iterator[Make]:
    """The client's own classes, instrumented."""
    KafkaInstrumentor().instrument(telemetry=telemetry)
    try:
        yield lambda name, config: getattr(confluent_kafka, name)(config)
    finally:
        KafkaInstrumentor().uninstrument()


@pytest.mark.parametrize("way", [subclass, interceptor, wrapped, zero_code])
def test_every_way_in_gives_the_same_trace(
    traced: Traced, topic: str, group: str, way: Callable[[KafkaTelemetry], Any]
) -> None:
    """Request, send, process, what is done in it, and the commit, which is in the broker."""
    config: Config = {**traced.kafka.client_properties(), "client.id": "app"}
    consuming = {
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    with ExitStack() as stack:
        make = stack.enter_context(way(traced.telemetry))
        producer = make("Producer", config)
        with traced.recorder.tracer.start_as_current_span("request"):
            token = context.attach(baggage.set_baggage("tenant", "ochacafe"))
            producer.produce(topic, b"one latte", "7", headers={"table": b"7"})
            context.detach(token)
        assert producer.flush(DEADLINE_S) == 0
        consumer = make("Consumer", config | consuming)
        stack.callback(consumer.close)
        consumer.subscribe([topic])
        message = receive(consumer)
        with (
            traced.telemetry.process(message),
            traced.recorder.tracer.start_as_current_span("work"),
        ):
            tenant = baggage.get_baggage("tenant")
        consumer.commit(message, asynchronous=False)
        cluster_id = consumer.cluster_id(DEADLINE_S)

    assert (message.key(), message.value(), tenant) == (b"7", b"one latte", "ochacafe")
    assert dict(message.headers())["table"] == b"7"
    assert committed(traced.kafka, group, topic) == [1]
    address, _, port = str(config["bootstrap.servers"]).split(",")[0].rpartition(":")
    client = {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": "0",
        "messaging.client.id": "app",
        "server.address": address,
        "server.port": int(port),
    }
    consumers = {
        **client,
        "messaging.consumer.group.name": group,
        "messaging.kafka.cluster.id": cluster_id,
    }
    told = {"messaging.kafka.message.key": "7", "messaging.kafka.offset": 0}
    assert traced.recorder.spans() == [
        Seen("request", "INTERNAL", 1, 1, None, [], {}),
        Seen(f"send {topic}", "PRODUCER", 1, 2, 1, [], client | told | named("send", "send")),
        Seen(
            f"process {topic}",
            "CONSUMER",
            1,
            3,
            2,
            [SeenLink(2, {})],
            consumers | told | named("process", "process"),
        ),
        Seen("work", "INTERNAL", 1, 4, 3, [], {}),
        Seen(
            f"commit {topic}",
            "CLIENT",
            1,
            5,
            3,
            [],
            consumers | named("commit", "settle") | {"messaging.kafka.offset": 1},
        ),
    ]


def named(operation: str, kind: str) -> dict[str, str]:
    """Return the attributes that name an operation."""
    return {"messaging.operation.name": operation, "messaging.operation.type": kind}
