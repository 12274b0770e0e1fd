"""The contract between `kafka/wire.py` and kafka-python's connection layer, on real brokers.

A new release of kafka-python has to pass this: it is not covered by its promise of stability.
"""

import time
from collections.abc import Callable, Iterator

import pytest
from kafka.protocol.admin import ListGroupsRequest
from kafka.protocol.consumer import OffsetFetchRequest
from kafka.protocol.metadata import MetadataRequest

from kafkascope_demo.localkafka import LocalKafka
from kafkascope_exporter.config import Cluster
from kafkascope_exporter.kafka.clients import kafka_python_configs
from kafkascope_exporter.kafka.wire import Call, ClusterUnreachableError, Wire
from kafkascope_exporter.model import Broker
from tests.waiting import wait_until

_DEADLINE_S = 30.0
_SHORT_S = 1.0


def soon(seconds: float = _DEADLINE_S) -> float:
    """A deadline so many seconds from now."""
    return time.monotonic() + seconds


def wire_to(servers: str) -> Wire:
    """Connections to these bootstrap servers."""
    return Wire(kafka_python_configs(Cluster(servers=tuple(servers.split(","))), deadline=3))


@pytest.fixture
def wire(cluster: LocalKafka) -> Iterator[Wire]:
    """Connections to the test's cluster."""
    connected = wire_to(cluster.bootstrap_servers)
    connected.connect(soon())
    yield connected
    connected.close()


def list_groups(broker: int) -> Call:
    """A small request."""
    return Call("ListGroups", broker, ListGroupsRequest(min_version=0))


def test_connecting_learns_the_brokers_and_their_racks(wire: Wire, cluster: LocalKafka) -> None:
    """As the cluster advertises them."""
    assert [broker.id for broker in wire.brokers()] == list(cluster.broker_ids)
    addresses = {broker.address for broker in wire.brokers()}
    assert addresses == set(cluster.bootstrap_servers.split(","))
    assert all(broker.rack for broker in wire.brokers())


def test_each_call_is_answered_by_the_broker_that_it_is_for(wire: Wire) -> None:
    """In the order of the calls, and counted by broker."""
    wire.take_requests()
    answers = wire.ask([list_groups(3), list_groups(1), list_groups(2)], soon())
    assert [answer.call.broker for answer in answers] == [3, 1, 2]
    assert [answer.code for answer in answers] == ["", "", ""]
    assert all(answer.response.error_code == 0 for answer in answers)
    assert wire.take_requests() == {("ListGroups", str(n)): 1 for n in (1, 2, 3)}
    assert wire.take_requests() == {}


def test_many_calls_to_one_broker_are_all_answered(wire: Wire) -> None:
    """More than fit into a pipe of kafka-python's usual depth, one by one and side by side."""
    for lanes in (1, 16):
        answers = wire.ask([list_groups(1) for _ in range(60)], soon(), lanes)
        assert {answer.code for answer in answers} == {""}


def test_a_broker_that_does_not_exist_is_unreachable_at_once(wire: Wire) -> None:
    """And the others are answered."""
    answers = wire.ask([list_groups(9), list_groups(1)], soon())
    assert [answer.code for answer in answers] == ["NETWORK_EXCEPTION", ""]


def test_versions_are_those_of_the_brokers(wire: Wire) -> None:
    """Kafka 4 has OffsetFetch 8 (many groups), and nobody has version 99."""
    assert not wire.supports(OffsetFetchRequest, 8, 1), "nothing is known before the first call"
    wire.ask([list_groups(1)], soon())
    assert wire.supports(OffsetFetchRequest, 8, 1)
    assert not wire.supports(OffsetFetchRequest, 99, 1)
    assert not wire.supports(OffsetFetchRequest, 8, 2)


def test_metadata_have_topic_ids_and_leaders(wire: Wire, topic: str) -> None:
    """The fields that `metadata.py` reads are there."""
    request = MetadataRequest(topics=None, allow_auto_topic_creation=False)
    (answer,) = wire.ask_any([Call("Metadata", 1, request)], soon())
    (told,) = [t for t in answer.response.topics if t.name == topic]
    assert told.topic_id is not None
    assert [p.partition_index for p in told.partitions] == [0]
    assert told.partitions[0].leader_id in (1, 2, 3)


def test_nobody_at_the_bootstrap_servers_is_said_with_the_reason() -> None:
    """Refused, not merely timed out."""
    nobody = wire_to("127.0.0.1:1")
    try:
        with pytest.raises(ClusterUnreachableError, match="refused") as raised:
            nobody.connect(soon(_SHORT_S))
        assert raised.value.code == "NETWORK_EXCEPTION"
    finally:
        nobody.close()


def test_a_frozen_broker_costs_its_own_answer_and_is_reached_again(
    breakable_kafka: LocalKafka, wire: Wire
) -> None:
    """Its call times out, the others are answered, and it answers when it is back."""
    everyone = [list_groups(n) for n in (1, 2, 3)]
    assert {answer.code for answer in wire.ask(everyone, soon())} == {""}
    breakable_kafka.pause_broker(2)
    try:
        answers = wire.ask([list_groups(n) for n in (1, 2, 3)], soon(_SHORT_S))
        assert [answer.code for answer in answers] == ["", "TIMED_OUT", ""]
        requests = [list_groups(2), list_groups(3)]
        assert wire.ask_any(requests, soon())[-1].call.broker == 3
    finally:
        breakable_kafka.resume_broker(2)
    wait_until(_answers(wire, 2), _DEADLINE_S, "an answer of the broker that was frozen")


def test_a_restarted_broker_is_reached_again(breakable_kafka: LocalKafka, wire: Wire) -> None:
    """Its old connection is given up and a new one made."""
    breakable_kafka.stop_broker(3, kill=True)
    (answer,) = wire.ask([list_groups(3)], soon(_SHORT_S))
    assert answer.code
    breakable_kafka.start_broker(3)
    wait_until(_answers(wire, 3), _DEADLINE_S, "an answer of the broker that was killed")


def test_brokers_that_metadata_names_anew_are_learnt(wire: Wire) -> None:
    """Asking for brokers that differ from the known ones refreshes kafka-python's own metadata."""
    known = wire.brokers()
    elsewhere = [Broker(b.id, b.host, b.port + 1, b.rack) for b in known]
    wire.learn(elsewhere, soon())
    assert wire.brokers() == known, "the cluster itself says where its brokers are"


def _answers(wire: Wire, broker: int) -> Callable[[], bool]:
    return lambda: not wire.ask([list_groups(broker)], soon(_SHORT_S))[0].code
