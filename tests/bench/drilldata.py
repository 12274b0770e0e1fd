"""The drill's data: topics, messages and commits of which every number is known beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import wait_until

TOPICS = tuple(f"drill-{number}" for number in range(6))
PARTITIONS = 6
GROUPS = tuple(f"drill-group-{number:02}" for number in range(30))
REPLICATION = 3
_DEADLINE_S = 60

Key = tuple[str, str, str]
"""Metric name, then what it is about: group or "", and ``topic/partition`` or topic."""


def end_offset(topic: int, partition: int) -> int:
    """How many messages the partition holds."""
    return 20 + 3 * topic + partition


def committed(group: int, topic: int, partition: int) -> int:
    """What the group has committed for the partition; never more than the partition holds."""
    return (7 * group + topic + partition) % 20


def seed(properties: Mapping[str, str]) -> None:
    """Make the topics, the messages and the commits on an empty cluster.

    Args:
        properties: librdkafka properties to connect with.
    """
    admin = AdminClient({**properties})
    topics = [NewTopic(name, PARTITIONS, REPLICATION) for name in TOPICS]
    for created in admin.create_topics(topics).values():
        created.result(_DEADLINE_S)
    producer = Producer({**properties, "acks": "all"})
    for number, name in enumerate(TOPICS):
        for partition in range(PARTITIONS):
            for _ in range(end_offset(number, partition)):
                producer.produce(name, b"x", partition=partition)
    producer.flush(_DEADLINE_S)
    for number, group in enumerate(GROUPS):
        offsets = [
            TopicPartition(name, partition, committed(number, topic, partition))
            for topic, name in enumerate(TOPICS)
            for partition in range(PARTITIONS)
        ]
        request = [ConsumerGroupTopicPartitions(group, offsets)]
        wait_until(partial(_commit, admin, request), _DEADLINE_S, f"commits of {group}")


def _commit(admin: AdminClient, request: list[ConsumerGroupTopicPartitions]) -> bool:
    """Commit; False when a coordinator was not ready for a partition."""
    (altered,) = admin.alter_consumer_group_offsets(request).values()
    told: ConsumerGroupTopicPartitions = altered.result(_DEADLINE_S)
    return all(partition.error is None for partition in told.topic_partitions or ())


def truth() -> dict[Key, int]:
    """Every sample that the exporter should show of this data, with its only right value."""
    expected: dict[Key, int] = {}
    for topic, name in enumerate(TOPICS):
        for partition in range(PARTITIONS):
            at = f"{name}/{partition}"
            end = end_offset(topic, partition)
            expected["kafka_topic_partition_current_offset", "", at] = end
            expected["kafka_topic_partition_oldest_offset", "", at] = 0
            expected["kafka_topic_partition_replicas", "", at] = REPLICATION
            for number, group in enumerate(GROUPS):
                offset = committed(number, topic, partition)
                expected["kafka_consumergroup_current_offset", group, at] = offset
                expected["kafka_consumergroup_lag", group, at] = end - offset
        for number, group in enumerate(GROUPS):
            offsets = [committed(number, topic, p) for p in range(PARTITIONS)]
            ends = [end_offset(topic, p) for p in range(PARTITIONS)]
            expected["kafka_consumergroup_current_offset_sum", group, name] = sum(offsets)
            expected["kafka_consumergroup_lag_sum", group, name] = sum(ends) - sum(offsets)
    for group in GROUPS:
        expected["kafka_consumergroup_members", group, ""] = 0
    return expected


@dataclass(frozen=True, slots=True)
class Comparison:
    """A page beside the truth.

    ``present`` is the share of the expected lag series, ``wrong`` the samples with another value
    than the right one, ``kafka`` how many samples tell anything about Kafka at all.
    """

    present: float
    wrong: tuple[str, ...]
    kafka: int


def compare(page: str, expected: Mapping[Key, int]) -> Comparison:
    """Hold a page in text format against the truth."""
    lags, kafka = 0, 0
    wrong = []
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name.startswith("kafka_") and not sample.name.startswith("kafka_exporter_"):
                kafka += 1
            key = _key(sample.name, sample.labels)
            right = expected.get(key)
            if right is None:
                continue
            lags += sample.name == "kafka_consumergroup_lag"
            if sample.value != right:
                wrong.append(f"{' '.join(key)}: {sample.value:g} instead of {right}")
    all_lags = sum(name == "kafka_consumergroup_lag" for name, _, _ in expected)
    return Comparison(lags / all_lags, tuple(wrong), kafka)


def _key(name: str, labels: Mapping[str, str]) -> Key:
    at = labels.get("topic", "")
    if "partition" in labels:
        at = f"{at}/{labels['partition']}"
    return name, labels.get("consumergroup", ""), at
