"""When groups' commits were last seen to move: what tells a stuck group from one that works.

Pure bookkeeping: no clock, no Kafka.
"""

from collections.abc import Mapping

from kafkascope_exporter.model import Group, GroupId, PartitionId, TopicName

_Seen = tuple[Mapping[PartitionId, int], float]


class CommitMoves:
    """Remembers the commits of each group and topic, and since when they are as they are."""

    def __init__(self) -> None:
        self._seen: dict[GroupId, dict[TopicName, _Seen]] = {}

    def update(
        self, groups: Mapping[GroupId, Group], now: float, *, all_listed: bool
    ) -> Mapping[GroupId, Mapping[TopicName, float]]:
        """Take the groups of a cycle, and give when each one's commits on a topic last moved.

        Commits that were never seen to move have the time when they were first seen: they have not
        moved since at least then. A group whose commits were not read keeps its times.

        Args:
            groups: of the cycle.
            now: Unix seconds.
            all_listed: whether groups that are not here are gone, and to be forgotten.

        Returns:
            Unix seconds by group and topic.
        """
        told = {name: self._of(group, now) for name, group in groups.items()}
        self._seen = told if all_listed else {**self._seen, **told}
        return {
            name: {topic: since for topic, (_, since) in topics.items()}
            for name, topics in told.items()
        }

    def _of(self, group: Group, now: float) -> dict[TopicName, _Seen]:
        before = self._seen.get(group.id, {})
        if group.commits is None:
            return before
        return {
            topic: seen
            if (seen := before.get(topic)) is not None and seen[0] == commits
            else (commits, now)
            for topic, commits in group.commits.items()
        }
