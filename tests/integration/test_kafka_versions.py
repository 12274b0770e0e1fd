from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import ClusterSpec, LocalKafka
from tests.waiting import wait_until

pytestmark = [pytest.mark.versions, pytest.mark.timeout(600)]


@pytest.fixture
def older(tmp_path: Path) -> Iterator[LocalKafka]:
    """A cluster that is taken down after the test."""
    kafka = LocalKafka(tmp_path / "kafka")
    yield kafka
    kafka.down()


@pytest.mark.parametrize(
    ("version", "mode"),
    [
        ("4.0.0", "kraft"),
        ("3.9.1", "kraft"),
        ("3.9.1", "zookeeper"),
        ("3.7.0", "kraft"),
        ("3.7.0", "zookeeper"),
    ],
)
def test_an_older_kafka_serves_clients_and_tools(
    older: LocalKafka, version: str, mode: str
) -> None:
    """Three brokers of that version take a message, hand it out, and survive a restart of one."""
    older.up(ClusterSpec(version=version, mode=mode))
    properties = older.client_properties()
    create = ["--create", "--topic", "orders", "--replication-factor", "3"]
    created = older.tool("topics", create)
    assert created.returncode == 0, created.stderr

    producer = Producer({**properties, "acks": "all"})
    producer.produce("orders", b"hello")
    assert producer.flush(30) == 0
    older.stop_broker(1)
    older.start_broker(1)
    consumer = Consumer({**properties, "group.id": "readers", "auto.offset.reset": "earliest"})
    consumer.subscribe(["orders"])
    message = wait_until(lambda: consumer.poll(1), 60, "the message")
    consumer.close()

    assert message is not None
    assert message.value() == b"hello"
    assert set(AdminClient({**properties}).list_topics(timeout=10).brokers) == {1, 2, 3}
    described = older.tool("consumer-groups", ["--describe", "--group", "readers"])
    assert "orders" in described.stdout, described.stderr
    assert older.tool("topics", ["--version"]).stdout.strip().startswith(version)


@pytest.mark.parametrize("mechanism", ["PLAIN", "OAUTHBEARER"])
def test_zookeeper_mode_has_tls_and_acls(older: LocalKafka, mechanism: str) -> None:
    """Security is the same there: admin may, exporter may not until it is granted."""
    older.up(
        ClusterSpec(
            nodes=1,
            version="3.7.0",
            mode="zookeeper",
            listener="SASL_SSL",
            sasl_mechanism=mechanism,
            acls=True,
        )
    )
    assert older.tool("topics", ["--create", "--topic", "orders"]).returncode == 0
    exporter = AdminClient({**older.client_properties("exporter")})
    assert "orders" not in exporter.list_topics(timeout=10).topics

    grant = ["--add", "--allow-principal", "User:exporter", "--operation", "Describe"]
    assert older.tool("acls", [*grant, "--topic", "orders"]).returncode == 0

    wait_until(
        lambda: "orders" in exporter.list_topics(timeout=10).topics, 30, "the grant to take effect"
    )
