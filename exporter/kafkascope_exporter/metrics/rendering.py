"""What of a snapshot is shown, and with which labels: the settings that concern the page."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kafkascope_exporter.config import Cluster, Metrics
from kafkascope_exporter.lag import UNCOMMITTED
from kafkascope_exporter.model import (
    Group,
    PartitionId,
    PartitionOffsets,
    Snapshot,
    TopicName,
)

_NONE: frozenset[PartitionId] = frozenset()


@dataclass(frozen=True, slots=True)
class Rendering:
    """The settings of one cluster's page.

    Args:
        constant_labels: what every Kafka series carries beside its own labels.
        show_all_offsets: show all commits; else only those on partitions assigned to a member.
        sentinel: show `UNCOMMITTED` for a partition without a commit when another partition of
            the topic has one; else show nothing for it.
    """

    constant_labels: Mapping[str, str] = field(default_factory=dict)
    show_all_offsets: bool = True
    sentinel: bool = False

    @classmethod
    def of(cls, cluster: Cluster, metrics: Metrics) -> "Rendering":
        """Take the settings that concern the page."""
        return cls(
            constant_labels=cluster.labels,
            show_all_offsets=cluster.show_all_offsets,
            sentinel=metrics.uncommitted == "sentinel",
        )

    def shown(self, snapshot: Snapshot) -> Snapshot:
        """Give ``snapshot`` with the commits that are shown.

        They are on partitions that the topology has, and no topic is without a commit. A group
        whose assignments are wanted (``show_all_offsets`` off) and unknown shows no commits.
        """
        existing = {
            topic.name: frozenset(partition.id for partition in topic.partitions)
            for topic in snapshot.topology.topics.values()
        }
        groups = {
            group.id: replace(group, commits=self._commits(group, group.commits, existing))
            for group in snapshot.groups.values()
            if group.commits is not None
        }
        return replace(snapshot, groups={**snapshot.groups, **groups})

    def _commits(
        self,
        group: Group,
        commits: PartitionOffsets,
        existing: Mapping[TopicName, frozenset[PartitionId]],
    ) -> PartitionOffsets:
        shown = {}
        for topic, offsets in commits.items():
            wanted = existing.get(topic, _NONE)
            if not self.show_all_offsets:
                wanted &= (group.assigned or {}).get(topic, _NONE)
            of_topic = self._of_topic(offsets, wanted)
            if of_topic:
                shown[topic] = of_topic
        return shown

    def _of_topic(
        self, offsets: Mapping[PartitionId, int], wanted: frozenset[PartitionId]
    ) -> Mapping[PartitionId, int]:
        if not offsets.keys() <= wanted:
            offsets = {p: offset for p, offset in offsets.items() if p in wanted}
        if self.sentinel and offsets and len(offsets) < len(wanted):
            return {p: offsets.get(p, UNCOMMITTED) for p in sorted(wanted)}
        return offsets
