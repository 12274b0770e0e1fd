"""Snapshots of small clusters in known states, for tests.

All are of one cluster: brokers 1 to 3, topics ``orders`` (three partitions) and ``payments`` (one),
each partition with three replicas, and the groups that `healthy` describes.
"""

from dataclasses import replace

from kafkascope_exporter.model import (
    HELD_KINDS,
    MISSING_KINDS,
    Broker,
    Controller,
    CycleReport,
    Failure,
    Group,
    Partition,
    Snapshot,
    Topic,
    Topology,
)

TAKEN_AT = 1_800_000_000.0
HOSTILE_GROUP = 'say "hi" \\ to <b>日本</b>\nbye'

_RACKS = {1: "a", 2: "b", 3: "c"}


def healthy() -> Snapshot:
    """Everything was read.

    ``billing`` has two members, committed all of ``orders`` and lags by 2 + 0 + 10. ``audit`` is
    empty, committed partition 1 of ``orders`` and ``payments``, and is at the end of both.
    `HOSTILE_GROUP` has a member and a commit on ``payments``. ``min.insync.replicas`` of ``orders``
    is 2, that of ``payments`` is not known. Controller 2 leads.
    """
    return Snapshot(
        taken_at=TAKEN_AT,
        topology=topology(),
        end={"orders": {0: 42, 1: 17, 2: 30}, "payments": {0: 1_000_000_007}},
        start={"orders": {0: 0, 1: 5, 2: 0}, "payments": {0: 1_000_000_000}},
        groups=_groups(
            group("billing", members=2, commits={"orders": {0: 40, 1: 17, 2: 20}}),
            group("audit", members=0, commits={"orders": {1: 17}, "payments": {0: 1_000_000_007}}),
            group(HOSTILE_GROUP, members=1, commits={"payments": {0: 1_000_000_000}}),
        ),
        min_in_sync={"orders": 2},
        controller=Controller(2, 7),
        commit_moved={
            "billing": {"orders": TAKEN_AT - 4},
            "audit": {"orders": TAKEN_AT - 3600, "payments": TAKEN_AT - 3600.25},
            HOSTILE_GROUP: {"payments": TAKEN_AT},
        },
        missing=dict.fromkeys(MISSING_KINDS, 0),
        held=dict.fromkeys(HELD_KINDS, 0),
    )


def under_replicated() -> Snapshot:
    """Broker 3 is gone: leaders moved to the next replica, and every ISR lacks it."""
    snapshot = healthy()
    topics = {
        name: replace(topic, partitions=tuple(map(_without_broker_3, topic.partitions)))
        for name, topic in snapshot.topology.topics.items()
    }
    brokers = tuple(b for b in snapshot.topology.brokers if b.id != 3)
    return replace(snapshot, topology=replace(snapshot.topology, brokers=brokers, topics=topics))


def leaderless() -> Snapshot:
    """Partition 1 of ``orders`` has no leader, so its offsets are unknown."""
    snapshot = healthy()
    orders = snapshot.topology.topics["orders"]
    zero, one, two = orders.partitions
    offline = replace(orders, partitions=(zero, replace(one, leader=None, isr=(3,)), two))
    return replace(
        snapshot,
        topology=replace(snapshot.topology, topics={**snapshot.topology.topics, "orders": offline}),
        end={**snapshot.end, "orders": {0: 42, 2: 30}},
        start={**snapshot.start, "orders": {0: 0, 2: 0}},
        missing={**snapshot.missing, "end_offset": 1, "start_offset": 1},
    )


def group_without_commits() -> Snapshot:
    """The only group has members and has committed nothing."""
    return replace(healthy(), groups=_groups(group("newcomer", members=1, commits={})))


def partial_failure() -> Snapshot:
    """Broker 2 is silent.

    The offsets of partition 1 of ``orders``, which it leads, are unknown, and so are the members
    of ``billing`` and the commits of ``audit``, which it coordinates. The commits of ``billing``
    are held from an earlier cycle.
    """
    snapshot = healthy()
    billing = replace(snapshot.groups["billing"], members=None)
    audit = replace(snapshot.groups["audit"], commits=None)
    return replace(
        snapshot,
        end={**snapshot.end, "orders": {0: 42, 2: 30}},
        start={**snapshot.start, "orders": {0: 0, 2: 0}},
        groups={**snapshot.groups, "billing": billing, "audit": audit},
        missing={
            "end_offset": 1,
            "start_offset": 1,
            "group_list": 1,
            "group": 1,
            "group_offsets": 1,
            "group_members": 1,
        },
        held={**snapshot.held, "group_offsets": 1},
    )


def topology() -> Topology:
    """Three brokers in racks; the leader of each partition is its first replica."""
    return Topology(
        cluster_id="kafkascope-test-cluster",
        brokers=tuple(
            Broker(id=id_, host=f"kafka-{id_}.example", port=9092, rack=rack)
            for id_, rack in _RACKS.items()
        ),
        topics={
            "orders": Topic("orders", (_partition(0, 1), _partition(1, 2), _partition(2, 3))),
            "payments": Topic("payments", (_partition(0, 3),)),
        },
    )


def group(id_: str, *, members: int | None, commits: dict[str, dict[int, int]] | None) -> Group:
    """Make a classic consumer group of coordinator 2."""
    return Group(
        id=id_,
        coordinator=2,
        state="Stable" if members else "Empty",
        type="classic",
        protocol_type="consumer",
        members=members,
        commits=commits,
    )


def report(snapshot: Snapshot | None, failures: tuple[Failure, ...] = ()) -> CycleReport:
    """Make the report of a cycle of 0.25 s that gave ``snapshot``, or failed to give one."""
    return CycleReport(
        started_at=TAKEN_AT,
        duration=0.25,
        succeeded=snapshot is not None,
        overran=False,
        durations={"metadata": 0.05, "group_list": 0.02, "group_offsets": 0.08, "offsets": 0.1},
        cpu={"metadata": 0.03, "group_list": 0.01, "group_offsets": 0.05, "offsets": 0.06},
        requests={("Metadata", "1"): 1, ("ListOffsets", "1"): 2, ("ListOffsets", "2"): 2},
        failures=failures,
        missing=snapshot.missing if snapshot else {},
        held=snapshot.held if snapshot else {},
    )


def _partition(id_: int, leader: int) -> Partition:
    replicas = (leader, leader % 3 + 1, (leader + 1) % 3 + 1)
    return Partition(id=id_, leader=leader, replicas=replicas, isr=replicas)


def _without_broker_3(partition: Partition) -> Partition:
    isr = tuple(broker for broker in partition.isr if broker != 3)
    return replace(partition, isr=isr, leader=isr[0])


def _groups(*groups: Group) -> dict[str, Group]:
    return {group.id: group for group in groups}
