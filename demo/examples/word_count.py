"""Count words exactly once: Kafka Streams' word count with plain clients and transactions.

Lines of one topic become words in a topic between, keyed by word so that a word's counts are in
one place; words become counts in the output topic. What a batch reads (its offsets), what it
writes, and the state after it are one transaction (KIP-98, KIP-447): after a crash, whoever takes
over a partition reads its counts from the compacted changelog topic, and goes on with the first
line not counted.

Start as many as there are partitions, each with an `--instance` of its own; give an instance that
starts again the same name, so that what it left open is ended at once.
"""

import argparse
import dataclasses
import re
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

ANSWER_S = 30.0
BATCH = 500
WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Topics:
    """The topics of a word count; all have the same number of partitions."""

    lines: str = "streams-plaintext-input"
    words: str = "streams-wordcount-words-repartition"
    state: str = "streams-wordcount-counts-changelog"
    counts: str = "streams-wordcount-output"

    def create(self, admin: AdminClient, partitions: int, replicas: int) -> None:
        """Create those that are not there.

        Raises:
            KafkaException: One cannot be created.
        """
        compacted = {"cleanup.policy": "compact"}
        wanted = [
            NewTopic(self.lines, partitions, replicas),
            NewTopic(self.words, partitions, replicas),
            NewTopic(self.state, partitions, replicas, config=compacted),
            NewTopic(self.counts, partitions, replicas, config=compacted),
        ]
        for created in admin.create_topics(wanted).values():
            try:
                created.result(ANSWER_S)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise


class WordCount:
    """One instance: a group's member, a transactional producer, the counts of its partitions.

    Args:
        bootstrap_servers: Kafka's addresses.
        topics: The topics.
        group: The group whose members share the work.
        instance: The instance's name, part of its transactional id.
    """

    def __init__(self, bootstrap_servers: str, topics: Topics, group: str, instance: str) -> None:
        self._topics = topics
        self._counts: dict[int, dict[str, int]] = {}
        reading = {
            "bootstrap.servers": bootstrap_servers,
            "group.id": group,
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 10_000,  # others take over what a crashed instance had
        }
        self._restoring = {**reading, "group.id": f"{group}-restore", "enable.partition.eof": True}
        self._consumer = Consumer(reading)
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "transactional.id": f"{group}-{instance}",
                "partitioner": "murmur2_random",  # as Java's, which may write the lines
                "linger.ms": 5,
            }
        )

    def start(self) -> None:
        """End what this instance left open when it last ended, and join the group."""
        self._producer.init_transactions(ANSWER_S)
        subscribed = [self._topics.lines, self._topics.words]
        self._consumer.subscribe(subscribed, on_assign=self._assign, on_revoke=self._revoke)

    def step(self) -> int:
        """Count one batch in one transaction, and give its number of messages.

        Raises:
            KafkaException: It cannot go on: another instance has its name, or Kafka is gone.
        """
        batch = self._read()
        if not batch:
            return 0
        self._producer.begin_transaction()
        try:
            for message in batch:
                self._take(message)
            self._producer.send_offsets_to_transaction(
                next_offsets(batch), self._consumer.consumer_group_metadata(), ANSWER_S
            )
            self._producer.commit_transaction(ANSWER_S)
        except KafkaException as error:
            if error.args[0].fatal() or not error.args[0].txn_requires_abort():
                raise
            self._producer.abort_transaction(ANSWER_S)
            self._begin_again()
            return 0
        return len(batch)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _read(self) -> list[Message]:
        """Give the next messages, without those of partitions that were revoked meanwhile."""
        found = self._consumer.consume(BATCH, 0.5)
        for error in (message.error() for message in found):
            if error is not None:
                print(f"word count: {error.str()}", file=sys.stderr)
        owned = {(p.topic, p.partition) for p in self._consumer.assignment()}
        return [m for m in found if not m.error() and (m.topic(), m.partition()) in owned]

    def _take(self, message: Message) -> None:
        if message.topic() == self._topics.lines:
            for word in words(message.value()):
                self._send(self._topics.words, word, word)
            return
        word, partition = (message.key() or b"").decode(), message.partition() or 0
        count = self._counts[partition].get(word, 0) + 1
        self._counts[partition][word] = count
        self._send(self._topics.state, word, str(count), partition)
        self._send(self._topics.counts, word, str(count))

    def _send(self, topic: str, key: str, value: str, partition: int = -1) -> None:
        """Produce, after waiting for room in the queue where there is none."""
        while True:
            try:
                self._producer.produce(topic, value, key=key, partition=partition)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Committed offsets are told only once the former owner's transaction has ended.
        positions = consumer.committed(partitions, ANSWER_S)
        self._restore(partitions)
        consumer.assign(positions)

    def _revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            if partition.topic == self._topics.words:
                self._counts.pop(partition.partition, None)

    def _begin_again(self) -> None:
        """Forget what an aborted transaction counted, and read its messages once more."""
        assigned = self._consumer.assignment()
        self._restore(assigned)
        for position in self._consumer.committed(assigned, ANSWER_S):
            beginning = position.offset < 0
            offset = OFFSET_BEGINNING if beginning else position.offset
            self._consumer.seek(TopicPartition(position.topic, position.partition, offset))

    def _restore(self, partitions: Iterable[TopicPartition]) -> None:
        """Read the counts of the words' partitions from the changelog."""
        numbers = {p.partition for p in partitions if p.topic == self._topics.words}
        if not numbers:
            return
        consumer = Consumer(self._restoring)
        try:
            state = self._topics.state
            consumer.assign([TopicPartition(state, n, OFFSET_BEGINNING) for n in numbers])
            self._counts |= {number: {} for number in numbers}
            unread = set(numbers)
            while unread:
                message = consumer.poll(ANSWER_S)
                if message is None:
                    raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - librdkafka's own name
                partition = message.partition() or 0
                error = message.error()
                if error is None:
                    word = (message.key() or b"").decode()
                    self._counts[partition][word] = int(message.value() or b"0")
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
                    unread.discard(partition)
                else:
                    raise KafkaException(error)
        finally:
            consumer.close()


def words(line: bytes | None) -> list[str]:
    """Give a line's words, in lower case."""
    return WORDS.findall((line or b"").decode(errors="replace").lower())


def next_offsets(batch: Sequence[Message]) -> list[TopicPartition]:
    """Give the offsets at which a batch's reader goes on."""
    ends = {(m.topic() or "", m.partition() or 0): (m.offset() or 0) + 1 for m in batch}
    return [TopicPartition(topic, partition, offset) for (topic, partition), offset in ends.items()]


def main() -> int:
    """Count until Ctrl-C or SIGTERM, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bootstrap-servers", default="localhost:9092", metavar="HOST:PORT,…")
    parser.add_argument("--group", default="streams-wordcount")
    parser.add_argument("--instance", default="1", help="a name of its own for each instance")
    parser.add_argument("--prefix", default="", help="of all topics' names")
    parser.add_argument("--partitions", type=int, default=3, help="of topics that are not there")
    parser.add_argument("--replicas", type=int, default=1, help="of topics that are not there")
    arguments = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # a batch is finished before the end
        signal.signal(number, lambda *_: ended.set())
    servers, prefix = arguments.bootstrap_servers, arguments.prefix
    topics = Topics(*(prefix + name for name in dataclasses.astuple(Topics())))
    try:
        topics.create(
            AdminClient({"bootstrap.servers": servers}), arguments.partitions, arguments.replicas
        )
        counting = WordCount(servers, topics, prefix + arguments.group, arguments.instance)
        try:
            counting.start()
            print(f"counting words of {topics.lines} into {topics.counts}", flush=True)
            while not ended.is_set():
                counting.step()
        finally:
            counting.close()
    except KafkaException as error:
        print(f"word count: {error.args[0].str()}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
