"""Members of groups, as their coordinators tell them."""

from types import SimpleNamespace

from confluent_kafka.admin import AdminClient

from kafkascope_exporter.kafka.groups import ListedGroup
from kafkascope_exporter.kafka.members import MembersReader
from kafkascope_exporter.kafka.wire import Call
from kafkascope_exporter.model import Failure
from tests.exporter.kafka.fakewire import FakeWire, Silence, told

NOT_COORDINATOR = 16
GROUP_AUTHORIZATION_FAILED = 30


def no_admin() -> AdminClient:
    """There is no KIP-848 group in these tests."""
    raise AssertionError


def group(name: str, state: str = "Stable", type_: str = "classic") -> ListedGroup:
    """A group of broker 1."""
    return ListedGroup(name, 1, state, type_, "consumer")


def described(name: str, members: int, state: str = "Stable", code: int = 0) -> SimpleNamespace:
    """A group in a DescribeGroups response."""
    return told(
        group_id=name,
        error_code=code,
        group_state=state,
        protocol_type="consumer",
        members=[told(member_assignment=b"") for _ in range(members)],
    )


def test_empty_groups_have_no_members_and_are_not_asked_for() -> None:
    """Their state says it already."""
    wire = FakeWire(lambda _: told(groups=[]))
    read = MembersReader(wire, no_admin, assignments=False).read([group("a", "Empty")], 0)
    assert read.groups["a"].count == 0
    assert wire.calls == []


def test_a_client_whose_calls_all_fail_is_given_up_until_the_next_cycle() -> None:
    """It would connect once a second meanwhile, and send a password that brokers refuse."""
    made = []

    def admin() -> AdminClient:
        made.append(AdminClient({"bootstrap.servers": "127.0.0.1:1", "log_level": 0}))
        return made[-1]

    reader = MembersReader(FakeWire(lambda _: told(groups=[])), admin, assignments=False)
    reads = [reader.read([group("a", type_="consumer")], 0) for _ in range(2)]

    assert [read.unanswered for read in reads] == [["a"], ["a"]]
    assert len(made) == 2


def test_classic_groups_are_described_many_at_a_time() -> None:
    """One request to their coordinator."""
    wire = FakeWire(lambda _: told(groups=[described("a", 2), described("b", 1)]))
    read = MembersReader(wire, no_admin, assignments=False).read([group("a"), group("b")], 0)
    assert {name: g.count for name, g in read.groups.items()} == {"a": 2, "b": 1}
    assert len(wire.calls) == 1


def test_share_groups_are_left_alone() -> None:
    """Neither client can describe them; they have no member count."""
    read = MembersReader(FakeWire(lambda _: told(groups=[])), no_admin, assignments=False).read(
        [group("a", type_="share")], 0
    )
    assert read.groups == {}


def test_a_group_listed_alive_and_described_dead_has_no_member_count() -> None:
    """So do coordinators describe a group of a type that the request does not know."""
    wire = FakeWire(lambda _: told(groups=[described("a", 0, "Dead")]))
    read = MembersReader(wire, no_admin, assignments=False).read([group("a")], 0)
    assert read.groups == {}
    assert read.failures == [Failure("DescribeGroups", "1", "GROUP_ID_NOT_FOUND")]


def test_a_dead_group_of_a_broker_that_lists_no_states_has_no_members() -> None:
    """Before ListGroups 4 all groups are described, the dead too."""
    wire = FakeWire(lambda _: told(groups=[described("a", 0, "Dead")]))
    read = MembersReader(wire, no_admin, assignments=False).read([group("a", "")], 0)
    assert read.groups["a"].count == 0


def test_only_members_of_an_absent_coordinator_may_be_held() -> None:
    """Refused is not unanswered."""

    def say(_: Call) -> SimpleNamespace:
        return told(
            groups=[
                described("a", 0, code=GROUP_AUTHORIZATION_FAILED),
                described("b", 0, code=NOT_COORDINATOR),
            ]
        )

    read = MembersReader(FakeWire(say), no_admin, assignments=False).read(
        [group("a"), group("b")], 0
    )
    assert read.unanswered == ["b"]
    assert [f.code for f in read.failures] == ["GROUP_AUTHORIZATION_FAILED", "NOT_COORDINATOR"]


def test_a_silent_coordinator_leaves_its_groups_unanswered() -> None:
    """All of the request."""

    def say(_: Call) -> SimpleNamespace:
        raise Silence

    read = MembersReader(FakeWire(say), no_admin, assignments=False).read([group("a")], 0)
    assert read.unanswered == ["a"]
