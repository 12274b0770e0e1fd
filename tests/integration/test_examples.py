"""The examples of demo/examples do what they say, on real brokers."""

import collections
import dataclasses
import importlib.util
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import LocalKafka
from tests.integration.conftest import MakeTopic
from tests.integration.topics import delete_topics
from tests.waiting import wait_until

EXAMPLES: Final = Path(__file__).parents[2] / "demo" / "examples"
TALK: Final = ["kafka", "streams", "counts", "words,", "and", "so", "do", "Kafka's", "clients!"]


def command(kafka: LocalKafka, name: str, *arguments: str) -> list[str]:
    """The command line of an example."""
    servers = ["--bootstrap-servers", kafka.bootstrap_servers]
    return [sys.executable, str(EXAMPLES / f"{name}.py"), *servers, *arguments]


def run(kafka: LocalKafka, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an example to its end."""
    return subprocess.run(
        command(kafka, name, *arguments), capture_output=True, text=True, check=False, timeout=60
    )


def read_all(kafka: LocalKafka, topic: str, partitions: int) -> list[tuple[int, str, str]]:
    """Partition, key and value of every committed record of a topic, in each partition's order."""
    consumer = Consumer(
        {
            **kafka.client_properties(),
            "group.id": "unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    records = []
    unread = set(range(partitions))
    try:
        consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in unread])
        while unread:
            message = consumer.poll(30)
            assert message is not None, f"{topic} does not end"
            if message.error():
                unread.discard(message.partition() or 0)
                continue
            key, value = (message.key() or b"").decode(), (message.value() or b"").decode()
            records.append((message.partition() or 0, key, value))
    finally:
        consumer.close()
    return records


def test_the_producer_writes_a_hundred_records(kafka: LocalKafka, topic: str) -> None:
    """Keys and values as on slide 23 of the talk."""
    done = run(kafka, "producer", "--topic", topic)
    assert (done.returncode, done.stdout) == (0, f"100 of 100 records are in {topic}\n"), (
        done.stderr
    )
    assert read_all(kafka, topic, 1) == [(0, f"key-{n}", f"value-{n}") for n in range(100)]


def test_the_producer_says_when_nothing_is_stored(
    kafka: LocalKafka, unique_name: Callable[[], str]
) -> None:
    """A topic that does not exist, for instance."""
    done = run(kafka, "producer", "--topic", unique_name())
    assert done.returncode == 1
    assert "not stored: Broker: Unknown topic or partition" in done.stderr


def test_the_consumer_prints_each_record_and_goes_on_where_it_stopped(
    kafka: LocalKafka, topic: str, group: str
) -> None:
    """As a member of the group, also in its second life."""
    run(kafka, "producer", "--topic", topic)
    reading = ("--topic", topic, "--group", group, "--records")
    first = run(kafka, "consumer", *reading, "60")
    second = run(kafka, "consumer", *reading, "40")
    assert first.stdout.splitlines()[0] == "offset = 0, key = key-0, value = value-0"
    printed = (first.stdout + second.stdout).splitlines()
    assert printed == [f"offset = {n}, key = key-{n}, value = value-{n}" for n in range(100)]


def test_keys_go_where_the_custom_partitioner_says(
    kafka: LocalKafka, make_topic: MakeTopic
) -> None:
    """Lower case to n-2, upper case to n-1, the rest to n-3."""
    topic = make_topic(partitions=5)
    done = run(kafka, "custom_partitioner", "--topic", topic, "apple", "Banana", "7up", "élan")
    assert done.returncode == 0, done.stderr
    assert {key: partition for partition, key, _ in read_all(kafka, topic, 5)} == {
        "apple": 3,
        "Banana": 4,
        "7up": 2,
        "élan": 3,
    }


def test_the_custom_partitioner_refuses_what_it_has_no_rule_for(
    kafka: LocalKafka, make_topic: MakeTopic
) -> None:
    """No key, or too few partitions: an error, and no traceback."""
    few = run(kafka, "custom_partitioner", "--topic", make_topic(partitions=2), "apple")
    none = run(kafka, "custom_partitioner", "--topic", make_topic(partitions=3), "")
    assert (few.returncode, none.returncode) == (1, 1)
    assert few.stderr == "this partitioner needs 3 partitions, and the topic has 2\n"
    assert none.stderr == "this partitioner needs a key in every record\n"


@contextmanager
def word_counts(
    kafka: LocalKafka, prefix: str, log: Path
) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts instances of the word count, and ends those that are left."""
    started: list[subprocess.Popen[bytes]] = []

    def start(instance: str) -> subprocess.Popen[bytes]:
        arguments = command(
            kafka, "word_count", "--prefix", prefix, "--instance", instance, "--replicas", "3"
        )
        with log.open("ab") as output:
            started.append(subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            if process.poll() is None:
                process.terminate()
        for process in started:
            process.wait(30)


@pytest.fixture
def prefix(admin: AdminClient, unique_name: Callable[[], str]) -> Iterator[str]:
    """A prefix of topics that are deleted after the test."""
    name = f"{unique_name()}-"
    yield name
    delete_topics(
        admin, [topic for topic in admin.list_topics(timeout=10).topics if topic.startswith(name)]
    )


@pytest.mark.timeout(180)
def test_words_are_counted_exactly_once_though_an_instance_is_killed(
    kafka: LocalKafka, prefix: str, producer: Producer, tmp_path: Path
) -> None:
    """Each word's counts are 1, 2, 3 and so on, each once, up to how often it was written."""
    choose = random.Random(7)  # noqa: S311 - which words are counted is no secret
    lines = [" ".join(choose.choices(TALK, k=8)) for _ in range(1500)]
    expected = collections.Counter(re.findall(r"\w+", " ".join(lines).lower()))
    counts = f"{prefix}streams-wordcount-output"
    log = tmp_path / "log"

    def last_counts() -> dict[str, int]:
        return {key: int(value) for _, key, value in read_all(kafka, counts, 3)}

    with word_counts(kafka, prefix, log) as start:
        victim = start("1")
        wait_until(lambda: b"counting words" in log.read_bytes(), 30, "the first instance to start")
        start("2")
        for line in lines[:700]:
            producer.produce(f"{prefix}streams-plaintext-input", line)
        producer.flush(30)
        wait_until(lambda: sum(last_counts().values()) > 500, 90, "some words to be counted")
        victim.send_signal(signal.SIGKILL)
        for line in lines[700:]:
            producer.produce(f"{prefix}streams-plaintext-input", line)
        producer.flush(30)
        start("1")
        wait_until(lambda: last_counts() == expected, 90, f"all words, {log.read_text()}")
    of_word = collections.defaultdict(list)
    for _, word, count in read_all(kafka, counts, 3):
        of_word[word].append(int(count))
    assert {word: list(range(1, times + 1)) for word, times in expected.items()} == of_word


def load(name: str) -> ModuleType:
    """An example as a module."""
    found = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module


class AbortsOnce:
    """A transactional producer whose first commit is refused, so that it must be aborted."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._refused = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._producer, name)

    def commit_transaction(self, timeout: float) -> None:
        """Commit, but for the first time."""
        if not self._refused:
            self._refused = True
            reason = "the test refuses this commit"
            error = KafkaError(KafkaError.INVALID_TXN_STATE, reason, txn_requires_abort=True)
            raise KafkaException(error)
        self._producer.commit_transaction(timeout)


def test_an_aborted_batch_is_counted_again(
    kafka: LocalKafka, prefix: str, admin: AdminClient, producer: Producer
) -> None:
    """What was counted before an abort is forgotten, and its lines are read once more."""
    module = load("word_count")
    topics = module.Topics(*(prefix + name for name in dataclasses.astuple(module.Topics())))
    topics.create(admin, 1, 1)
    producer.produce(topics.lines, "to be or not to be")
    producer.flush(30)
    counting = module.WordCount(kafka.bootstrap_servers, topics, f"{prefix}group", "1")
    counting._producer = AbortsOnce(counting._producer)
    counting.start()
    try:
        wait_until(
            lambda: counting.step() is None or len(read_all(kafka, topics.counts, 1)) >= 6,
            60,
            "six words",
        )
    finally:
        counting.close()
    assert [record[1:] for record in read_all(kafka, topics.counts, 1)] == [
        ("to", "1"),
        ("be", "1"),
        ("or", "1"),
        ("not", "1"),
        ("to", "2"),
        ("be", "2"),
    ]
