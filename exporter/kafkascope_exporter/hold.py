"""Values of an earlier cycle that stand in, for a bounded time, when a broker does not answer.

``--collect.hold`` is that time. A value may be served when the cycle that read it began at most
that long before the present one; after that it is absent. Pure bookkeeping: no clock, no Kafka.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from kafkascope_exporter.model import (
    BrokerId,
    Group,
    GroupId,
    PartitionId,
    TopicName,
    Topology,
)

_SLACK = 1.1  # cycles do not begin to the millisecond; a hold of one interval must span one

# Long enough for any coordinator to load its groups; after that a group whose former coordinator
# left the cluster counts as gone with it.
_FORGOTTEN_AFTER = 60.0

Key = TypeVar("Key")


@dataclass(slots=True)
class _Ages(Generic[Key]):
    """When each value that was kept was read: all at ``read_at``, but for ``held``."""

    seconds: float
    read_at: float = 0.0
    held: dict[Key, float] = field(default_factory=dict)

    def usable(self, key: Key, now: float) -> bool:
        return now - self.held.get(key, self.read_at) <= self.seconds * _SLACK

    def advance(self, keys: Iterable[Key], now: float) -> None:
        self.held = {key: self.held.get(key, self.read_at) for key in keys}
        self.read_at = now


class HeldOffsets:
    """Fills in partition offsets that could not be read this time.

    Args:
        seconds: how long a value may stand in; 0 holds nothing.
    """

    def __init__(self, seconds: float) -> None:
        self._ages: _Ages[tuple[TopicName, PartitionId]] = _Ages(seconds)
        self._offsets: Mapping[TopicName, Mapping[PartitionId, int]] = {}
        self._topology: Topology | None = None

    def fill(
        self,
        offsets: dict[TopicName, dict[PartitionId, int]],
        unanswered: Iterable[tuple[TopicName, PartitionId]],
        topology: Topology,
        now: float,
    ) -> int:
        """Put what may be held for ``unanswered`` into ``offsets``; return how many.

        A topic that was re-created since has no held values: its offsets began anew.
        """
        filled = []
        if self._ages.seconds > 0 and self._topology is not None:
            for topic, partition in unanswered:
                offset = self._offsets.get(topic, {}).get(partition)
                if (
                    offset is not None
                    and self._ages.usable((topic, partition), now)
                    and _same(topic, self._topology, topology)
                ):
                    offsets.setdefault(topic, {})[partition] = offset
                    filled.append((topic, partition))
        self._ages.advance(filled, now)
        self._offsets, self._topology = offsets, topology
        return len(filled)


def _same(topic: TopicName, before: Topology, now: Topology) -> bool:
    if before is now:
        return True
    old, new = before.topics.get(topic), now.topics.get(topic)
    return old is not None and new is not None and old.uuid == new.uuid


@dataclass(frozen=True, slots=True)
class UnreadGroups:
    """What a cycle could not read of the groups.

    A group that is in no list is gone when all brokers gave theirs and its former coordinator
    still is one of ``listed_by``. Else it may be with a coordinator that is silent or has yet to
    load it, and ``listed_by`` is empty when any broker gave no list.
    """

    listed_by: frozenset[BrokerId]
    commits: Collection[GroupId]
    members: Collection[GroupId]


@dataclass(frozen=True, slots=True)
class GroupsHeld:
    """How much of a cycle's groups an earlier cycle read, and how many are ``lost``.

    A lost group was there, is in no list, and is not known to be gone.
    """

    groups: int
    commits: int
    members: int
    lost: int


class HeldGroups:
    """Fills in groups, or their commits and members, that could not be read this time.

    A group has one age, that of its oldest part: one that is held in part now and whole in the
    next cycle is not held for longer than one that was held whole from the beginning.

    Args:
        seconds: how long a value may stand in; 0 holds nothing.
    """

    def __init__(self, seconds: float) -> None:
        self._ages: _Ages[GroupId] = _Ages(seconds)
        self._groups: Mapping[GroupId, Group] = {}
        self._lost: dict[GroupId, tuple[BrokerId, float]] = {}
        self._topology: Topology | None = None

    def fill(
        self,
        groups: dict[GroupId, Group],
        unread: UnreadGroups,
        topology: Topology,
        now: float,
    ) -> GroupsHeld:
        """Put what may be held into ``groups``, in place.

        Args:
            groups: this cycle's groups.
            unread: what the brokers did not tell of them.
            topology: this cycle's; commits on a topic that was re-created since are dropped.
            now: when this cycle began, in seconds of a clock that never jumps.
        """
        usable = {
            group.id: self._surviving(group, topology)
            for group in self._candidates(groups, unread)
            if self._ages.usable(group.id, now)
        }
        whole = [group for group in usable.values() if group.id not in groups]
        in_part = usable.keys() & groups.keys()
        commits = [g for g in unread.commits if g in in_part and usable[g].commits is not None]
        members = [g for g in unread.members if g in in_part and usable[g].members is not None]
        for group_id in commits:
            groups[group_id] = replace(groups[group_id], commits=usable[group_id].commits)
        for group_id in members:
            before = usable[group_id]
            groups[group_id] = replace(
                groups[group_id], members=before.members, assigned=before.assigned
            )
        groups.update((group.id, group) for group in whole)
        self._ages.advance([*(group.id for group in whole), *commits, *members], now)
        self._lost = self._still_lost(groups, unread, now)
        self._groups, self._topology = groups, topology
        return GroupsHeld(len(whole), len(commits), len(members), len(self._lost))

    def _still_lost(
        self, groups: Mapping[GroupId, Group], unread: UnreadGroups, now: float
    ) -> dict[GroupId, tuple[BrokerId, float]]:
        known = {group.id: (group.coordinator, now) for group in self._groups.values()}
        return {
            group_id: (coordinator, since)
            for group_id, (coordinator, since) in (known | self._lost).items()
            if group_id not in groups
            and coordinator not in unread.listed_by
            and now - since < _FORGOTTEN_AFTER
        }

    def _candidates(self, groups: Mapping[GroupId, Group], unread: UnreadGroups) -> Iterator[Group]:
        if self._ages.seconds <= 0:
            return
        in_part = {*unread.commits, *unread.members}
        for group in self._groups.values():
            lost = group.coordinator not in unread.listed_by and group.id not in groups
            if lost or group.id in in_part:
                yield group

    def _surviving(self, group: Group, topology: Topology) -> Group:
        if self._topology is None or self._topology is topology or group.commits is None:
            return group
        before = self._topology
        kept = {t: c for t, c in group.commits.items() if _same(t, before, topology)}
        return replace(group, commits=kept)
