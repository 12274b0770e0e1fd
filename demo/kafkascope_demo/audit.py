"""`kafkascope-demo audit`: sends events for a while, and checks that none acknowledged is lost."""

import argparse
import json
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from kafkascope_demo import web, whichdemo
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.verify.eventflow import event

_ASK_S: Final = 15.0
_READ_S: Final = 120.0
_COMMITTED_S: Final = 120.0
_REQUEST_S: Final = 30.0
_AGAIN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Audit:
    """What became of the events.

    Args:
        sent: How many requests there were.
        acknowledged: Titles that the producer acknowledged.
        stored: How often Kafka has each title.
        processed: Whether the group has committed up to the end of what was stored.
    """

    sent: int
    acknowledged: frozenset[str]
    stored: Counter[str]
    processed: bool

    @property
    def lost(self) -> frozenset[str]:
        """Titles that were acknowledged, and are not in Kafka."""
        return self.acknowledged - self.stored.keys()

    @property
    def ok(self) -> bool:
        """Whether nothing is lost, and all of it was processed."""
        return bool(self.acknowledged) and not self.lost and self.processed

    def lines(self) -> Iterator[str]:
        """Say it."""
        yield f"sent           {self.sent}"
        yield f"acknowledged   {len(self.acknowledged)}"
        yield f"in Kafka       {len(self.stored)}"
        yield f"  not acknowledged, and yet there  {len(self.stored.keys() - self.acknowledged)}"
        yield f"  there more than once             {sum(n > 1 for n in self.stored.values())}"
        yield f"lost           {len(self.lost)}"
        done = "all of it" if self.processed else "NOT all of it"
        yield f"the group has processed {done}"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``audit``."""
    parser = commands.add_parser(
        "audit",
        help="send events for a while, and check that none acknowledged is lost",
        description="Sends events to the producer for a while, whatever happens to the demo "
        "meanwhile; then reads the topic, and waits for the group. Exit code 0 when every event "
        "that was acknowledged is in Kafka and processed.",
    )
    parser.add_argument("--for", dest="seconds", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--rate", type=float, default=10.0, help="events per second at most")
    whichdemo.add_options(parser)
    parser.set_defaults(run=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> int:
    addresses = whichdemo.addresses(arguments, arguments.parser)
    try:
        found = audit(addresses, arguments.seconds, arguments.rate)
    except (KafkaException, web.WebError) as error:
        print(f"kafkascope-demo audit: {error}", file=sys.stderr)
        return 1
    print("\n".join(found.lines()))
    return 0 if found.ok else 1


def audit(addresses: Addresses, seconds: float, rate: float) -> Audit:
    """Send events, and see what became of them.

    Args:
        addresses: Of the demo.
        seconds: How long.
        rate: Events per second at most.

    Raises:
        KafkaException: Kafka does not answer at the beginning, or at the end.
    """
    consumer = Consumer(
        {
            **addresses.kafka_properties,
            "bootstrap.servers": addresses.bootstrap_servers,
            "group.id": f"{addresses.group}-verifier",
            "enable.auto.commit": False,
        }
    )
    try:
        begins = _ends(consumer, addresses.topic)
        mark = f"audit-{secrets.token_hex(4)}"
        sent, acknowledged = _send(addresses, mark, seconds, rate)
        ends = _ends(consumer, addresses.topic)
        stored = _stored(consumer, addresses.topic, mark, begins, ends)
    finally:
        consumer.close()
    return Audit(sent, frozenset(acknowledged), stored, _processed(addresses, ends))


def _send(addresses: Addresses, mark: str, seconds: float, rate: float) -> tuple[int, list[str]]:
    """Send events one by one; give how many, and which were acknowledged."""
    acknowledged = []
    sent = 0
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        began = time.monotonic()
        title = f"{mark}-{sent}"
        sent += 1
        try:
            web.request(
                "POST",
                f"{addresses.producer}/kafka/produce",
                json=event(title),
                timeout_s=_REQUEST_S,
            )
        except web.WebError as error:
            print(f"not acknowledged: {title}: {error}", file=sys.stderr, flush=True)
        else:
            acknowledged.append(title)
        time.sleep(max(0.0, 1 / rate - (time.monotonic() - began)))
    return sent, acknowledged


def _ends(consumer: Consumer, topic: str) -> dict[int, int]:
    """Give the end offset of each partition."""
    ends_at = time.monotonic() + _READ_S
    while True:
        try:
            partitions = consumer.list_topics(topic, _ASK_S).topics[topic].partitions
            return {
                number: consumer.get_watermark_offsets(TopicPartition(topic, number), _ASK_S)[1]
                for number in partitions
            }
        except KafkaException:
            if time.monotonic() >= ends_at:
                raise
        time.sleep(_AGAIN_S)


def _stored(
    consumer: Consumer, topic: str, mark: str, begins: dict[int, int], ends: dict[int, int]
) -> Counter[str]:
    """Read what was written between two ends, and count the titles with a mark."""
    consumer.assign([TopicPartition(topic, n, offset) for n, offset in begins.items()])
    reached = dict(begins)
    found: Counter[str] = Counter()
    ends_at = time.monotonic() + _READ_S
    while any(reached[n] < ends[n] for n in ends) and time.monotonic() < ends_at:
        message = consumer.poll(0.5)
        if message is None or message.error():
            continue
        reached[message.partition() or 0] = (message.offset() or 0) + 1
        title = title_of(message.value() or b"")
        if title.startswith(f"{mark}-"):
            found[title] += 1
    return found


def title_of(value: bytes) -> str:
    """Give the title of an event, in either format of the producer's; empty for what is none."""
    text = value.decode(errors="replace")
    if text.startswith("Event [title="):
        return text.removeprefix("Event [title=").partition(",")[0]
    try:
        told = json.loads(text)
    except ValueError:
        return ""
    return str(told.get("title", "")) if isinstance(told, dict) else ""


def _processed(addresses: Addresses, ends: dict[int, int]) -> bool:
    """Wait until the group has committed up to these ends, and tell whether it has."""
    admin = AdminClient(
        {**addresses.kafka_properties, "bootstrap.servers": addresses.bootstrap_servers}
    )
    partitions = [TopicPartition(addresses.topic, number) for number in ends]
    asked = ConsumerGroupTopicPartitions(addresses.group, partitions)
    ends_at = time.monotonic() + _COMMITTED_S
    while time.monotonic() < ends_at:
        try:
            told = admin.list_consumer_group_offsets([asked])[addresses.group].result(_ASK_S)
        except KafkaException:
            time.sleep(_AGAIN_S)
            continue
        committed = {found.partition: found.offset for found in told.topic_partitions}
        if all(committed.get(number, -1) >= end for number, end in ends.items() if end):
            return True
        time.sleep(_AGAIN_S)
    return False
