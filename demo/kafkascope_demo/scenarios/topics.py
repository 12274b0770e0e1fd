"""Faults of topics: bursts to all partitions or to one, and retention that overtakes a group."""

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from confluent_kafka import Consumer, TopicPartition

from kafkascope_demo.addresses import Addresses, Parts
from kafkascope_demo.scenarios.kafkaclients import (
    ANSWER_S,
    ANY_PARTITION,
    event,
    properties,
    repeating,
    send,
    topic,
)

RETENTION_TOPIC: Final = "kafkascope-retention"
RETENTION_GROUP: Final = "kafkascope-retention"
_BURST: Final = 20_000
_EVERY_S: Final = 5.0
_KEPT_FROM: Final = 60
_COMMITTED: Final = 10
_MESSAGES: Final = 100


@contextlib.contextmanager
def flood(parts: Parts) -> Iterator[None]:
    """Send bursts to all partitions."""
    with _bursts(parts.addresses(), ANY_PARTITION):
        yield


@contextlib.contextmanager
def hot(parts: Parts) -> Iterator[None]:
    """Send bursts to partition 0."""
    with _bursts(parts.addresses(), 0):
        yield


@contextlib.contextmanager
def _bursts(addresses: Addresses, partition: int) -> Iterator[None]:
    values = [event("burst")] * _BURST
    send(addresses, addresses.topic, values, partition)
    with repeating(lambda: send(addresses, addresses.topic, values, partition), _EVERY_S):
        yield


@contextlib.contextmanager
def retention(parts: Parts) -> Iterator[None]:
    """Delete records past the commit of a group, both of the scenario's own."""
    addresses = parts.addresses()
    replicas = min(3, sum(name.startswith("broker") for name in parts.names()) or 3)
    with topic(addresses, RETENTION_TOPIC, replicas) as admin:
        send(addresses, RETENTION_TOPIC, [event("retained")] * _MESSAGES, 0)
        try:
            with _member(addresses) as consumer:
                _commit(consumer, _COMMITTED)
                kept = TopicPartition(RETENTION_TOPIC, 0, _KEPT_FROM)
                for deleted in admin.delete_records([kept]).values():
                    deleted.result(ANSWER_S)
                try:
                    yield
                finally:
                    _commit(consumer, _MESSAGES)
        finally:
            admin.delete_consumer_groups([RETENTION_GROUP])[RETENTION_GROUP].result(ANSWER_S)


@contextlib.contextmanager
def _member(addresses: Addresses) -> Iterator[Consumer]:
    """Have a member in the group: one without any counts as given up."""
    consumer = Consumer(
        {
            **properties(addresses),
            "group.id": RETENTION_GROUP,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.subscribe([RETENTION_TOPIC])
        ends_at = time.monotonic() + ANSWER_S
        while not consumer.assignment() and time.monotonic() < ends_at:
            consumer.poll(0.1)
        yield consumer
    finally:
        consumer.close()


def _commit(consumer: Consumer, offset: int) -> None:
    consumer.commit(offsets=[TopicPartition(RETENTION_TOPIC, 0, offset)], asynchronous=False)
