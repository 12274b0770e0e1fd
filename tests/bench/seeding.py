"""The cluster that is measured on: topics, a few messages each, and groups with commits."""

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.integration.commits import commit_all

_TOPICS_AT_ONCE = 100
_GROUPS_AT_ONCE = 200
_COMMITTING_AT_ONCE = 16
_MESSAGES = 3
_COMMITS = (16, 20)
_DEADLINE_S = 300

REPLICATED_TOPICS = 5
_REPLICATED_PARTITIONS = 6
REPLICATION = 3

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Size:
    """How big the cluster is; beside it is a small set of partitions with three replicas."""

    partitions: int
    topics: int
    groups: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``PARTITIONS/TOPICS/GROUPS``.

        Raises:
            ValueError: it is written otherwise, or the topics would not be of one size.
        """
        partitions, topics, groups = (int(number) for number in text.split("/"))
        if min(partitions, topics, groups) < 1 or partitions % topics:
            raise ValueError(text)
        return cls(partitions, topics, groups)

    @property
    def replicas(self) -> int:
        """How many replicas all brokers hold together, Kafka's own topics included."""
        offsets_topic = 50 * REPLICATION
        replicated = REPLICATED_TOPICS * _REPLICATED_PARTITIONS * REPLICATION
        return self.partitions + replicated + offsets_topic

    @property
    def partitions_per_topic(self) -> int:
        """How many partitions each topic has."""
        return self.partitions // self.topics


def seed(properties: Mapping[str, str], size: Size, progress: Progress) -> None:
    """Fill an empty cluster. What is written is the same each time.

    Args:
        properties: librdkafka properties to connect with.
        size: how much.
        progress: told how far it is.
    """
    # Big clusters make librdkafka write thousands of lines about partitions that are quite well.
    quiet = logging.getLogger("tests.bench.seeding")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    quietly: dict[str, Any] = {**properties, "logger": quiet, "log_level": 0}
    admin = AdminClient(quietly)
    names = [f"bench-{number:05}" for number in range(size.topics)]
    _make_topics(admin, names, size.partitions_per_topic, progress)
    _produce(Producer({**quietly, "linger.ms": 50}), names, size.partitions_per_topic, progress)
    _commit(quietly, names, size, progress)


def _make_topics(
    admin: AdminClient, names: Sequence[str], partitions: int, progress: Progress
) -> None:
    replicated = [
        NewTopic(f"bench-isr-{number}", _REPLICATED_PARTITIONS, REPLICATION)
        for number in range(REPLICATED_TOPICS)
    ]
    _finish(admin.create_topics(replicated, operation_timeout=_DEADLINE_S))
    for done, chunk in _chunks(names, _TOPICS_AT_ONCE):
        progress("creating topics", done, len(names))
        topics = [NewTopic(name, partitions, 1) for name in chunk]
        _finish(
            admin.create_topics(topics, operation_timeout=_DEADLINE_S, request_timeout=_DEADLINE_S)
        )


def _produce(producer: Producer, names: Sequence[str], partitions: int, progress: Progress) -> None:
    for done, chunk in _chunks(names, _TOPICS_AT_ONCE):
        progress("writing messages", done, len(names))
        for name in chunk:
            for partition in range(partitions):
                for _ in range(_MESSAGES):
                    producer.produce(name, b"x", partition=partition)
        left = producer.flush(_DEADLINE_S)
        if left:
            raise TimeoutError(f"{left} messages were not written in {_DEADLINE_S} s")


def _commit(
    properties: Mapping[str, Any], names: Sequence[str], size: Size, progress: Progress
) -> None:
    """Commit for each group, some at a time: most of a commit is waiting for brokers."""
    chance = random.Random(1)  # noqa: S311 - the same data each time, nothing secret
    groups = [f"bench-group-{number:05}" for number in range(size.groups)]
    with ThreadPoolExecutor(_COMMITTING_AT_ONCE) as pool:
        for done, chunk in _chunks(groups, _GROUPS_AT_ONCE):
            progress("committing offsets", done, len(groups))
            commits = [
                pool.submit(
                    commit_all, properties, group, _commits(chance, names, size), _DEADLINE_S
                )
                for group in chunk
            ]
            for commit in commits:
                commit.result()


def _commits(chance: random.Random, names: Sequence[str], size: Size) -> list[TopicPartition]:
    each = size.partitions_per_topic
    first = chance.randrange(size.partitions)
    places = _places(first, chance.randint(*_COMMITS), size.partitions)
    return [
        TopicPartition(names[at // each], at % each, chance.randint(0, _MESSAGES)) for at in places
    ]


def _places(first: int, count: int, partitions: int) -> Iterator[int]:
    """Give ``count`` neighbouring partitions of all; fewer where there are not so many."""
    return ((first + step) % partitions for step in range(min(count, partitions)))


def _finish(asked: Mapping[str, Future[Any]]) -> None:
    for future in asked.values():
        future.result(_DEADLINE_S)


def _chunks(items: Sequence[T], size: int) -> Iterator[tuple[int, Sequence[T]]]:
    for at in range(0, len(items), size):
        yield at, items[at : at + size]
