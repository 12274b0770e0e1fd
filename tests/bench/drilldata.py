"""The drill's data: topics, messages and commits, and what of them may be seen at a moment."""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.ledger import Bounds, Counter
from tests.integration.commits import commit_all

TOPICS = tuple(f"drill-{number}" for number in range(6))
PARTITIONS = 6
GROUPS = tuple(f"drill-group-{number:02}" for number in range(30))
REPLICATION = 3
_OURS = "drill-"
_LAG = "kafka_consumergroup_lag"
_DEADLINE_S = 60

Key = tuple[str, str, str]
"""Metric name, then what it is about: group or "", and ``topic/partition`` or topic."""

PLACES = tuple(
    (topic, partition) for topic in range(len(TOPICS)) for partition in range(PARTITIONS)
)


def first_end(topic: int, partition: int) -> int:
    """How many messages the partition holds at first."""
    return 20 + 3 * topic + partition


def first_commit(group: int, topic: int, partition: int) -> int:
    """What the group has committed for the partition at first; never more than it holds."""
    return (7 * group + topic + partition) % 20


def commits(group: int, turn: int) -> list[TopicPartition]:
    """Give all commits of a group after so many turns, each of which adds one to every offset."""
    return [
        TopicPartition(TOPICS[topic], partition, first_commit(group, topic, partition) + turn)
        for topic, partition in PLACES
    ]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was added to the first data: messages by place, and turns of commits by group."""

    messages: tuple[Counter, ...] = field(default_factory=lambda: tuple(Counter() for _ in PLACES))
    turns: tuple[Counter, ...] = field(default_factory=lambda: tuple(Counter() for _ in GROUPS))


def seed(properties: Mapping[str, str]) -> None:
    """Make the topics, the first messages and the first commits on an empty cluster.

    Args:
        properties: librdkafka properties to connect with.

    Raises:
        TimeoutError: a message or a commit is not taken in time.
    """
    admin = AdminClient({**properties})
    topics = [NewTopic(name, PARTITIONS, REPLICATION) for name in TOPICS]
    for created in admin.create_topics(topics).values():
        created.result(_DEADLINE_S)
    producer = Producer({**properties, "acks": "all"})
    for topic, partition in PLACES:
        for _ in range(first_end(topic, partition)):
            producer.produce(TOPICS[topic], b"x", partition=partition)
    if left := producer.flush(_DEADLINE_S):
        raise TimeoutError(f"{left} messages were not written in {_DEADLINE_S} s")
    for number, group in enumerate(GROUPS):
        commit_all(properties, group, commits(number, 0))


def truth(ledger: Ledger, since: float) -> dict[Key, Bounds]:
    """Give each sample of this data that an exporter may show, with what it may say.

    Args:
        ledger: what was written.
        since: the earliest time at which what is shown may have been read, on the monotonic clock.
    """
    ends = [
        _added(first_end(topic, partition), counter.seen_since(since))
        for (topic, partition), counter in zip(PLACES, ledger.messages, strict=True)
    ]
    turns = [counter.seen_since(since) for counter in ledger.turns]
    expected = dict(_of_partitions(ends))
    for number in range(len(GROUPS)):
        expected |= _of_group(number, turns[number], ends)
    return expected


def _added(first: int, more: Bounds) -> Bounds:
    return Bounds(first + more.least, first + more.most)


def _of_partitions(ends: Iterable[Bounds]) -> Iterator[tuple[Key, Bounds]]:
    one = Bounds(1, REPLICATION)  # leaders, and how many replicas are in sync, move in the drill
    for (topic, partition), end in zip(PLACES, ends, strict=True):
        at = f"{TOPICS[topic]}/{partition}"
        yield ("kafka_topic_partition_current_offset", "", at), end
        yield ("kafka_topic_partition_oldest_offset", "", at), Bounds(0, 0)
        yield ("kafka_topic_partition_replicas", "", at), Bounds(REPLICATION, REPLICATION)
        yield ("kafka_topic_partition_leader", "", at), one
        yield ("kafka_topic_partition_in_sync_replica", "", at), one
        yield ("kafka_topic_partition_leader_is_preferred", "", at), Bounds(0, 1)
        yield ("kafka_topic_partition_under_replicated_partition", "", at), Bounds(0, 1)
    for name in TOPICS:
        yield ("kafka_topic_partitions", "", name), Bounds(PARTITIONS, PARTITIONS)


def _of_group(number: int, turns: Bounds, ends: Iterable[Bounds]) -> dict[Key, Bounds]:
    group = GROUPS[number]
    expected = {("kafka_consumergroup_members", group, ""): Bounds(0, 0)}
    for (topic, partition), end in zip(PLACES, ends, strict=True):
        name = TOPICS[topic]
        commit = _added(first_commit(number, topic, partition), turns)
        lag = Bounds(max(0, end.least - commit.most), max(0, end.most - commit.least))
        for metric, value in (("kafka_consumergroup_current_offset", commit), (_LAG, lag)):
            expected[metric, group, f"{name}/{partition}"] = value
            so_far = expected.get((f"{metric}_sum", group, name), Bounds(0, 0))
            total = Bounds(so_far.least + value.least, so_far.most + value.most)
            expected[f"{metric}_sum", group, name] = total
    return expected


@dataclass(frozen=True, slots=True)
class Comparison:
    """A page beside the truth.

    ``present`` is the share of the expected lag series, ``wrong`` the samples that cannot be
    right, ``kafka`` how many samples tell anything about Kafka at all.
    """

    present: float
    wrong: tuple[str, ...]
    kafka: int


def compare(page: str, expected: Mapping[Key, Bounds]) -> Comparison:
    """Hold a page in text format against the truth.

    Wrong is a value out of its bounds, a sample about a topic or a group of the drill that
    should not be there at all, and one that is there twice.
    """
    kafka = 0
    seen: Tally[Key] = Tally()
    wrong: list[str] = []
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if not sample.name.startswith("kafka_") or sample.name.startswith("kafka_exporter_"):
                continue
            kafka += 1
            key = _key(sample.name, sample.labels)
            if not (key[1].startswith(_OURS) or key[2].startswith(_OURS)):
                continue
            seen[key] += 1
            wrong += _problems(key, sample.value, expected.get(key), seen[key])
    lags = sum(key[0] == _LAG and key in expected for key in seen)
    all_lags = sum(name == _LAG for name, _, _ in expected)
    return Comparison(lags / all_lags, tuple(wrong), kafka)


def _problems(key: Key, value: float, right: Bounds | None, times: int) -> Iterator[str]:
    told = f"{' '.join(filter(None, key))}: {value:g}"
    if right is None:
        yield f"{told}, which should not be there"
    elif not right.least <= value <= right.most:
        yield f"{told} instead of {right.least} to {right.most}"
    if times > 1:
        yield f"{told}, there for the {times}. time"


def _key(name: str, labels: Mapping[str, str]) -> Key:
    at = labels.get("topic", "")
    if "partition" in labels:
        at = f"{at}/{labels['partition']}"
    return name, labels.get("consumergroup", ""), at
