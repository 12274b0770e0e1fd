"""The topology: whom metadata is asked of, and what is made of it."""

import re
from types import SimpleNamespace
from uuid import UUID

from kafkascope_exporter.config import Filter
from kafkascope_exporter.kafka.metadata import MetadataReader
from kafkascope_exporter.kafka.wire import Call
from kafkascope_exporter.model import Broker, Failure
from tests.exporter.kafka.fakewire import FakeWire, Refusal, Silence, told

TOPIC_AUTHORIZATION_FAILED = 29


def partition(index: int, leader: int) -> SimpleNamespace:
    """A partition in a response."""
    return told(partition_index=index, leader_id=leader, replica_nodes=[2, 1], isr_nodes=[2])


def topic(name: str, *partitions: SimpleNamespace, code: int = 0) -> SimpleNamespace:
    """A topic in a response."""
    return told(name=name, error_code=code, partitions=list(partitions), topic_id=UUID(int=0))


def metadata(*topics: SimpleNamespace) -> SimpleNamespace:
    """A response of a cluster of two."""
    brokers = [
        told(node_id=2, host="b", port=9093, rack=None),
        told(node_id=1, host="a", port=9092, rack="east"),
    ]
    return told(cluster_id="c", brokers=brokers, topics=list(topics))


def test_the_topology_is_sorted_filtered_and_without_made_up_leaders() -> None:
    """A leader of -1 is no leader."""
    response = metadata(topic("no"), topic("orders", partition(1, -1), partition(0, 2)))
    reader = MetadataReader(FakeWire(lambda _: response), Filter(exclude=re.compile("^no$")))
    found, failures = reader.read(0)
    assert found is not None
    assert failures == []
    assert found.brokers == (Broker(1, "a", 9092, "east"), Broker(2, "b", 9093))
    assert list(found.topics) == ["orders"]
    told_partitions = found.topics["orders"].partitions
    assert [(p.id, p.leader, p.replicas, p.isr) for p in told_partitions] == [
        (0, 2, (2, 1), (2,)),
        (1, None, (2, 1), (2,)),
    ]
    assert found.topics["orders"].uuid is None


def test_an_unchanged_topology_is_the_same_object() -> None:
    """Label caches live by that."""
    reader = MetadataReader(FakeWire(lambda _: metadata(topic("a", partition(0, 1)))), Filter())
    assert reader.read(0)[0] is reader.read(0)[0]


def test_a_silent_broker_is_passed_over_and_the_one_that_answered_is_asked_first_from_then() -> (
    None
):
    """Its silence is a failure."""

    def say(call: Call) -> SimpleNamespace:
        if call.broker == 1:
            raise Silence
        return metadata()

    wire = FakeWire(say)
    reader = MetadataReader(wire, Filter())
    assert reader.read(0)[1] == [Failure("Metadata", "1", "TIMED_OUT")]
    assert reader.read(0)[1] == []
    assert [call.broker for call in wire.calls] == [1, 2, 2]


def test_nobody_answers_is_no_topology() -> None:
    """A failure per broker."""

    def say(_: Call) -> SimpleNamespace:
        raise Silence

    found, failures = MetadataReader(FakeWire(say), Filter()).read(0)
    assert found is None
    assert [failure.broker for failure in failures] == ["1", "2", "3"]


def test_a_topic_that_may_not_be_read_is_left_out_and_counted() -> None:
    """The others are there."""
    response = metadata(
        topic("secret", code=TOPIC_AUTHORIZATION_FAILED), topic("orders", partition(0, 1))
    )
    found, failures = MetadataReader(FakeWire(lambda _: response), Filter()).read(0)
    assert found is not None
    assert list(found.topics) == ["orders"]
    assert failures == [Failure("Metadata", "1", "TOPIC_AUTHORIZATION_FAILED")]


def test_in_a_large_cluster_a_silence_is_not_answered_by_asking_everybody() -> None:
    """Three others are, and other ones the next time."""

    def say(_: Call) -> SimpleNamespace:
        raise Silence

    wire = FakeWire(say, brokers=range(1, 61))
    reader = MetadataReader(wire, Filter())
    failures = [reader.read(0)[1], reader.read(0)[1]]
    assert [call.broker for call in wire.calls] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [[f.broker for f in told] for told in failures] == [
        ["1", "2", "3", "4"],
        ["5", "6", "7", "8"],
    ]


def test_the_only_living_broker_of_twenty_is_found_at_once() -> None:
    """Brokers that refuse make room for the next."""

    def say(call: Call) -> SimpleNamespace:
        if call.broker != 20:
            raise Refusal
        return metadata()

    wire = FakeWire(say, brokers=range(1, 21))
    reader = MetadataReader(wire, Filter())

    found, failures = reader.read(0)

    assert found is not None
    assert len(failures) == 19
    reader.read(0)
    assert wire.calls[-1].broker == 20, "it is asked first from then"
