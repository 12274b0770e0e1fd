"""How many members has each group, and which partitions are assigned to them?

Sources: DescribeGroups for classic groups, many per request, each asked of its coordinator;
ConsumerGroupDescribe (KIP-848) for ``consumer`` groups through ``confluent_kafka``, as
kafka-python has no such request.
"""

import struct
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment

from kafkascope_exporter.kafka.codes import TIMED_OUT, error_name
from kafkascope_exporter.kafka.groups import CLASSIC, CONSUMER, COORDINATOR_MOVED, ListedGroup
from kafkascope_exporter.kafka.wire import Call, Wire
from kafkascope_exporter.model import BrokerId, Failure, GroupId, PartitionId, TopicName

GROUPS_PER_REQUEST = 200
DESCRIBABLE = frozenset({CLASSIC, CONSUMER})
"""Types of groups whose members a client that we have can ask for."""

_LEAST_S = 0.1
_NOBODY_THERE = frozenset({TIMED_OUT, "TRANSPORT", "ALL_BROKERS_DOWN", *COORDINATOR_MOVED})
_NO_MEMBERS = frozenset({"Empty", "Dead"})
_LAST_WITHOUT_NOT_FOUND = 5
_CONSUMER_PROTOCOL = "consumer"

Assigned = Mapping[TopicName, frozenset[PartitionId]]


@dataclass(frozen=True, slots=True)
class Membership:
    """The members of one group: how many, and what is assigned to all of them together."""

    count: int
    assigned: Assigned


@dataclass(frozen=True, slots=True)
class MembersRead:
    """The membership of each group that was told; ``unanswered`` are those that were not."""

    groups: dict[GroupId, Membership] = field(default_factory=dict)
    unanswered: list[GroupId] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


class MembersReader:
    """Describes groups, each by the request that its type needs.

    Args:
        wire: connections to the cluster.
        admin: makes the client for ``consumer`` groups; called when the first one is seen.
        assignments: whether to read which partitions the members are assigned.
    """

    def __init__(self, wire: Wire, admin: Callable[[], AdminClient], *, assignments: bool) -> None:
        self._wire = wire
        self._assignments = assignments
        self._make_admin = admin
        self._admin: AdminClient | None = None

    def read(self, groups: Sequence[ListedGroup], deadline: float) -> MembersRead:
        """Describe the groups that may have members; empty ones have none by their state.

        Args:
            groups: as listed in this cycle. Share and streams groups are left out: neither client
                knows ShareGroupDescribe or StreamsGroupDescribe.
            deadline: on the clock of `time.monotonic`.
        """
        read = MembersRead()
        nobody = Membership(0, {})
        read.groups.update((g.id, nobody) for g in groups if g.state in _NO_MEMBERS)
        described = [g for g in groups if g.state not in _NO_MEMBERS]
        futures = self._ask_consumer_groups(described, deadline)
        self._read_classic([g for g in described if g.type == CLASSIC], deadline, read)
        for group, future in futures.items():
            _take_consumer_group(group, future, deadline, read)
        if futures and not any(group.id in read.groups for group in futures):
            # Between cycles librdkafka would go on to connect, and to send a refused password.
            self.close()
        return read

    def _ask_consumer_groups(
        self, groups: Sequence[ListedGroup], deadline: float
    ) -> dict[ListedGroup, Future[Any]]:
        wanted = {g.id: g for g in groups if g.type == CONSUMER}
        if not wanted:
            return {}
        if self._admin is None:
            try:
                self._admin = self._make_admin()
            except KafkaException as error:  # a certificate gone, no token for OAUTHBEARER
                failed: Future[Any] = Future()
                failed.set_exception(error)
                return dict.fromkeys(wanted.values(), failed)
        self._admin.poll(0)  # its log comes out only so
        remaining = max(_LEAST_S, deadline - time.monotonic())
        futures = self._admin.describe_consumer_groups(list(wanted), request_timeout=remaining)
        return {wanted[group_id]: future for group_id, future in futures.items()}

    def _read_classic(
        self, groups: Sequence[ListedGroup], deadline: float, read: MembersRead
    ) -> None:
        by_broker: dict[BrokerId, list[GroupId]] = defaultdict(list)
        has_state = {group.id: bool(group.state) for group in groups}
        for group in groups:
            by_broker[group.coordinator].append(group.id)
        calls = [
            Call("DescribeGroups", broker, _describe(ids[at : at + GROUPS_PER_REQUEST]))
            for broker, ids in by_broker.items()
            for at in range(0, len(ids), GROUPS_PER_REQUEST)
        ]
        for answer in self._wire.ask(calls, deadline):
            if answer.response is None:
                read.unanswered.extend(answer.call.request.groups)
                read.failures.append(answer.failure(len(answer.call.request.groups)))
                continue
            for group in answer.response.groups:
                code = error_name(group.error_code)
                if not code and group.group_state == "Dead" and has_state[group.group_id]:
                    code = "GROUP_ID_NOT_FOUND"  # listed alive: gone since, or of another type
                if code:
                    _refused(group.group_id, "DescribeGroups", answer.call.broker, code, read)
                else:
                    of_consumers = self._assignments and group.protocol_type == _CONSUMER_PROTOCOL
                    assigned = _assigned(group.members) if of_consumers else {}
                    read.groups[group.group_id] = Membership(len(group.members), assigned)

    def close(self) -> None:
        """Let go of the client for ``consumer`` groups."""
        self._admin = None


def _describe(groups: list[GroupId]) -> Any:  # noqa: ANN401 - kafka-python is untyped
    return DescribeGroupsRequest(
        groups=groups, include_authorized_operations=False, max_version=_LAST_WITHOUT_NOT_FOUND
    )


def _assigned(members: Any) -> Assigned:  # noqa: ANN401 - kafka-python is untyped
    partitions: dict[TopicName, set[PartitionId]] = defaultdict(set)
    for member in members:
        if not member.member_assignment:
            continue
        try:
            told = ConsumerProtocolAssignment.decode(member.member_assignment)
        except (ValueError, struct.error):
            continue  # a client's own assignor may write what it likes
        for topic in told.assigned_partitions:
            partitions[topic.topic].update(topic.partitions)
    return {topic: frozenset(ids) for topic, ids in partitions.items()}


def _take_consumer_group(
    group: ListedGroup, future: Future[Any], deadline: float, read: MembersRead
) -> None:
    try:
        told = future.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeoutError:
        code = TIMED_OUT
    except KafkaException as error:
        name = str(error.args[0].name())
        code = TIMED_OUT if name == "_TIMED_OUT" else name.lstrip("_")
    else:
        partitions: dict[TopicName, set[PartitionId]] = defaultdict(set)
        for member in told.members:
            for p in member.assignment.topic_partitions if member.assignment else ():
                partitions[p.topic].add(p.partition)
        assigned = {topic: frozenset(ids) for topic, ids in partitions.items()}
        read.groups[group.id] = Membership(len(told.members), assigned)
        return
    _refused(group.id, "ConsumerGroupDescribe", group.coordinator, code, read)


def _refused(group: GroupId, api: str, broker: BrokerId, code: str, read: MembersRead) -> None:
    """Note why a group was not told; only one whose coordinator is not there may be held."""
    read.failures.append(Failure(api, str(broker), code))
    if code in _NOBODY_THERE:
        read.unanswered.append(group)
