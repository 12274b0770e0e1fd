"""`kafkascope-demo kafka-setup` against a real broker with SCRAM users and ACLs."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import ClusterSpec, LocalKafka
from tests.integration.secured import EVERY_SASL

pytestmark = pytest.mark.xdist_group("acls")


@pytest.fixture(scope="module")
def acl_kafka(secured_kafka: Callable[[ClusterSpec], LocalKafka]) -> LocalKafka:
    """A broker with ACLs on."""
    return secured_kafka(EVERY_SASL)


def run(
    kafka: LocalKafka, folder: Path, setup: dict[str, Any]
) -> "subprocess.CompletedProcess[str]":
    """Run the command as the administrator."""
    properties = folder / "client.properties"
    known = kafka.client_properties()
    properties.write_text("".join(f"{name}={value}\n" for name, value in known.items()))
    file = folder / "setup.yaml"
    file.write_text(yaml.safe_dump(setup))
    return subprocess.run(
        [sys.executable, "-m", "kafkascope_demo", "kafka-setup", str(file)],
        env=os.environ
        | {
            "KAFKA_PROPERTIES_FILE": str(properties),
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def produce(kafka: LocalKafka, user: str, password: str, topic: str) -> KafkaError | None:
    """Produce one message as a user, and tell what was wrong."""
    known = kafka.client_properties()
    producer = Producer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": known["ssl.ca.location"],
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": password,
            "message.timeout.ms": 15000,
        }
    )
    found: list[KafkaError | None] = []
    producer.produce(topic, b"x", on_delivery=lambda error, _: found.append(error))
    producer.flush(20)
    assert len(found) == 1
    return found[0]


def test_a_user_may_do_what_the_file_says_and_nothing_else(
    acl_kafka: LocalKafka, tmp_path: Path
) -> None:
    """Topic, password and rights are there; a second run changes nothing."""
    name = f"setup-{uuid.uuid4().hex[:8]}"
    password = tmp_path / "password"
    password.write_text("a-password\n")
    setup = {
        "topics": [
            {"name": topic, "partitions": 2, "replication_factor": 1, "config": {}}
            for topic in (name, f"{name}-other")
        ],
        "users": [{"name": name, "password_file": str(password)}],
        "acls": [
            {"user": name, "resource": "topic", "name": name, "operations": ["Write", "Describe"]},
            {
                "user": name,
                "resource": "cluster",
                "name": "kafka-cluster",
                "operations": ["IdempotentWrite"],
            },
        ],
    }
    for _ in range(2):
        done = run(acl_kafka, tmp_path, setup)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            f"SCRAM users: {name}",
            "ACLs: 3",
            f"topics: {name}, {name}-other",
        ]
    described = AdminClient(dict(acl_kafka.client_properties())).list_topics(name, 20)
    assert len(described.topics[name].partitions) == 2
    assert produce(acl_kafka, name, "a-password", name) is None
    refused = produce(acl_kafka, name, "a-password", f"{name}-other")
    assert refused is not None
    assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_what_the_broker_refuses_is_told_without_a_traceback(
    acl_kafka: LocalKafka, tmp_path: Path
) -> None:
    """And at once: waiting would not help."""
    topic = {"name": "no such name!", "partitions": 1, "replication_factor": 1}
    done = run(acl_kafka, tmp_path, {"topics": [topic]})
    assert done.returncode == 1
    assert done.stderr.startswith("kafkascope-demo kafka-setup: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("setup", "told"),
    [
        ({"topics": [{"partitions": 1}]}, "not understood: KeyError('replication_factor')"),
        ({"users": [{"name": "a", "password_file": "/nowhere/p"}]}, "/nowhere/p: No such file"),
        (
            {"acls": [{"user": "a", "resource": "topic", "name": "b", "operations": ["Reed"]}]},
            "not understood: KeyError('REED')",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, setup: dict[str, Any], told: str
) -> None:
    """Before anything is asked of Kafka."""
    file = tmp_path / "setup.yaml"
    file.write_text(yaml.safe_dump(setup))
    done = subprocess.run(
        [sys.executable, "-m", "kafkascope_demo", "kafka-setup", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert told in done.stderr
