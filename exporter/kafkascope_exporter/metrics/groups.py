"""Consumer groups: how many members each has, and its state."""

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
    yield Family(
        "kafka_consumergroup_state",
        "1 for the state that a consumer group is in, as its coordinator names it.",
        [
            f"kafka_consumergroup_state{labels.of(consumergroup=group.id, state=group.state)}1"
            for group in snapshot.groups.values()
            if group.state
        ],
    )
