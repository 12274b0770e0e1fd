"""Consumer groups: how many members each has."""

from collections.abc import Iterator

from kafkascope_exporter.metrics.family import Family
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.model import Snapshot


def families(snapshot: Snapshot, labels: Labels) -> Iterator[Family]:
    """Give ``kafka_consumergroup_members{consumergroup="billing"} 2``."""
    yield Family(
        "kafka_consumergroup_members",
        "Members of a consumer group.",
        [
            f"kafka_consumergroup_members{labels.of(consumergroup=group.id)}{group.members}"
            for group in snapshot.groups.values()
            if group.members is not None
        ],
    )
