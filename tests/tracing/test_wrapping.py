from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Consumer as RawConsumer
from confluent_kafka import Producer as RawProducer
from confluent_kafka import TopicPartition

from tests.tracing.clients import Cluster, block, poll
from tests.tracing.recorder import Recorder


def test_clients_that_exist_already_are_traced_by_their_stand_ins(
    cluster: Cluster, recorder: Recorder
) -> None:
    """One trace from send to commit, as with our own classes."""
    telemetry = recorder.telemetry()
    producer = telemetry.wrap(RawProducer(cluster.config()), cluster.config())
    raw = RawConsumer(cluster.consumer_config())
    consumer = telemetry.wrap(raw, cluster.consumer_config())
    producer.produce(cluster.topic, b"v", partition=0)
    assert producer.flush(30) == 0
    consumer.assign([TopicPartition(cluster.topic, 0, 0)])
    with telemetry.process(poll(consumer)) as span:
        consumer.commit(offsets=[TopicPartition(cluster.topic, 0, 1)], asynchronous=False)
    consumer.close()

    send, process, commit = recorder.spans()
    assert (process.parent, commit.parent) == (send.span, process.span)
    assert span.get_span_context().span_id == process.span
    assert send.attributes["messaging.client.id"] == "app"
    assert process.attributes["messaging.consumer.group.name"] == f"group-of-{cluster.topic}"


def test_a_stand_in_is_what_the_client_is(cluster: Cluster, recorder: Recorder) -> None:
    """It passes isinstance, and has every public name of the client."""
    telemetry = recorder.telemetry()
    for raw, kind in (
        (RawProducer(cluster.config()), RawProducer),
        (RawConsumer(cluster.consumer_config()), RawConsumer),
    ):
        wrapped: Any = telemetry.wrap(raw)
        assert isinstance(wrapped, kind)
        assert {name for name in dir(kind) if not name.startswith("_")} <= {
            name for name in dir(raw) if hasattr(wrapped, name)
        }
        assert repr(wrapped) == repr(raw)
        assert telemetry.wrap(wrapped) is wrapped
        with block(wrapped) as entered:
            assert entered is wrapped
    with pytest.raises(TypeError, match="neither"):
        telemetry.wrap(object())


def test_special_methods_and_attributes_are_the_clients(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Length and truth, and attributes of the application's own subclass."""

    class Named(RawProducer):
        name = "mine"

    raw = Named(cluster.config(linger_ms=60_000))
    wrapped = recorder.telemetry().wrap(raw)
    assert (len(wrapped), bool(wrapped), wrapped.name) == (0, True, "mine")
    wrapped.produce(cluster.topic, b"v")
    assert len(wrapped) == 1
    wrapped.name = "other"
    assert raw.name == "other"
    raw.flush(30)
    assert len(recorder.spans()) == 1


def test_without_its_configuration_a_client_is_traced_with_less(
    cluster: Cluster, recorder: Recorder
) -> None:
    """No client id and no server are invented."""
    producer = recorder.telemetry().wrap(RawProducer(cluster.config()))
    producer.produce(cluster.topic, b"v")
    producer.flush(30)

    attributes = recorder.spans()[0].attributes
    assert "messaging.client.id" not in attributes
    assert "server.address" not in attributes


def test_a_traced_client_is_not_traced_twice(cluster: Cluster, recorder: Recorder) -> None:
    """It is returned as it is."""
    telemetry = recorder.telemetry()
    producer = cluster.producer(telemetry)
    assert telemetry.wrap(producer) is producer
