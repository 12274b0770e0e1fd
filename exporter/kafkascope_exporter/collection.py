"""One collection cycle: ask the cluster everything under one deadline, build a `Snapshot`.

The order makes lag right: commits are read before end offsets, so that a commit is never ahead
of the end of its log by mere timing.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from kafkascope_exporter.commitmoves import CommitMoves
from kafkascope_exporter.config import Cluster, Collect
from kafkascope_exporter.hold import HeldGroups, HeldOffsets, UnreadGroups
from kafkascope_exporter.kafka.codes import UNSUPPORTED
from kafkascope_exporter.kafka.configs import MinInSyncReader
from kafkascope_exporter.kafka.groups import (
    SHARE,
    CommitsRead,
    GroupsListed,
    ListedGroup,
    list_groups,
    read_commits,
)
from kafkascope_exporter.kafka.listoffsets import EARLIEST, LATEST
from kafkascope_exporter.kafka.members import DESCRIBABLE, MembersRead, MembersReader
from kafkascope_exporter.kafka.metadata import MetadataReader
from kafkascope_exporter.kafka.offsets import (
    OffsetsRead,
    ask_again,
    every_partition,
    read_offsets,
    topics_gone,
)
from kafkascope_exporter.kafka.quorum import QuorumReader
from kafkascope_exporter.kafka.wire import ClusterUnreachableError, Wire
from kafkascope_exporter.model import (
    Controller,
    CycleReport,
    Failure,
    Group,
    GroupId,
    PartitionOffsets,
    Snapshot,
    TopicName,
    Topology,
)
from kafkascope_exporter.progress import Progress

# By which share of the cycle's time each phase has to be done, so that a broker that is silent
# in one phase leaves time for the others to answer in the next.
_BY_METADATA = 0.4
_BY_CLUSTER = 0.5
_BY_LIST = 0.55
_BY_COMMITS = 0.7
_BY_MEMBERS = 0.78
_CONTROLLER_S = 1.0  # controllers without a leader say nothing


class ClusterCollection:
    """Runs collection cycles against one cluster and remembers what the next one needs.

    Args:
        cluster: what to collect, and from where.
        collect: deadline and hold.
        connect: makes the connections; called again after they were given up.
        members: makes the reader of group members for those connections.
        quorum: reads the controller, over connections of its own.
    """

    def __init__(
        self,
        cluster: Cluster,
        collect: Collect,
        connect: Callable[[], Wire],
        members: Callable[[Wire], MembersReader],
        quorum: QuorumReader,
    ) -> None:
        self._cluster = cluster
        self._collect = collect
        self._wire = connect()
        self._metadata = MetadataReader(self._wire, cluster.topics)
        self._members = members(self._wire)
        self._quorum = quorum
        self._min_in_sync = MinInSyncReader(self._wire)
        self._moves = CommitMoves()
        self._end = HeldOffsets(collect.hold)
        self._start = HeldOffsets(collect.hold)
        self._groups = HeldGroups(collect.hold)
        self._snapshot: Snapshot | None = None
        self._lost = False

    def cycle(self) -> tuple[Snapshot | None, CycleReport]:
        """Collect once.

        Returns:
            The snapshot, or ``None`` while the cluster has never been reached; and how it went.
            When no broker gives metadata the snapshot keeps the time and the topology of the
            last one that had any, and of the rest what may be held.
        """
        progress = Progress.begin(self._collect.deadline)
        topology = self._read_topology(progress)
        if topology is not None:
            self._snapshot = self._collect_all(topology, progress)
        else:
            # Its client would go on to connect all the time, and to send a refused password.
            self._members.close()
            self._quorum.close()
            if self._snapshot is not None:
                self._snapshot = self._nothing_new(self._snapshot, progress)
        return self._snapshot, progress.report(
            self._snapshot, self._wire.take_requests(), self._collect.interval
        )

    def close(self) -> None:
        """Close all connections."""
        self._members.close()
        self._quorum.close()
        self._wire.close()

    def _read_topology(self, progress: Progress) -> Topology | None:
        with progress.phase("metadata"):
            deadline = progress.deadline(_BY_METADATA)
            try:
                self._wire.connect(deadline, again=self._lost)
            except ClusterUnreachableError as error:
                progress.failures.append(Failure("Connect", "", error.code))
                progress.unreachable = f"--kafka.server: {error}"
                # The next cycle tries the brokers that were known: the bootstrap servers may be
                # gone and they not. Those that were too old are looked at anew.
                self._lost = error.code == UNSUPPORTED
                return None
            topology, failures = self._metadata.read(deadline)
            progress.failures += failures
            self._lost = topology is None
            if topology is not None:
                self._wire.learn(topology.brokers, deadline)
            else:
                codes = ", ".join(sorted({failure.code for failure in failures}))
                progress.unreachable = f"no broker gives metadata: {self._wire.why() or codes}"
            return topology

    def _collect_all(self, topology: Topology, progress: Progress) -> Snapshot:
        with progress.phase("cluster"):
            controller, min_in_sync = self._read_cluster(topology, progress)
        with progress.phase("group_list"):
            listed = list_groups(
                self._wire, topology.brokers, self._cluster.groups, progress.deadline(_BY_LIST)
            )
        with progress.phase("group_offsets"):
            fetched = [g for g in listed.groups.values() if g.type != SHARE]
            commits = read_commits(self._wire, fetched, topology, progress.deadline(_BY_COMMITS))
        with progress.phase("group_members"):
            described = list(listed.groups.values())
            members = self._members.read(described, progress.deadline(_BY_MEMBERS))
        with progress.phase("offsets"):
            before, (topology, reads) = topology, self._read_offsets(topology, progress)
        with progress.phase("merge"):
            commits = _without(commits, topics_gone(before, topology))
            groups = self._merge_groups(listed, commits, members, topology, progress)
            end = self._merge_offsets("end_offset", self._end, reads[LATEST], topology, progress)
            start = self._merge_offsets(
                "start_offset", self._start, reads[EARLIEST], topology, progress
            )
        return Snapshot(
            taken_at=progress.started_at,
            topology=topology,
            end=end,
            start=start,
            groups=groups,
            min_in_sync=min_in_sync,
            controller=controller,
            commit_moved=self._moves.update(
                groups, progress.started_at, all_listed=not listed.silent
            ),
            missing=dict(progress.missing),
            held=dict(progress.held),
        )

    def _read_cluster(
        self, topology: Topology, progress: Progress
    ) -> tuple[Controller | None, Mapping[TopicName, int]]:
        """Read what is about the cluster as a whole, and changes seldom."""
        now, deadline = time.monotonic(), progress.deadline(_BY_CLUSTER)
        controller, failed = self._quorum.read(
            self._wire, topology.brokers, min(deadline, now + _CONTROLLER_S)
        )
        min_in_sync, failures = self._min_in_sync.read(topology, deadline, now)
        progress.failures += [*failed, *failures]
        return controller, min_in_sync

    def _nothing_new(self, last: Snapshot, progress: Progress) -> Snapshot:
        topology = last.topology
        silent = GroupsListed(silent=[broker.id for broker in topology.brokers])
        nothing = OffsetsRead({}, list(every_partition(topology)), [], [])
        nothing_either = OffsetsRead({}, nothing.unanswered, [], [])
        groups = self._merge_groups(silent, CommitsRead(), MembersRead(), topology, progress)
        return Snapshot(
            taken_at=last.taken_at,
            topology=topology,
            end=self._merge_offsets("end_offset", self._end, nothing, topology, progress),
            start=self._merge_offsets(
                "start_offset", self._start, nothing_either, topology, progress
            ),
            groups=groups,
            min_in_sync=last.min_in_sync,
            commit_moved=last.commit_moved,
            missing=dict(progress.missing),
            held=dict(progress.held),
        )

    def _read_offsets(
        self, topology: Topology, progress: Progress
    ) -> tuple[Topology, dict[int, OffsetsRead]]:
        """Read both ends of every log, and once more where the leader moved or the topic is new."""
        deadline = progress.deadline()
        partitions = list(every_partition(topology))
        wanted = {LATEST: partitions, EARLIEST: partitions}
        reads = read_offsets(self._wire, topology, wanted, deadline)
        if any(read.moved for read in reads.values()):
            again, failures = self._metadata.read(deadline)
            progress.failures += failures
            if again is not None:
                gone = topics_gone(topology, again)
                reads = {when: ask_again(read, gone, again) for when, read in reads.items()}
                moved = {when: read.moved for when, read in reads.items() if read.moved}
                for when, read in read_offsets(self._wire, again, moved, deadline).items():
                    _add(read, reads[when])
                topology = again
        return topology, reads

    def _merge_offsets(
        self,
        kind: str,
        held: HeldOffsets,
        read: OffsetsRead,
        topology: Topology,
        progress: Progress,
    ) -> PartitionOffsets:
        filled = held.fill(read.offsets, [*read.unanswered, *read.moved], topology, progress.began)
        told = {name: read.offsets[name] for name in topology.topics if read.offsets.get(name)}
        known = sum(map(len, told.values()))
        expected = sum(len(topic.partitions) for topic in topology.topics.values())
        progress.failures += read.failures
        progress.held[kind] = filled
        progress.missing[kind] = max(0, expected - known)
        return told

    def _merge_groups(
        self,
        listed: GroupsListed,
        commits: CommitsRead,
        members: MembersRead,
        topology: Topology,
        progress: Progress,
    ) -> dict[GroupId, Group]:
        groups = {group.id: _group(group, commits, members) for group in listed.groups.values()}
        listed_by = () if listed.silent else (broker.id for broker in topology.brokers)
        unread = UnreadGroups(frozenset(listed_by), commits.unanswered, members.unanswered)
        held = self._groups.fill(groups, unread, topology, progress.began)
        progress.failures += [*listed.failures, *commits.failures, *members.failures]
        progress.held.update(
            group=held.groups, group_offsets=held.commits, group_members=held.members
        )
        progress.missing.update(
            group_list=len(listed.silent),
            group=held.lost,
            group_offsets=sum(g.commits is None and g.type != SHARE for g in groups.values()),
            group_members=sum(g.members is None and g.type in DESCRIBABLE for g in groups.values()),
        )
        return groups


def _add(again: OffsetsRead, read: OffsetsRead) -> None:
    """Put what was read of moved partitions the second time into the first read."""
    for topic, offsets in again.offsets.items():
        read.offsets.setdefault(topic, {}).update(offsets)
    read.unanswered.extend(again.unanswered)
    read.moved[:] = again.moved
    read.failures.extend(again.failures)


def _without(read: CommitsRead, gone: Collection[TopicName]) -> CommitsRead:
    """Drop the commits on topics that were deleted after these were read."""
    if not gone:
        return read
    kept = {
        group: {topic: offsets for topic, offsets in commits.items() if topic not in gone}
        for group, commits in read.commits.items()
    }
    return replace(read, commits=kept)


def _group(listed: ListedGroup, commits: CommitsRead, members: MembersRead) -> Group:
    membership = members.groups.get(listed.id)
    return Group(
        id=listed.id,
        coordinator=listed.coordinator,
        state=listed.state,
        type=listed.type,
        protocol_type=listed.protocol_type,
        members=membership.count if membership else None,
        commits=commits.commits.get(listed.id),
        assigned=membership.assigned if membership else None,
    )
