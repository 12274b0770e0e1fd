"""The controller as DescribeQuorum tells it, and what its silence costs."""

from types import SimpleNamespace

import pytest

from kafkascope_exporter.kafka.quorum import QuorumReader
from kafkascope_exporter.kafka.wire import Call, ClusterUnreachableError
from kafkascope_exporter.model import Controller, Failure
from tests.exporter.kafka.fakewire import FakeWire, Silence, told, topology

BROKERS = topology(1).brokers
DENIED, UNSUPPORTED, NOT_LEADER = 31, 35, 6


class Quorum(FakeWire):
    """Brokers that know the controller; those in ``silent`` say nothing."""

    def __init__(self, supported: int = 2) -> None:
        super().__init__(self._respond, supported=supported)
        self.silent: set[int] = set()
        self.error = 0
        self.leader = (3, 7)
        self.unreachable = False
        self.closed = 0

    def connect(self, deadline: float, *, again: bool = False) -> None:  # noqa: ARG002 - as `Wire` has it
        """Fail when nobody is there."""
        if self.unreachable:
            raise ClusterUnreachableError("nobody", "NETWORK_EXCEPTION")

    def close(self) -> None:
        """Count it."""
        self.closed += 1

    def _respond(self, call: Call) -> SimpleNamespace:
        if call.broker in self.silent:
            raise Silence
        leader, epoch = self.leader
        partition = told(error_code=0, leader_id=leader, leader_epoch=epoch)
        return told(error_code=self.error, topics=[told(partitions=[partition])])


def test_the_leader_of_the_metadata_log_is_the_controller() -> None:
    """One broker's word is enough."""
    quorum = Quorum()
    assert QuorumReader(lambda: quorum).read(quorum, BROKERS, 0) == (Controller(3, 7), [])
    assert [call.broker for call in quorum.calls] == [1]


def test_one_silent_broker_does_not_hide_the_controller() -> None:
    """Who answered is asked first the next time."""
    quorum = Quorum()
    quorum.silent = {1}
    reader = QuorumReader(lambda: quorum)
    assert reader.read(quorum, BROKERS, 0)[0] == Controller(3, 7)
    quorum.calls.clear()
    reader.read(quorum, BROKERS, 0)
    assert [call.broker for call in quorum.calls] == [2]


def test_silence_means_no_controller_and_new_connections_to_other_brokers() -> None:
    """What is not answered would hold up the next question on the same connection."""
    quorum = Quorum()
    quorum.silent = {1, 2, 3}
    reader = QuorumReader(lambda: quorum)
    controller, failures = reader.read(quorum, BROKERS, 0)
    assert controller is None
    assert failures == [Failure("DescribeQuorum", str(broker), "TIMED_OUT") for broker in (1, 2)]
    assert quorum.closed == 1
    quorum.calls.clear()
    quorum.silent = {1, 2}
    assert reader.read(quorum, BROKERS, 0)[0] == Controller(3, 7)
    assert [call.broker for call in quorum.calls] == [3]


@pytest.mark.parametrize("error", [DENIED, UNSUPPORTED])
def test_without_the_right_or_without_kraft_there_is_none_and_no_failure(error: int) -> None:
    """Describe on the cluster need not be granted."""
    quorum = Quorum()
    quorum.error = error
    assert QuorumReader(lambda: quorum).read(quorum, BROKERS, 0) == (None, [])


def test_a_broker_that_cannot_tell_now_is_a_failure() -> None:
    """While a new controller is elected."""
    quorum = Quorum()
    quorum.error = NOT_LEADER
    controller, (failure,) = QuorumReader(lambda: quorum).read(quorum, BROKERS, 0)
    assert (controller, failure.api, failure.broker) == (None, "DescribeQuorum", "1")


def test_an_election_under_way_has_no_controller() -> None:
    """The leader is -1 then."""
    quorum = Quorum()
    quorum.leader = (-1, 8)
    assert QuorumReader(lambda: quorum).read(quorum, BROKERS, 0) == (None, [])


def test_brokers_that_do_not_know_the_question_are_not_asked() -> None:
    """Nor connected to."""
    quorum = Quorum(supported=-1)
    reader = QuorumReader(lambda: pytest.fail("connects"))
    assert reader.read(quorum, BROKERS, 0) == (None, [])


def test_what_cannot_be_connected_to_is_a_failure() -> None:
    """And tried again the next time."""
    quorum = Quorum()
    quorum.unreachable = True
    reader = QuorumReader(lambda: quorum)
    failed = Failure("DescribeQuorum", "", "NETWORK_EXCEPTION")
    assert reader.read(quorum, BROKERS, 0) == (None, [failed])
    quorum.unreachable = False
    assert reader.read(quorum, BROKERS, 0)[0] == Controller(3, 7)
