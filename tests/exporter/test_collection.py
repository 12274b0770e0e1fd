"""A collection cycle as a whole: its order, and what a broker's misbehaviour costs."""

from collections.abc import Sequence
from uuid import UUID

from confluent_kafka.admin import AdminClient

from kafkascope_exporter.collection import ClusterCollection
from kafkascope_exporter.config import Cluster, Collect
from kafkascope_exporter.kafka.members import MembersReader
from kafkascope_exporter.kafka.quorum import QuorumReader
from kafkascope_exporter.kafka.wire import Wire
from kafkascope_exporter.model import Broker, Controller, CycleReport, Failure, Snapshot
from tests.exporter.kafka.fakecluster import FakeCluster


def _no_admin() -> AdminClient:
    raise AssertionError("no group of the new protocol is there")


def _members(wire: Wire) -> MembersReader:
    return MembersReader(wire, _no_admin, assignments=False)


class _Quorum(QuorumReader):
    """Controller 3 leads."""

    def __init__(self) -> None:
        super().__init__(FakeCluster)
        self.closed = 0

    def read(
        self,
        told_by: Wire,  # noqa: ARG002 - as `QuorumReader` has it
        brokers: Sequence[Broker],  # noqa: ARG002 - as `QuorumReader` has it
        deadline: float,  # noqa: ARG002 - as `QuorumReader` has it
    ) -> tuple[Controller | None, list[Failure]]:
        """Say so."""
        return Controller(3, 7), []

    def close(self) -> None:
        """Count it."""
        self.closed += 1


def collection(cluster: FakeCluster, hold: float = 60) -> ClusterCollection:
    """A collection of that cluster."""
    collect = Collect(interval=15, deadline=10, hold=hold)
    return ClusterCollection(Cluster(), collect, lambda: cluster, _members, _Quorum())


def cycle(collecting: ClusterCollection) -> tuple[Snapshot, CycleReport]:
    """Run a cycle that gives a snapshot."""
    snapshot, report = collecting.cycle()
    assert snapshot is not None
    return snapshot, report


def test_commits_are_read_before_the_ends_of_the_logs() -> None:
    """So that no commit is ahead of its log by mere timing."""
    cluster = FakeCluster(1, 2, 3)
    snapshot, report = cycle(collection(cluster))
    asked = list(dict.fromkeys(call.api for call in cluster.calls))
    assert asked == [
        "Metadata",
        "DescribeConfigs",
        "ListGroups",
        "OffsetFetch",
        "DescribeGroups",
        "ListOffsets",
    ]
    assert (snapshot.controller, snapshot.min_in_sync) == (Controller(3, 7), {"orders": 2})
    assert snapshot.end == {"orders": {0: 9, 1: 9, 2: 9}}
    assert snapshot.start == {"orders": {0: 0, 1: 0, 2: 0}}
    assert snapshot.groups["billing"].commits == {"orders": {0: 5, 1: 5, 2: 5}}
    assert snapshot.groups["billing"].members == 1
    assert report.succeeded
    assert report.failures == ()
    assert report.sizes == {"brokers": 3, "topics": 1, "partitions": 3, "groups": 1}


def test_a_leader_that_moved_within_the_cycle_is_found_in_it() -> None:
    """Metadata are read once more, and only what had moved is asked for again."""
    cluster = FakeCluster(1, 2, 3)
    cluster.claimed = [1, 2, 2]
    snapshot, report = cycle(collection(cluster))
    assert snapshot.end == {"orders": {0: 9, 1: 9, 2: 9}}
    assert snapshot.topology.topics["orders"].partitions[2].leader == 3
    asked = [c.request.partitions for c in cluster.calls if c.api == "ListOffsets"]
    assert asked[-2:] == [{"orders": [2]}, {"orders": [2]}]
    assert report.missing["end_offset"] == 0
    assert report.failures == (Failure("ListOffsets", "2", "NOT_LEADER_FOR_PARTITION", 2),)


def test_a_frozen_broker_costs_its_own_partitions_and_groups() -> None:
    """They are absent and counted; the others are fresh."""
    cluster = FakeCluster(1, 2, 3)
    cluster.frozen = {1}
    snapshot, report = cycle(collection(cluster))
    assert snapshot.end == {"orders": {1: 9, 2: 9}}
    assert snapshot.groups == {}
    assert report.succeeded
    assert {kind: n for kind, n in report.missing.items() if n} == {
        "end_offset": 1,
        "start_offset": 1,
        "group_list": 1,
    }


def test_what_a_frozen_broker_told_before_is_held() -> None:
    """And counted as held, not as missing."""
    cluster = FakeCluster(1, 2, 3)
    collecting = collection(cluster)
    full, _ = cycle(collecting)
    cluster.frozen = {1}
    held, report = cycle(collecting)
    assert (held.end, held.start, held.groups) == (full.end, full.start, full.groups)
    assert report.held == {
        "end_offset": 1,
        "start_offset": 1,
        "group": 1,
        "group_offsets": 0,
        "group_members": 0,
    }


def test_without_any_metadata_the_snapshot_stays_as_old_as_it_is() -> None:
    """What may be held stands in; the report says that nothing succeeded, and why."""
    cluster = FakeCluster(1, 2, 3)
    collecting = collection(cluster)
    full, _ = cycle(collecting)
    cluster.frozen = {1, 2, 3}
    held, report = cycle(collecting)
    assert held.taken_at == full.taken_at
    assert (held.end, held.groups) == (full.end, full.groups)
    assert not report.succeeded
    assert report.unreachable == "no broker gives metadata: TIMED_OUT"


def test_without_any_metadata_the_client_for_members_is_let_go() -> None:
    """It would try to connect all the time, and send a refused password more than once a second."""
    cluster = FakeCluster(1, 2, 3)
    closed: list[bool] = []

    class Members(MembersReader):
        def close(self) -> None:
            closed.append(True)

    collect = Collect(interval=15, deadline=10)
    collecting = ClusterCollection(
        Cluster(),
        collect,
        lambda: cluster,
        lambda w: Members(w, _no_admin, assignments=False),
        quorum := _Quorum(),
    )
    cycle(collecting)
    assert (closed, quorum.closed) == ([], 0)
    cluster.frozen = {1, 2, 3}
    snapshot, _ = cycle(collecting)
    assert (closed, quorum.closed) == ([True], 1)
    assert (snapshot.controller, snapshot.min_in_sync) == (None, {"orders": 2})


def test_without_metadata_and_hold_nothing_is_left_but_the_topology() -> None:
    """No value is shown that nobody told."""
    cluster = FakeCluster(1, 2, 3)
    collecting = collection(cluster, hold=0)
    cycle(collecting)
    cluster.frozen = {1, 2, 3}
    bare, report = cycle(collecting)
    assert (bare.end, bare.start, bare.groups) == ({}, {}, {})
    assert bare.topology.topics.keys() == {"orders"}
    assert report.missing["end_offset"] == 3


def test_a_cluster_that_was_never_reached_has_no_snapshot() -> None:
    """The reason names the flag."""
    cluster = FakeCluster(1)
    cluster.away = True
    snapshot, report = collection(cluster).cycle()
    assert snapshot is None
    assert not report.succeeded
    assert report.unreachable == "--kafka.server: kafka:9092: Connection refused"
    assert report.failures == (Failure("Connect", "", "NETWORK_EXCEPTION"),)


def test_known_brokers_and_bootstrap_servers_are_tried_in_turns() -> None:
    """Either may have been replaced by the time the cluster is back."""
    cluster = FakeCluster(1, 2, 3)
    collecting = collection(cluster)
    cycle(collecting)
    cluster.frozen, cluster.away = {1, 2, 3}, True
    for _ in range(4):
        cycle(collecting)
    assert cluster.begun == [False, False, True, False, True]
    cluster.frozen, cluster.away = set(), False
    _, report = cycle(collecting)
    assert report.succeeded


def test_a_topic_that_was_created_anew_has_no_held_offsets() -> None:
    """Its log began anew: what the old one had is no value of the new one."""
    cluster = FakeCluster(1, 2, 3)
    collecting = collection(cluster)
    cycle(collecting)
    cluster.uuid = UUID(int=2)
    cluster.frozen = {1}
    snapshot, _ = cycle(collecting)
    assert snapshot.end == {"orders": {1: 9, 2: 9}}
    assert snapshot.groups["billing"].commits == {}


def test_a_topic_created_anew_within_a_cycle_is_read_anew() -> None:
    """Neither offsets nor commits of the old log are told of the new one."""
    cluster = FakeCluster(1, 2, 3)
    cluster.claimed = [1, 2, 2]
    cluster.born_again = UUID(int=2)
    snapshot, report = cycle(collection(cluster))
    assert snapshot.topology.topics["orders"].uuid == UUID(int=2)
    assert snapshot.groups["billing"].commits == {}
    asked = [c.request.partitions for c in cluster.calls if c.api == "ListOffsets"]
    assert asked.count({"orders": [0]}) == 4, "both ends of the old log and of the new one"
    assert snapshot.end == {"orders": {0: 9, 1: 9, 2: 9}}
    assert report.missing["end_offset"] == 0


def test_no_offsets_are_asked_for_of_a_share_group() -> None:
    """It has none that OffsetFetch knows; it is listed all the same."""
    cluster = FakeCluster(1, 2, 3)
    cluster.type = "Share"
    snapshot, report = cycle(collection(cluster))
    assert snapshot.groups["billing"].commits is None
    assert "OffsetFetch" not in {call.api for call in cluster.calls}
    assert report.missing["group_offsets"] == 0
    assert report.missing["group_members"] == 0


def test_closing_lets_go_of_the_connections() -> None:
    """All of them."""
    cluster = FakeCluster(1)
    collection(cluster).close()
    assert cluster.closed
