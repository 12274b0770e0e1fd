"""Whether an event that the producer takes is stored in Kafka and processed by the group."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.verify.report import Check, Outcome

_NAME: Final = "an event goes from HTTP over Kafka to the consumer group"
_KNOWN_S: Final = 10.0
_STORED_S: Final = 20.0
_COMMITTED_S: Final = 40.0
_ASK_S: Final = 10.0


def event(title: str) -> dict[str, str]:
    """Give an event of the talk's shape."""
    return {"title": title, "speaker": "verifier", "date": time.strftime("%Y-%m-%d %H:%M")}


def _run(addresses: Addresses) -> Iterator[Outcome]:
    url = f"{addresses.producer}/kafka/produce"

    def post(sent: Mapping[str, str]) -> str:
        return web.request("POST", url, json=sent, timeout_s=30).text.strip()

    yield flow(
        addresses,
        _NAME,
        post,
        "with ACK=submitted the producer answers before Kafka does: its log says why the delivery "
        "failed",
    )


def flow(
    addresses: Addresses, name: str, post: Callable[[Mapping[str, str]], str], unstored: str
) -> Outcome:
    """Send an event, and see it stored in Kafka and processed by the group.

    Args:
        addresses: Of the demo.
        name: Of the check.
        post: Sends an event, and gives the answer.
        unstored: What to do when there was an answer, and Kafka does not hold the event.

    Raises:
        WebError: There was no answer.
        KafkaException: Kafka does not answer.
    """
    title = f"verify-{secrets.token_hex(8)}"
    consumer = Consumer(
        {
            **addresses.kafka_properties,
            "bootstrap.servers": addresses.bootstrap_servers,
            "group.id": f"{addresses.group}-verifier",
            "enable.auto.commit": False,
        }
    )
    try:
        _begin_at_the_end(consumer, addresses.topic)
        answer = post(event(title))
        stored = _find(consumer, title)
    finally:
        consumer.close()
    if stored is None:
        told = f"the answer was {answer}, and after {_STORED_S:.0f} s {addresses.topic} did not "
        return Outcome(name, passed=False, evidence=f"{told}hold the event", fix=unstored)
    place = f"{addresses.topic} partition {stored.partition()} offset {stored.offset()}"
    committed = _wait_for_commit(addresses, stored)
    passed = committed is not None and committed > (stored.offset() or 0)
    return Outcome(
        name,
        passed,
        f"stored at {place}; {addresses.group} has committed {committed}",
        f"{addresses.group} does not get on: look at the consumers' logs and at "
        "kafka_consumergroup_lag",
    )


def _begin_at_the_end(consumer: Consumer, topic: str) -> None:
    """Assign every partition from the message that comes next."""
    ends_at = time.monotonic() + _KNOWN_S
    while (found := consumer.list_topics(topic, _ASK_S).topics[topic]).error is not None:
        if time.monotonic() >= ends_at:
            raise KafkaException(found.error)
        time.sleep(0.2)  # a topic that was just made is not known to every broker
    ends = (
        consumer.get_watermark_offsets(TopicPartition(topic, n), _ASK_S) for n in found.partitions
    )
    consumer.assign(
        [
            TopicPartition(topic, number, end)
            for number, (_, end) in zip(found.partitions, ends, strict=True)
        ]
    )


def _find(consumer: Consumer, title: str) -> Message | None:
    """Read until a message holds the title, in whatever format; None when none does in time."""
    ends_at = time.monotonic() + _STORED_S
    while time.monotonic() < ends_at:
        message = consumer.poll(0.5)
        if (
            message is not None
            and not message.error()
            and title.encode() in (message.value() or b"")
        ):
            return message
    return None


def _wait_for_commit(addresses: Addresses, stored: Message) -> int | None:
    """Give the group's committed offset once it is past a message, or what it is in the end."""
    admin = AdminClient(
        {**addresses.kafka_properties, "bootstrap.servers": addresses.bootstrap_servers}
    )
    asked = ConsumerGroupTopicPartitions(
        addresses.group, [TopicPartition(addresses.topic, stored.partition() or 0)]
    )
    ends_at = time.monotonic() + _COMMITTED_S
    while True:
        told = admin.list_consumer_group_offsets([asked])[addresses.group].result(_ASK_S)
        committed: int = told.topic_partitions[0].offset
        if committed > (stored.offset() or 0) or time.monotonic() >= ends_at:
            return committed if committed >= 0 else None
        time.sleep(0.5)


CHECK = Check(_NAME, _run, "see that the producer and the brokers run, and that the topic exists")
