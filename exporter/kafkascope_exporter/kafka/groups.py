"""Which groups are there, and what have they committed?

Sources: ListGroups of each broker for the groups that it coordinates (KIP-518 gives their state,
KIP-848 their type), and OffsetFetch for many groups at once (KIP-709, Kafka 3.0; one group per
request before that).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka.protocol.admin import ListGroupsRequest
from kafka.protocol.consumer import OffsetFetchRequest
from kafka.protocol.metadata import FindCoordinatorRequest

from kafkascope_exporter.config import Filter
from kafkascope_exporter.kafka.codes import error_name
from kafkascope_exporter.kafka.wire import Answer, Call, Wire
from kafkascope_exporter.model import (
    Broker,
    BrokerId,
    Failure,
    GroupId,
    PartitionId,
    TopicName,
    Topology,
)

GROUPS_PER_REQUEST = 200
_MANY_GROUPS = 8
_ALL_PARTITIONS = 2
_NEWEST_FETCH = 9
_BATCHED_LOOKUP = 4
_SMALL_REQUEST_LANES = 16
COORDINATOR_MOVED = frozenset(
    {"NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS"}
)

CLASSIC = "classic"
CONSUMER = "consumer"
SHARE = "share"

Commits = dict[TopicName, dict[PartitionId, int]]


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group as its coordinator lists it; ``state`` is empty when the broker is older than 2.6."""

    id: GroupId
    coordinator: BrokerId
    state: str
    type: str
    protocol_type: str


@dataclass(frozen=True, slots=True)
class GroupsListed:
    """The groups that pass the filter, and the brokers that gave no list."""

    groups: dict[GroupId, ListedGroup] = field(default_factory=dict)
    silent: list[BrokerId] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CommitsRead:
    """The commits of each group that was told; ``unanswered`` are those of silent coordinators."""

    commits: dict[GroupId, Commits] = field(default_factory=dict)
    unanswered: list[GroupId] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def list_groups(
    wire: Wire, brokers: Sequence[Broker], groups: Filter, deadline: float
) -> GroupsListed:
    """Ask every broker for the groups that it coordinates.

    A group that two brokers list, as happens while its coordinator moves, is taken from the one
    that says more than ``Dead`` of it, else from the first.
    """
    calls = [Call("ListGroups", b.id, ListGroupsRequest(min_version=0)) for b in brokers]
    listed = GroupsListed()
    for answer in wire.ask(calls, deadline):
        code = answer.code or error_name(answer.response.error_code)
        if code:
            listed.silent.append(answer.call.broker)
            listed.failures.append(Failure("ListGroups", str(answer.call.broker), code))
            continue
        for told in answer.response.groups:
            group = _listed(told, answer.call.broker)
            known = listed.groups.get(group.id)
            if (known is None or known.state == "Dead") and groups.passes(group.id):
                listed.groups[group.id] = group
    return listed


def _listed(told: Any, broker: BrokerId) -> ListedGroup:  # noqa: ANN401 - kafka-python is untyped
    return ListedGroup(
        id=told.group_id,
        coordinator=broker,
        state=told.group_state or "",
        type=(told.group_type or CLASSIC).lower(),
        protocol_type=told.protocol_type or "",
    )


def read_commits(
    wire: Wire, groups: Iterable[ListedGroup], topology: Topology, deadline: float
) -> CommitsRead:
    """Fetch all committed offsets of ``groups`` on the topics of ``topology``.

    A group whose coordinator has just moved is looked up and asked for again once.
    """
    read = CommitsRead()
    moved = _fetch(wire, {g.id: g.coordinator for g in groups}, topology, read, deadline)
    if moved:
        found = find_coordinators(wire, moved, topology.brokers, deadline)
        still = _fetch(wire, found, topology, read, deadline)
        read.unanswered.extend(still | (moved - found.keys()))
    return read


def _fetch(
    wire: Wire,
    coordinators: Mapping[GroupId, BrokerId],
    topology: Topology,
    read: CommitsRead,
    deadline: float,
) -> set[GroupId]:
    many = {
        broker: wire.supports(OffsetFetchRequest, _MANY_GROUPS, broker)
        for broker in set(coordinators.values())
    }
    calls, asked = _calls(coordinators, many)
    moved: set[GroupId] = set()
    lanes = 1 if all(many.values()) else _SMALL_REQUEST_LANES
    for answer, ids in zip(wire.ask(calls, deadline, lanes), asked, strict=True):
        if answer.response is None:
            read.unanswered.extend(ids)
            read.failures.append(answer.failure(len(ids)))
            continue
        response = answer.response
        told = (
            {g.group_id: g for g in response.groups}
            if many[answer.call.broker]
            else {ids[0]: response}
        )
        for group_id, group in told.items():
            code = error_name(group.error_code)
            if not code:
                read.commits[group_id] = _commits(group, topology, answer, read.failures)
                continue
            read.failures.append(Failure("OffsetFetch", str(answer.call.broker), code))
            if code in COORDINATOR_MOVED:
                moved.add(group_id)
    return moved


def _calls(
    coordinators: Mapping[GroupId, BrokerId], many: Mapping[BrokerId, bool]
) -> tuple[list[Call], list[list[GroupId]]]:
    by_broker: dict[BrokerId, list[GroupId]] = defaultdict(list)
    for group, broker in coordinators.items():
        by_broker[broker].append(group)
    calls, asked = [], []
    for broker, ids in by_broker.items():
        groups_per_request = GROUPS_PER_REQUEST if many[broker] else 1
        for at in range(0, len(ids), groups_per_request):
            chunk = ids[at : at + groups_per_request]
            calls.append(Call("OffsetFetch", broker, _request(chunk, many[broker])))
            asked.append(chunk)
    return calls, asked


def _request(groups: list[GroupId], many: bool) -> Any:  # noqa: ANN401, FBT001 - kafka-python is untyped
    if not many:
        return OffsetFetchRequest(
            group_id=groups[0],
            topics=None,
            min_version=_ALL_PARTITIONS,
            max_version=_MANY_GROUPS - 1,
        )
    group = OffsetFetchRequest.OffsetFetchRequestGroup
    return OffsetFetchRequest(
        groups=[group(group_id=g, topics=None, member_id=None, member_epoch=-1) for g in groups],
        require_stable=False,
        min_version=_MANY_GROUPS,
        max_version=_NEWEST_FETCH,
    )


def _commits(group: Any, topology: Topology, answer: Answer, failures: list[Failure]) -> Commits:  # noqa: ANN401 - kafka-python is untyped
    commits: Commits = {}
    for told in group.topics:
        topic = topology.topics.get(told.name)
        if topic is None:
            continue
        count = len(topic.partitions)
        commits[told.name] = {
            p.partition_index: p.committed_offset
            for p in told.partitions
            if p.committed_offset >= 0 and not p.error_code and p.partition_index < count
        }
        failures.extend(
            Failure("OffsetFetch", str(answer.call.broker), error_name(p.error_code))
            for p in told.partitions
            if p.error_code
        )
    return commits


def find_coordinators(
    wire: Wire, groups: Iterable[GroupId], brokers: Sequence[Broker], deadline: float
) -> dict[GroupId, BrokerId]:
    """Look the coordinators of ``groups`` up; those that have none for now are left out."""
    wanted = sorted(groups)
    batching = [b for b in brokers if wire.supports(FindCoordinatorRequest, _BATCHED_LOOKUP, b.id)]
    if not batching:
        return _find_each(wire, wanted, brokers, deadline)
    calls = [
        Call(
            "FindCoordinator",
            broker.id,
            FindCoordinatorRequest(
                key_type=0, coordinator_keys=wanted, min_version=_BATCHED_LOOKUP
            ),
        )
        for broker in batching
    ]
    told = [a.response for a in wire.ask_any(calls, deadline) if a.response is not None]
    return {c.key: c.node_id for r in told for c in r.coordinators if not c.error_code}


def _find_each(
    wire: Wire, groups: Sequence[GroupId], brokers: Sequence[Broker], deadline: float
) -> dict[GroupId, BrokerId]:
    calls = [
        Call(
            "FindCoordinator",
            brokers[at % len(brokers)].id,
            FindCoordinatorRequest(key=group, key_type=0, max_version=_BATCHED_LOOKUP - 1),
        )
        for at, group in enumerate(groups)
    ]
    answers = wire.ask(calls, deadline, _SMALL_REQUEST_LANES)
    return {
        group: answer.response.node_id
        for group, answer in zip(groups, answers, strict=True)
        if answer.response is not None and not answer.response.error_code
    }
