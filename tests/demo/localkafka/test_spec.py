from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_demo.localkafka import ClusterSpec, LocalKafkaError
from kafkascope_demo.localkafka.spec import SASL_MECHANISMS


def test_a_sasl_listener_defaults_to_plain() -> None:
    """Nobody has to name a mechanism to get a SASL listener."""
    assert ClusterSpec(listener="SASL_SSL").sasl_mechanism == "PLAIN"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nodes": 0}, "nodes must be 1 to 5, not 0"),
        ({"nodes": 6}, "nodes must be 1 to 5, not 6"),
        ({"version": "4"}, "version must look like"),
        ({"listener": "TLS"}, "listener must be one of PLAINTEXT, SSL"),
        ({"listener": "SASL_SSL", "sasl_mechanism": "NTLM"}, "SASL mechanism must be one of"),
        ({"sasl_mechanism": "PLAIN"}, "a SASL mechanism needs a SASL listener"),
        ({"client_auth": True}, "client certificates need a listener SSL or SASL_SSL"),
        ({"acls": True}, "ACLs need a listener that authenticates"),
        ({"acls": True, "listener": "SSL"}, "ACLs need a listener that authenticates"),
        ({"heap": "lots"}, "heap must look like 256m or 1g"),
        ({"first_port": 70_000}, "first port must be 1 to"),
        ({"mode": "zookeeper"}, "ZooKeeper mode ended with Kafka 3.9"),
        ({"version": "0.11.0.3"}, "KRaft mode began with Kafka 3.3"),
        ({"version": "2.0.1", "mode": "zookeeper"}, "Kafka 2.0 to 2.3 cannot be started"),
        ({"version": "2.3.1", "mode": "zookeeper"}, "Kafka 2.0 to 2.3 cannot be started"),
    ],
)
def test_a_value_that_cannot_be_is_refused(fields: dict[str, object], message: str) -> None:
    """Each bad value, and each combination that cannot work, has its own reason."""
    with pytest.raises(LocalKafkaError, match=message):
        ClusterSpec(**fields)  # type: ignore[arg-type] # wrong on purpose


def test_all_problems_are_told_at_once() -> None:
    """One run tells everything that is wrong."""
    with pytest.raises(LocalKafkaError, match=r"nodes must .*; heap must .*; ACLs need"):
        ClusterSpec(nodes=9, heap="x", acls=True)


@given(
    nodes=st.integers(1, 5),
    mechanism=st.sampled_from(SASL_MECHANISMS),
    tls=st.booleans(),
    acls=st.booleans(),
    properties=st.dictionaries(st.text(min_size=1), st.text()),
)
def test_a_specification_survives_json(
    nodes: int,
    mechanism: str,
    tls: bool,  # noqa: FBT001 - hypothesis passes it
    acls: bool,  # noqa: FBT001 - hypothesis passes it
    properties: dict[str, str],
) -> None:
    """What is stored with a cluster's state is read back as the same."""
    spec = ClusterSpec(
        nodes=nodes,
        listener="SASL_SSL" if tls else "SASL_PLAINTEXT",
        sasl_mechanism=mechanism,
        acls=acls,
        properties=properties,
    )

    assert ClusterSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert hash(ClusterSpec.from_json(spec.to_json())) == hash(spec)
