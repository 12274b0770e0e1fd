"""Kafka clients of the scenarios: what they send, which topics they make, and remove."""

import contextlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses

ANSWER_S: Final = 30.0
ANY_PARTITION: Final = -1
"""librdkafka's ``RD_KAFKA_PARTITION_UA``: the partitioner decides."""
_JOIN_S: Final = 30.0


def properties(addresses: Addresses) -> dict[str, Any]:
    """Give the properties that a client connects with."""
    return {**addresses.kafka_properties, "bootstrap.servers": addresses.bootstrap_servers}


def unsampled() -> list[tuple[str, str | bytes | None]]:
    """Give headers that keep a flood of messages out of the trace backend."""
    trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    return [("traceparent", trace.encode())]


def event(title: str) -> bytes:
    """Give an event as the producer writes it."""
    return json.dumps({"title": title, "speaker": "scenario", "date": "2024-04-10 19:00"}).encode()


def send(
    addresses: Addresses, topic: str, values: Sequence[bytes], partition: int = ANY_PARTITION
) -> None:
    """Send messages, and wait until all are stored.

    Raises:
        KafkaException: One is not.
    """
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: object) -> None:
        if error is not None:
            failures.append(error)

    producer = Producer({**properties(addresses), "linger.ms": 5, "compression.type": "lz4"})
    headers = unsampled()
    for value in values:
        while True:
            try:
                producer.produce(
                    topic, value, partition=partition, headers=headers, on_delivery=delivered
                )
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(ANSWER_S):
        raise KafkaException(KafkaError(KafkaError._MSG_TIMED_OUT))  # noqa: SLF001 - the public name of librdkafka's error
    if failures:
        raise KafkaException(failures[0])


@contextlib.contextmanager
def trickle(addresses: Addresses, per_second: float = 5.0) -> Iterator[None]:
    """Post events to the producer steadily, so that a fault shows also in a demo without load."""
    url = f"{addresses.producer}/kafka/produce"
    body = {"title": "trickle", "speaker": "scenario", "date": "2024-04-10 19:00"}

    with repeating(lambda: web.request("POST", url, json=body, timeout_s=5), 1 / per_second):
        yield


@contextlib.contextmanager
def repeating(act: Callable[[], object], every_s: float) -> Iterator[None]:
    """Do something again and again in a thread of its own, until the end of the ``with``.

    That it fails is part of a fault: then it is tried again.
    """
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(every_s):
            with contextlib.suppress(web.WebError, KafkaException):
                act()

    thread = threading.Thread(target=repeat, name="scenario", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_JOIN_S)


@contextlib.contextmanager
def topic(addresses: Addresses, name: str, replicas: int, **config: str) -> Iterator[AdminClient]:
    """Have a topic of one's own, made anew, for as long as the ``with``.

    Raises:
        KafkaException: It cannot be made.
    """
    admin = AdminClient(properties(addresses))
    _delete(admin, name)
    _create(admin, NewTopic(name, 3, replicas, config=config))
    try:
        yield admin
    finally:
        _delete(admin, name)


def _create(admin: AdminClient, new: NewTopic) -> None:
    """Create a topic; one of this name may still be on its way out."""
    for left in range(20, -1, -1):
        try:
            admin.create_topics([new])[new.topic].result(ANSWER_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS or not left:
                raise
            threading.Event().wait(0.25)
        else:
            return


def _delete(admin: AdminClient, name: str) -> None:
    try:
        admin.delete_topics([name])[name].result(ANSWER_S)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise


def join_and_leave(addresses: Addresses, stays_s: float) -> None:
    """Be a member of the demo's group for a while; commits nothing, so nothing is lost."""
    consumer = Consumer(
        {
            **properties(addresses),
            "group.id": addresses.group,
            "client.id": "rebalance-storm",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.subscribe([addresses.topic])
        consumer.consume(1, stays_s)
    finally:
        consumer.close()
