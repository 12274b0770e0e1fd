"""Partition offsets: who is asked for what, and what an answer means."""

from collections.abc import Callable
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from kafkascope_exporter.kafka.listoffsets import EARLIEST, LATEST, ListOffsetsResponse
from kafkascope_exporter.kafka.offsets import (
    PARTITIONS_PER_REQUEST,
    OffsetsRead,
    ask_again,
    every_partition,
    read_offsets,
    topics_gone,
)
from kafkascope_exporter.kafka.wire import Call
from kafkascope_exporter.model import Failure, Partition, Topic, Topology
from tests.exporter.kafka.fakewire import FakeWire, Silence, topology

NOT_LEADER = 6
TOPIC_AUTHORIZATION_FAILED = 29


def all_at(offset: int) -> Callable[[Call], ListOffsetsResponse]:
    """Every partition has the same offset."""

    def say(call: Call) -> ListOffsetsResponse:
        asked = call.request.partitions
        return ListOffsetsResponse(
            0, {t: dict.fromkeys(ids, offset) for t, ids in asked.items()}, {}
        )

    return say


def refused(code: int) -> Callable[[Call], ListOffsetsResponse]:
    """Every partition has the same error."""

    def say(call: Call) -> ListOffsetsResponse:
        asked = call.request.partitions
        return ListOffsetsResponse(0, {}, {t: dict.fromkeys(ids, code) for t, ids in asked.items()})

    return say


def test_each_leader_is_asked_for_its_own_partitions() -> None:
    """Both ends, and never a partition without a leader."""
    wire = FakeWire(all_at(9))
    cluster = topology(1, 2, None, 1)
    partitions = list(every_partition(cluster))
    reads = read_offsets(wire, cluster, {LATEST: partitions, EARLIEST: partitions}, 0)
    asked = {(c.broker, c.request.timestamp): c.request.partitions for c in wire.calls}
    assert asked == {
        (1, LATEST): {"orders": [0, 3]},
        (2, LATEST): {"orders": [1]},
        (1, EARLIEST): {"orders": [0, 3]},
        (2, EARLIEST): {"orders": [1]},
    }
    assert reads[LATEST].offsets == {"orders": {0: 9, 1: 9, 3: 9}}
    assert reads[LATEST].unanswered == [("orders", 2)]


def test_a_silent_leader_costs_its_own_partitions() -> None:
    """They are unanswered, and counted in one failure."""

    def say(call: Call) -> ListOffsetsResponse:
        if call.broker == 2:
            raise Silence
        return all_at(4)(call)

    cluster = topology(1, 2, 2)
    read = read_offsets(FakeWire(say), cluster, {LATEST: every_partition(cluster)}, 0)[LATEST]
    assert read.offsets == {"orders": {0: 4}}
    assert read.unanswered == [("orders", 1), ("orders", 2)]
    assert read.failures == [Failure("ListOffsets", "2", "TIMED_OUT", 2)]


def test_a_partition_whose_leader_has_moved_is_to_be_asked_for_again() -> None:
    """It is neither told nor unanswered."""
    cluster = topology(1)
    wire = FakeWire(refused(NOT_LEADER))
    read = read_offsets(wire, cluster, {LATEST: every_partition(cluster)}, 0)[LATEST]
    assert (read.offsets, read.unanswered, read.moved) == ({}, [], [("orders", 0)])


def test_a_partition_that_may_not_be_read_is_not_asked_for_again() -> None:
    """Nor is it unanswered: nothing may stand in for it."""
    cluster = topology(1)
    wire = FakeWire(refused(TOPIC_AUTHORIZATION_FAILED))
    read = read_offsets(wire, cluster, {LATEST: every_partition(cluster)}, 0)[LATEST]
    assert (read.unanswered, read.moved) == ([], [])
    assert read.failures == [Failure("ListOffsets", "1", "TOPIC_AUTHORIZATION_FAILED")]


@given(st.integers(0, 3 * PARTITIONS_PER_REQUEST))
def test_large_requests_are_cut_into_bounded_ones_that_lose_nothing(count: int) -> None:
    """Each partition is asked for once."""
    cluster = topology(*[1] * count)
    wire = FakeWire(all_at(1))
    read = read_offsets(wire, cluster, {LATEST: every_partition(cluster)}, 0)[LATEST]
    sizes = [sum(map(len, call.request.partitions.values())) for call in wire.calls]
    assert sum(sizes) == count == sum(map(len, read.offsets.values()))
    assert all(size <= PARTITIONS_PER_REQUEST for size in sizes)


def topics(**uuids: int | None) -> Topology:
    """Topics of two partitions with these ids."""
    partitions = tuple(Partition(i, 1, (1,), (1,)) for i in (0, 1))
    return Topology(
        "c", (), {n: Topic(n, partitions, UUID(int=i) if i else None) for n, i in uuids.items()}
    )


def test_a_topic_has_gone_when_its_id_has() -> None:
    """Whether or not another one has got its name; a new topic has not gone."""
    before = topics(same=1, replaced=2, deleted=3)
    after = topics(same=1, replaced=4, new=5)

    assert topics_gone(before, after) == {"replaced", "deleted"}


def test_a_topic_without_an_id_has_not_gone_while_its_name_is_there() -> None:
    """Brokers before 2.8 tell no ids, and in an upgrade some do."""
    assert topics_gone(topics(a=None, b=None, c=1), topics(a=None, b=2, c=None)) == set()


def test_offsets_of_a_topic_that_was_created_again_are_all_asked_again() -> None:
    """Those that were told are of the old log; those of other topics stay."""
    told = {"orders": {0: 900}, "other": {0: 5, 1: 6}}
    read = OffsetsRead(told, [("orders", 1)], [("orders", 1)], [])

    again = ask_again(read, {"orders"}, topics(orders=2, other=1))

    assert again.offsets == {"other": {0: 5, 1: 6}}
    assert again.unanswered == []
    assert again.moved == [("orders", 0), ("orders", 1)]
    assert read.offsets == told, "what was read is not changed"


def test_offsets_of_a_topic_that_was_deleted_are_not_asked_again() -> None:
    """Nor those of partitions that are no more."""
    read = OffsetsRead({"deleted": {0: 9}}, [], [("deleted", 1), ("other", 1), ("other", 2)], [])

    again = ask_again(read, {"deleted"}, topics(other=1))

    assert (again.offsets, again.moved) == ({}, [("other", 1)])
