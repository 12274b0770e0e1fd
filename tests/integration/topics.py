"""Topics for tests: made, and known to every broker before a test goes on."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from tests.waiting import wait_until


def create_topic(
    admin: AdminClient,
    name: str,
    *,
    partitions: int = 1,
    replication: int = 1,
    config: Mapping[str, str] | None = None,
) -> str:
    """Create a topic and wait until all its partitions have a leader.

    Args:
        admin: A client of the cluster.
        name: The topic's name, returned.
        partitions: How many partitions.
        replication: Replicas of each partition.
        config: Topic configuration.
    """
    topic = NewTopic(
        name, num_partitions=partitions, replication_factor=replication, config=dict(config or {})
    )
    wait_until(lambda: is_created(admin, topic), 60, f"{name} to be made")
    wait_until(lambda: has_leaders(admin, name, partitions), 30, f"leaders for {name}")
    return name


def is_created(admin: AdminClient, topic: NewTopic) -> bool:
    """Create a topic; False when the connection ended meanwhile, as after a broker hung."""
    try:
        admin.create_topics([topic])[topic.topic].result(30)
    except KafkaException as error:
        code = error.args[0].code()
        if code in {KafkaError._DESTROY_BROKER, KafkaError._TRANSPORT}:
            return False
        if code != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    return True


def has_leaders(admin: AdminClient, name: str, partitions: int) -> bool:
    """Whether the cluster's metadata shows a leader for each of so many partitions."""
    found = admin.list_topics(name, timeout=10).topics[name].partitions.values()
    return len(found) == partitions and all(partition.leader >= 0 for partition in found)


def delete_topics(admin: AdminClient, names: list[str]) -> None:
    """Delete topics, asking again while the controller moves; one that is gone already is fine."""
    left = set(names)

    def deleted() -> bool:
        for name, future in admin.delete_topics(sorted(left)).items():
            try:
                future.result(60)
            except KafkaException as error:
                code = error.args[0].code()
                if code == KafkaError.NOT_CONTROLLER:
                    continue
                if code != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise
            left.discard(name)
        return not left

    if left:
        wait_until(deleted, 60, f"deletion of {', '.join(names)}")


def in_sync(admin: AdminClient, brokers: int) -> bool:
    """Whether so many brokers are there and every partition has a leader and all its replicas."""
    metadata = admin.list_topics(timeout=10)
    partitions = [
        partition for topic in metadata.topics.values() for partition in topic.partitions.values()
    ]
    return len(metadata.brokers) == brokers and all(
        partition.leader >= 0 and sorted(partition.isrs) == sorted(partition.replicas)
        for partition in partitions
    )
