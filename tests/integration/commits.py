"""Commits for groups that have no members."""

from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.waiting import wait_until

_DEADLINE_S = 60


def commit(admin: AdminClient, group: str, topic: str, offsets: Mapping[int, int]) -> None:
    """Commit offsets on a PLAINTEXT cluster, as soon as the group's coordinator is ready.

    Args:
        admin: a client of the cluster.
        group: the group's id.
        topic: the topic's name.
        offsets: offset by partition.
    """
    brokers = admin.list_topics(timeout=10).brokers.values()
    servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    partitions = [TopicPartition(topic, p, offset) for p, offset in offsets.items()]
    commit_all({"bootstrap.servers": servers}, group, partitions)


def commit_all(
    properties: Mapping[str, str | int | float | bool],
    group: str,
    offsets: Sequence[TopicPartition],
    deadline_s: float = _DEADLINE_S,
) -> None:
    """Commit offsets of any topics, as soon as the group's coordinator is ready.

    Through a consumer that never joins: ``alter_consumer_group_offsets`` of librdkafka 2.16
    aborted the process when it was asked again after a coordinator was not available.

    Args:
        properties: librdkafka properties to connect with.
        group: the group's id.
        offsets: what to commit.
        deadline_s: seconds to try for.

    Raises:
        AssertionError: the deadline passed.
    """
    consumer = Consumer({**properties, "group.id": group, "enable.auto.commit": False})

    def committed() -> bool:
        try:
            told = consumer.commit(offsets=[*offsets], asynchronous=False)
        except KafkaException:
            return False
        return all(partition.error is None for partition in told)

    try:
        wait_until(committed, deadline_s, f"a commit of {group}")
    finally:
        consumer.close()
