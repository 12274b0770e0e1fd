"""What stands in for a value that could not be read, and for how long."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_exporter.hold import GroupsHeld, HeldGroups, HeldOffsets, UnreadGroups
from kafkascope_exporter.model import Broker, Group, Partition, Topic, Topology

HOLD = 15.0
OLD, NEW = UUID(int=1), UUID(int=2)
NOTHING_UNREAD = UnreadGroups(frozenset({1, 2}), (), ())


def topology(uuid: UUID = OLD) -> Topology:
    """Two brokers and a topic of two partitions."""
    partitions = tuple(Partition(i, 1, (1, 2), (1, 2)) for i in range(2))
    brokers = (Broker(1, "a", 9092), Broker(2, "b", 9092))
    return Topology("c", brokers, {"orders": Topic("orders", partitions, uuid)})


SAME = topology()


def group(name: str = "billing", coordinator: int = 2, offset: int | None = 5) -> Group:
    """A group with one commit, or with unknown commits."""
    commits = None if offset is None else {"orders": {0: offset}}
    return Group(name, coordinator, "Empty", "classic", "consumer", 0, commits)


def offsets_after(seconds: float, hold: float = HOLD, now_topology: Topology = SAME) -> int | None:
    """The held offset of a partition that was read once and then not for so long."""
    held = HeldOffsets(hold)
    held.fill({"orders": {0: 7}}, [], SAME, 0.0)
    told: dict[str, dict[int, int]] = {}
    count = held.fill(told, [("orders", 0)], now_topology, seconds)
    offset = told.get("orders", {}).get(0)
    assert count == (offset is not None)
    return offset


@pytest.mark.parametrize(
    ("seconds", "offset"),
    [
        pytest.param(15.0, 7, id="within the hold"),
        pytest.param(16.4, 7, id="a cycle that began a little late"),
        pytest.param(30.0, None, id="past the hold"),
    ],
)
def test_an_offset_is_held_for_the_hold_and_no_longer(seconds: float, offset: int | None) -> None:
    """Counted from the beginning of the cycle that read it."""
    assert offsets_after(seconds) == offset


def test_no_hold_holds_nothing() -> None:
    """0 is off."""
    assert offsets_after(0.0, hold=0) is None


def test_offsets_of_a_topic_created_anew_are_not_held() -> None:
    """Its id differs: its log began anew."""
    assert offsets_after(3.0, now_topology=topology(NEW)) is None


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_a_held_offset_is_never_older_than_the_hold(answered: list[bool]) -> None:
    """Over any sequence of answered and unanswered cycles, one every 3 seconds."""
    held = HeldOffsets(HOLD)
    read_at: float | None = None
    for turn, answers in enumerate(answered):
        now = 3.0 * turn
        told: dict[str, dict[int, int]] = {"orders": {0: turn}} if answers else {}
        read_at = now if answers else read_at
        held.fill(told, [] if answers else [("orders", 0)], SAME, now)
        expected = read_at is not None and now - read_at <= HOLD * 1.1
        assert (0 in told.get("orders", {})) == expected
        if expected and read_at is not None:
            assert told["orders"][0] == read_at / 3


def held_groups(
    unread: UnreadGroups, now: float, fresh: Group | None
) -> tuple[Group | None, GroupsHeld]:
    """What becomes of a group that was read whole at 0."""
    held = HeldGroups(HOLD)
    held.fill({"billing": group()}, NOTHING_UNREAD, SAME, 0.0)
    told = {} if fresh is None else {"billing": fresh}
    counts = held.fill(told, unread, SAME, now)
    return told.get("billing"), counts


def test_a_group_is_held_whole_while_its_coordinator_gives_no_list() -> None:
    """It is in no list, and not every list is there."""
    found, counts = held_groups(UnreadGroups(frozenset(), (), ()), 15.0, None)
    assert found == group()
    assert counts == GroupsHeld(groups=1, commits=0, members=0, lost=0)


def test_a_group_is_held_when_its_coordinator_has_left_the_cluster() -> None:
    """All that are left gave their lists, but its new coordinator may have yet to load it."""
    found, _ = held_groups(UnreadGroups(frozenset({1}), (), ()), 15.0, None)
    assert found == group()


def test_a_group_that_its_coordinator_lists_no_more_is_gone() -> None:
    """Deleted: not held, and not lost."""
    found, counts = held_groups(NOTHING_UNREAD, 15.0, None)
    assert found is None
    assert counts == GroupsHeld(0, 0, 0, 0)


def test_a_group_past_its_hold_is_lost_for_a_minute() -> None:
    """It is counted as missing until then."""
    held = HeldGroups(HOLD)
    silent = UnreadGroups(frozenset({1}), (), ())
    held.fill({"billing": group()}, NOTHING_UNREAD, SAME, 0.0)
    lost = [held.fill({}, silent, SAME, now).lost for now in (15.0, 30.0, 60.0, 90.0, 105.0)]
    assert lost == [0, 1, 1, 0, 0]


def test_commits_and_members_are_held_apart() -> None:
    """What the coordinator did tell is new."""
    unread = UnreadGroups(frozenset({1, 2}), ["billing"], [])
    moved = group(coordinator=1, offset=None)
    found, counts = held_groups(unread, 15.0, moved)
    assert found == group(coordinator=1)
    assert counts == GroupsHeld(0, 1, 0, 0)


def test_a_part_that_no_earlier_cycle_knows_is_not_counted_as_held() -> None:
    """Past the hold the commits are unknown, and stay so: nothing stands in for them."""
    held = HeldGroups(HOLD)
    unread = UnreadGroups(frozenset({1, 2}), ["billing"], [])
    held.fill({"billing": group()}, NOTHING_UNREAD, SAME, 0.0)
    counts = []
    for now in (15.0, 30.0, 45.0):
        told = {"billing": group(offset=None)}
        counts.append((held.fill(told, unread, SAME, now).commits, told["billing"].commits))
    assert counts == [(1, {"orders": {0: 5}}), (0, None), (0, None)]


def test_held_commits_lose_a_topic_that_was_created_anew() -> None:
    """They are of the topic that was deleted."""
    held = HeldGroups(HOLD)
    held.fill({"billing": group()}, NOTHING_UNREAD, SAME, 0.0)
    told: dict[str, Group] = {}
    held.fill(told, UnreadGroups(frozenset(), (), ()), topology(NEW), 3.0)
    assert told["billing"].commits == {}
