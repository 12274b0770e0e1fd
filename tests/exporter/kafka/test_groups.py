"""Group lists and commits, as brokers tell them in good weather and bad."""

import re
from types import SimpleNamespace
from typing import Any

from kafkascope_exporter.config import Filter
from kafkascope_exporter.kafka.groups import (
    ListedGroup,
    list_groups,
    read_commits,
)
from kafkascope_exporter.kafka.wire import Call
from kafkascope_exporter.model import Failure
from tests.exporter.kafka.fakewire import FakeWire, Silence, told, topology

ORDERS = topology(1, 2)
NOT_COORDINATOR = 16
GROUP_AUTHORIZATION_FAILED = 30


def listed(name: str, state: str = "Stable", type_: str | None = "Classic") -> SimpleNamespace:
    """A group in a list."""
    return told(group_id=name, group_state=state, group_type=type_, protocol_type="consumer")


def lists(by_broker: dict[int, list[SimpleNamespace]], errors: dict[int, int] | None = None) -> Any:  # noqa: ANN401 - what FakeWire takes
    """Brokers that give these lists; one without a list is silent."""

    def say(call: Call) -> SimpleNamespace:
        if call.broker not in by_broker:
            raise Silence
        code = (errors or {}).get(call.broker, 0)
        return told(error_code=code, groups=by_broker[call.broker])

    return say


def test_each_brokers_groups_are_its_own() -> None:
    """The broker that lists a group coordinates it; filters apply."""
    wire = FakeWire(lists({1: [listed("a")], 2: [listed("b"), listed("no")], 3: []}))
    found = list_groups(wire, wire.brokers(), Filter(exclude=re.compile("^no$")), 0)
    assert {g.id: g.coordinator for g in found.groups.values()} == {"a": 1, "b": 2}
    assert found.silent == []


def test_a_group_that_two_brokers_list_appears_once_and_alive() -> None:
    """As happens while its coordinator moves: the one that knows it wins over ``Dead``."""
    wire = FakeWire(lists({1: [listed("a", "Dead")], 2: [listed("a", "Stable")], 3: []}))
    found = list_groups(wire, wire.brokers(), Filter(), 0)
    assert [(g.state, g.coordinator) for g in found.groups.values()] == [("Stable", 2)]


def test_a_silent_and_a_refusing_broker_cost_their_lists_only() -> None:
    """Both are failures with their reason."""
    wire = FakeWire(lists({1: [listed("a")], 2: []}, {2: 15}))
    found = list_groups(wire, wire.brokers(), Filter(), 0)
    assert list(found.groups) == ["a"]
    assert found.silent == [2, 3]
    assert found.failures == [
        Failure("ListGroups", "2", "COORDINATOR_NOT_AVAILABLE"),
        Failure("ListGroups", "3", "TIMED_OUT"),
    ]


def test_a_list_of_an_old_broker_has_classic_groups_of_unknown_state() -> None:
    """Before ListGroups 4 there is no state, before 5 no type."""
    wire = FakeWire(lists({1: [listed("a", "", None)], 2: [], 3: []}))
    (group,) = list_groups(wire, wire.brokers(), Filter(), 0).groups.values()
    assert (group.state, group.type) == ("", "classic")


def group_of(name: str, coordinator: int) -> ListedGroup:
    """A group to fetch."""
    return ListedGroup(name, coordinator, "Empty", "classic", "consumer")


def fetched(name: str, offsets: dict[str, dict[int, int]], code: int = 0) -> SimpleNamespace:
    """A group in an OffsetFetch response."""
    topics = [
        told(
            name=topic,
            partitions=[
                told(partition_index=p, committed_offset=offset, error_code=0)
                for p, offset in partitions.items()
            ],
        )
        for topic, partitions in offsets.items()
    ]
    return told(group_id=name, error_code=code, topics=topics)


def test_commits_are_those_on_partitions_that_exist() -> None:
    """Not on a deleted topic, not on a partition that is no more, and not "no commit" (-1)."""
    offsets = {"orders": {0: 5, 1: -1, 7: 9}, "deleted": {0: 3}}
    wire = FakeWire(lambda _: told(groups=[fetched("a", offsets)]))
    read = read_commits(wire, [group_of("a", 1)], ORDERS, 0)
    assert read.commits == {"a": {"orders": {0: 5}}}
    assert (read.unanswered, read.failures) == ([], [])


def test_a_group_whose_coordinator_moved_is_looked_up_and_fetched_again() -> None:
    """In the same cycle."""

    def say(call: Call) -> SimpleNamespace:
        if call.api == "FindCoordinator":
            return told(coordinators=[told(key="a", node_id=3, error_code=0)])
        if call.broker == 3:
            return told(groups=[fetched("a", {"orders": {0: 5}})])
        return told(groups=[fetched("a", {}, NOT_COORDINATOR)])

    read = read_commits(FakeWire(say), [group_of("a", 1)], ORDERS, 0)
    assert read.commits == {"a": {"orders": {0: 5}}}
    assert read.unanswered == []
    assert read.failures == [Failure("OffsetFetch", "1", "NOT_COORDINATOR")]


def test_a_group_that_may_not_be_read_costs_itself_only() -> None:
    """It is a failure, and nothing that could be held."""
    answer = told(
        groups=[fetched("a", {}, GROUP_AUTHORIZATION_FAILED), fetched("b", {"orders": {1: 4}})]
    )
    read = read_commits(FakeWire(lambda _: answer), [group_of("a", 1), group_of("b", 1)], ORDERS, 0)
    assert read.commits == {"b": {"orders": {1: 4}}}
    assert read.unanswered == []
    assert [failure.code for failure in read.failures] == ["GROUP_AUTHORIZATION_FAILED"]


def test_the_groups_of_a_silent_coordinator_are_unanswered() -> None:
    """All that were asked for in that request."""

    def say(call: Call) -> SimpleNamespace:
        if call.broker == 2:
            raise Silence
        return told(groups=[fetched("a", {"orders": {0: 1}})])

    groups = [group_of("a", 1), group_of("b", 2), group_of("c", 2)]
    read = read_commits(FakeWire(say), groups, ORDERS, 0)
    assert list(read.commits) == ["a"]
    assert read.unanswered == ["b", "c"]
    assert read.failures == [Failure("OffsetFetch", "2", "TIMED_OUT", 2)]


def test_brokers_before_3_0_are_asked_for_one_group_at_a_time() -> None:
    """OffsetFetch has no list of groups before version 8."""
    wire = FakeWire(lambda call: fetched(call.request.group_id, {"orders": {0: 2}}), supported=7)
    read = read_commits(wire, [group_of("a", 1), group_of("b", 1)], ORDERS, 0)
    assert read.commits == {"a": {"orders": {0: 2}}, "b": {"orders": {0: 2}}}
    assert [call.request.group_id for call in wire.calls] == ["a", "b"]


def test_in_a_rolling_upgrade_each_broker_is_asked_as_its_own_release_needs_it() -> None:
    """Many groups at once of the new one, one at a time of the old one."""

    def say(call: Call) -> SimpleNamespace:
        if call.broker == 1:
            return fetched(call.request.group_id, {"orders": {0: 2}})
        return told(groups=[fetched(g.group_id, {"orders": {0: 3}}) for g in call.request.groups])

    wire = FakeWire(say, supported={1: 7, 2: 8})
    groups = [group_of("a", 1), group_of("b", 1), group_of("c", 2), group_of("d", 2)]

    read = read_commits(wire, groups, ORDERS, 0)

    assert {group: topics["orders"][0] for group, topics in read.commits.items()} == {
        "a": 2,
        "b": 2,
        "c": 3,
        "d": 3,
    }
    assert sorted(call.broker for call in wire.calls) == [1, 1, 2]


def test_coordinators_are_looked_up_together_by_brokers_that_can() -> None:
    """FindCoordinator has a list of groups since version 4; an old broker is not asked for one."""

    def say(call: Call) -> SimpleNamespace:
        if call.api == "FindCoordinator":
            return told(coordinators=[told(key="a", node_id=3, error_code=0)])
        if call.broker == 3:
            return told(groups=[fetched("a", {"orders": {0: 5}})])
        return told(groups=[fetched("a", {}, NOT_COORDINATOR)])

    wire = FakeWire(say, supported={1: 3, 2: 9, 3: 9})

    read = read_commits(wire, [group_of("a", 2)], ORDERS, 0)

    assert read.commits == {"a": {"orders": {0: 5}}}
    assert [call.broker for call in wire.calls if call.api == "FindCoordinator"] == [2]
