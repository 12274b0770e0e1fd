"""Committed offsets: where each consumer group is in each partition, and since when."""

from collections.abc import Iterator

from kafkascope_exporter.lag import offset_sum
from kafkascope_exporter.metrics.family import Family
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.model import Snapshot


def families(snapshot: Snapshot, labels: Labels) -> Iterator[Family]:
    """Give ``…_current_offset{consumergroup="billing",partition="0",topic="orders"} 40``."""
    offsets: list[str] = []
    sums: list[str] = []
    for group in snapshot.groups.values():
        head = labels.group(group.id)
        for topic, commits in (group.commits or {}).items():
            tails = labels.partitions[topic]
            offsets += [
                f"kafka_consumergroup_current_offset{head}{tails[partition]}{offset}"
                for partition, offset in commits.items()
            ]
            total = offset_sum(commits)
            if total is not None:
                sums.append(
                    f"kafka_consumergroup_current_offset_sum{head}{labels.topics[topic]}{total}"
                )
    yield Family(
        "kafka_consumergroup_current_offset",
        "Offset that a consumer group has committed for a partition.",
        offsets,
    )
    yield Family(
        "kafka_consumergroup_current_offset_sum",
        "Sum of the offsets that a consumer group has committed for the partitions of a topic.",
        sums,
    )
    yield Family(
        "kafka_consumergroup_commit_moved_timestamp_seconds",
        "When an offset that a consumer group has committed for a topic was last seen to move.",
        list(_moved(snapshot, labels)),
    )


def _moved(snapshot: Snapshot, labels: Labels) -> Iterator[str]:
    name = "kafka_consumergroup_commit_moved_timestamp_seconds"
    for group in snapshot.groups.values():
        head = labels.group(group.id)
        moved = snapshot.commit_moved.get(group.id, {})
        for topic in group.commits or {}:
            if topic in moved:
                yield f"{name}{head}{labels.topics[topic]}{moved[topic]:.3f}"
