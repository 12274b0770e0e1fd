"""Partitions: both ends of the log, the leader, and how well it is replicated.

A partition without a leader keeps all series but those of its leader and offsets.
"""

from collections.abc import Iterator

from kafkascope_exporter.metrics.family import Family
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.model import PartitionOffsets, Snapshot


def families(snapshot: Snapshot, labels: Labels) -> Iterator[Family]:
    """Give ``kafka_topic_partition_leader{partition="0",topic="orders"} 1`` and the like."""
    yield Family(
        "kafka_topic_partition_current_offset",
        "Log end offset of a partition: the high watermark, the offset of its next message.",
        _offsets("kafka_topic_partition_current_offset", snapshot.end, labels),
    )
    yield Family(
        "kafka_topic_partition_oldest_offset",
        "Log start offset of a partition: the offset of its oldest message.",
        _offsets("kafka_topic_partition_oldest_offset", snapshot.start, labels),
    )
    yield from _replication(snapshot, labels)
    yield _offline(snapshot, labels)
    yield _under_min_in_sync(snapshot, labels)


def _offsets(name: str, offsets: PartitionOffsets, labels: Labels) -> list[str]:
    head = name + labels.no_group
    return [
        f"{head}{tail}{known[partition]}"
        for topic, tails in labels.partitions.items()
        if (known := offsets.get(topic))
        for partition, tail in tails.items()
        if partition in known
    ]


def _replication(snapshot: Snapshot, labels: Labels) -> Iterator[Family]:
    start = labels.no_group
    partitions = [
        (partition, tail)
        for name, topic in snapshot.topology.topics.items()
        for partition, tail in zip(topic.partitions, labels.partitions[name].values(), strict=True)
    ]
    yield Family(
        "kafka_topic_partition_leader",
        "Broker id of the leader of a partition.",
        [
            f"kafka_topic_partition_leader{start}{tail}{p.leader}"
            for p, tail in partitions
            if p.leader is not None
        ],
    )
    yield Family(
        "kafka_topic_partition_replicas",
        "Replicas that a partition should have.",
        [f"kafka_topic_partition_replicas{start}{tail}{len(p.replicas)}" for p, tail in partitions],
    )
    yield Family(
        "kafka_topic_partition_in_sync_replica",
        "Replicas of a partition that are in sync with its leader.",
        [f"kafka_topic_partition_in_sync_replica{start}{t}{len(p.isr)}" for p, t in partitions],
    )
    yield Family(
        "kafka_topic_partition_leader_is_preferred",
        "1 if the leader of a partition is its preferred one, the first of its replicas, else 0.",
        [
            f"kafka_topic_partition_leader_is_preferred{start}{tail}"
            f"{1 if p.replicas[:1] == (p.leader,) else 0}"
            for p, tail in partitions
        ],
    )
    yield Family(
        "kafka_topic_partition_under_replicated_partition",
        "1 if a partition has fewer replicas in sync than replicas, else 0.",
        [
            f"kafka_topic_partition_under_replicated_partition{start}{tail}"
            f"{1 if len(p.isr) < len(p.replicas) else 0}"
            for p, tail in partitions
        ],
    )


def _offline(snapshot: Snapshot, labels: Labels) -> Family:
    start = labels.no_group
    return Family(
        "kafka_topic_partition_offline",
        "1 if a partition has no leader, so that it can be neither read nor written, else 0.",
        [
            f"kafka_topic_partition_offline{start}{tail}{1 if p.leader is None else 0}"
            for name, topic in snapshot.topology.topics.items()
            for p, tail in zip(topic.partitions, labels.partitions[name].values(), strict=True)
        ],
    )


def _under_min_in_sync(snapshot: Snapshot, labels: Labels) -> Family:
    start = labels.no_group
    return Family(
        "kafka_topic_partition_under_min_isr",
        "1 if a partition has fewer replicas in sync than min.insync.replicas, else 0.",
        [
            f"kafka_topic_partition_under_min_isr{start}{tail}{1 if len(p.isr) < least else 0}"
            for name, topic in snapshot.topology.topics.items()
            if (least := snapshot.min_in_sync.get(name)) is not None
            for p, tail in zip(topic.partitions, labels.partitions[name].values(), strict=True)
        ],
    )
