from __future__ import annotations

from pathlib import Path

from kafkascope_demo.localkafka import ClusterSpec
from kafkascope_demo.localkafka.configuration import server_properties
from kafkascope_demo.localkafka.state import ClusterState


def properties_of(spec: ClusterSpec, number: int = 1) -> dict[str, str]:
    """The node's server properties, read back."""
    text = server_properties(ClusterState.of(spec), number, Path("/data"), {})
    return dict(line.split("=", 1) for line in text.splitlines())


def test_every_node_votes() -> None:
    """All nodes are controllers as well, each on a port of its own."""
    voters = properties_of(ClusterSpec(nodes=5))["controller.quorum.voters"].split(",")

    assert [voter.split("@")[0] for voter in voters] == ["1", "2", "3", "4", "5"]
    assert len({voter.split(":")[1] for voter in voters}) == 5


def test_internal_topics_are_replicated_as_far_as_there_are_brokers() -> None:
    """One broker cannot hold three replicas."""
    key = "offsets.topic.replication.factor"
    factors = [properties_of(ClusterSpec(nodes=nodes))[key] for nodes in (1, 2, 3, 5)]

    assert factors == ["1", "2", "3", "3"]


def test_brokers_are_spread_over_three_racks() -> None:
    """Neighbours are in different racks."""
    spec = ClusterSpec(nodes=5)

    racks = [properties_of(spec, number)["broker.rack"] for number in range(1, 6)]

    assert racks == ["rack-1", "rack-2", "rack-3", "rack-1", "rack-2"]


def test_given_properties_win() -> None:
    """A user's property replaces ours."""
    spec = ClusterSpec(properties={"auto.create.topics.enable": "true"})

    assert properties_of(spec)["auto.create.topics.enable"] == "true"


def test_only_loopback_is_listened_on() -> None:
    """No listener is reachable from another machine."""
    spec = ClusterSpec(listener="SASL_SSL")

    listeners = properties_of(spec)["listeners"].split(",")

    assert [listener.split(":")[1] for listener in listeners] == ["//127.0.0.1"] * 3


def test_the_first_port_is_brokers_ones() -> None:
    """Ports follow each other from the chosen one, and nothing else uses them."""
    state = ClusterState.of(ClusterSpec(nodes=3, first_port=25_000))

    assert [ports.client for ports in state.ports.values()] == [25_000, 25_001, 25_002]
    others = {ports.controller for ports in state.ports.values()}
    assert others.isdisjoint({25_000, 25_001, 25_002})


def test_a_backslash_in_a_property_stays_one() -> None:
    """Java's properties format needs it doubled."""
    spec = ClusterSpec(properties={"key": "a\\b"})

    assert properties_of(spec)["key"] == "a\\\\b"
