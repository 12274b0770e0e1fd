from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafkascope_tracing.attributes import (
    POLL,
    SEND,
    ClientAttributes,
    Endpoint,
    endpoint_of,
    key_text,
)
from kafkascope_tracing.errors import error_type, exception_of


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ("kafka:9093", Endpoint("kafka", 9093)),
        ("kafka", Endpoint("kafka", 9092)),
        ("a:1,b:2", Endpoint("a", 1)),
        (" SASL_SSL://a:1 , b:2", Endpoint("a", 1)),
        ("[::1]:9094", Endpoint("::1", 9094)),
        ("[::1]", Endpoint("::1", 9092)),
        ("kafka:port", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_the_server_is_the_first_bootstrap_server(
    servers: object, expected: Endpoint | None
) -> None:
    """Without protocol, with the default port; nothing where it cannot be read."""
    assert endpoint_of({"bootstrap.servers": servers}) == expected
    if servers is not None:
        assert endpoint_of({"metadata.broker.list": servers}) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("k", "k"),
        (b"k", "k"),
        ("ключ".encode(), "ключ"),
        (b"\x00\x00\x01", None),
        (b"\xff", None),
        (5, None),
        ("", ""),
    ],
)
def test_a_key_is_told_where_it_is_text(key: object, expected: str | None) -> None:
    """Binary keys have no canonical text."""
    assert key_text(key) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), "UNKNOWN_TOPIC_OR_PARTITION"),
        (KafkaError(KafkaError.NOT_ENOUGH_REPLICAS), "NOT_ENOUGH_REPLICAS"),
        (KafkaException(KafkaError(KafkaError._MSG_TIMED_OUT)), "_MSG_TIMED_OUT"),
        (KafkaException("text"), "cimpl.KafkaException"),
        (ValueError(), "ValueError"),
        (ConnectionError("x"), "ConnectionError"),
    ],
)
def test_errors_have_kafkas_names(error: object, expected: str) -> None:
    """Local ones those of librdkafka, exceptions those of their class."""
    assert error_type(error) == expected


def test_errors_as_exceptions() -> None:
    """None stays none, an exception stays itself."""
    error = ValueError()
    wrapped: Any = exception_of(KafkaError(KafkaError._STATE))
    assert exception_of(None) is None
    assert exception_of(error) is error
    assert wrapped.args[0].code() == KafkaError._STATE


def test_old_names_come_beside_the_new_ones() -> None:
    """Only when asked for."""
    config = {"client.id": "app", "group.id": "g", "bootstrap.servers": "a:1,b:2"}
    both = ClientAttributes(config, role="consumer", old_names=True, experimental=True)
    base = both.span_base(POLL, "t").attributes
    assert base["messaging.operation"] == "receive"
    assert base["messaging.kafka.consumer.group"] == base["messaging.consumer.group.name"] == "g"
    assert base["messaging.client_id"] == base["messaging.client.id"] == "app"
    assert base["messaging.kafka.bootstrap.servers"] == "a:1,b:2"
    assert both.position(3, 7) == {
        "messaging.destination.partition.id": "3",
        "messaging.kafka.destination.partition": 3,
        "messaging.kafka.offset": 7,
        "messaging.kafka.message.offset": 7,
    }
    assert ClientAttributes(config, role="consumer").position(-1, -1001) == {}


def test_what_is_prebuilt_is_one_object_until_there_are_too_many() -> None:
    """A client of ever new topics keeps no more than its cache; a cluster id renews it."""
    attributes = ClientAttributes({"client.id": "app"}, role="producer")
    first = attributes.span_base(SEND, "t")
    assert attributes.span_base(SEND, "t") is first
    for number in range(5000):
        attributes.span_base(SEND, f"t{number}")
        attributes.metric_set(SEND, f"t{number}")
    assert len(attributes._span_bases) == len(attributes._metric_sets) == 4096
    attributes.cluster_id = "c"
    assert attributes.span_base(SEND, "t").attributes["messaging.kafka.cluster.id"] == "c"
    assert attributes.cluster_id == "c"
