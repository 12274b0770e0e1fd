"""The exporter runs with exactly the ACLs of docs/operations.md, and without each one of them."""

import re
import shlex
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
import yaml
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import (
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from kafkascope_demo.exporterprocess import ExporterProcess
from kafkascope_demo.localkafka import ClusterSpec, LocalKafka
from tests.integration.running import running_exporter, series
from tests.integration.secured import EVERY_SASL, add_scram_users
from tests.integration.topics import create_topic, delete_topics
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("acls")

DOCS: Final = Path(__file__).parents[2] / "docs" / "operations.md"
PRINCIPAL: Final = "User:exporter"


def blocks(language: str) -> list[str]:
    """Give the code blocks of the docs in one language."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(), flags=re.DOTALL)
    return found


def documented() -> list[list[str]]:
    """Give the arguments of each kafka-acls command in the docs, from ``--add`` on."""
    lines = [line for block in blocks("sh") for line in block.splitlines() if "kafka-acls" in line]
    return [words[words.index("--add") :] for words in map(shlex.split, lines)]


def grant(kafka: LocalKafka, *resources: str) -> None:
    """Run the documented commands about some kinds of resources."""
    commands = [words for words in documented() if any(f"--{name}" in words for name in resources)]
    assert len(commands) >= len(resources)
    # DescribeConfigs first: what was denied is asked for again in a minute only.
    for command in sorted(commands, key=lambda words: "DescribeConfigs" not in words):
        done = kafka.tool("acls", command)
        assert done.returncode == 0, done.stderr


def revoke(kafka: LocalKafka, resource: ResourceType) -> int:
    """Take the exporter's rights on one kind of resource away, and tell how many there were."""
    any_right = AclBindingFilter(
        restype=resource,
        name=None,  # type: ignore[arg-type] # None means any; the annotation lacks it
        resource_pattern_type=ResourcePatternType.ANY,
        principal=PRINCIPAL,
        host=None,  # type: ignore[arg-type] # the same
        operation=AclOperation.ANY,
        permission_type=AclPermissionType.ANY,
    )
    admin = AdminClient({**kafka.client_properties()})
    return len(admin.delete_acls([any_right])[any_right].result(30))


class Scraped:
    """The newest page of an exporter, for the names that a test made."""

    def __init__(self, exporter: ExporterProcess, topic: str, groups: dict[str, str]) -> None:
        self._exporter = exporter
        self._topic = topic
        self._groups = groups
        self._page = ""

    def _value(self, name: str, **labels: str) -> float | None:
        return next(iter(series(self._page, name, **labels).values()), None)

    def shown(self) -> set[str]:
        """Scrape, and tell which of the expected series are there."""
        self._page = self._exporter.scrape() or ""
        own = {"topic": self._topic}
        classic, consumer = self._groups["classic"], self._groups["consumer"]
        expected = {
            "brokers": ("kafka_brokers", {}, 1.0),
            "controller": ("kafka_cluster_controller_id", {}, 1.0),
            "topics": ("kafka_topic_partitions", own, 1.0),
            "minimum": ("kafka_topic_min_in_sync_replicas", own, 1.0),
            "partitions": ("kafka_topic_partition_current_offset", own, 5.0),
            "classic members": (
                "kafka_consumergroup_members",
                {"consumergroup": classic},
                1.0,
            ),
            "consumer members": (
                "kafka_consumergroup_members",
                {"consumergroup": consumer},
                1.0,
            ),
            "commits": (
                "kafka_consumergroup_current_offset",
                {**own, "consumergroup": classic},
                2.0,
            ),
            "consumerlag": ("kafka_consumergroup_lag", {**own, "consumergroup": classic}, 3.0),
        }
        values = {key: self._value(name, **labels) for key, (name, labels, _) in expected.items()}
        wrong = [key for key, value in values.items() if value not in (None, expected[key][2])]
        assert wrong == [], self._page
        return {key for key, value in values.items() if value is not None}

    def become(self, wanted: set[str]) -> None:
        """Wait until exactly the wanted series are there."""
        wait_until(lambda: self.shown() == wanted, 60, f"exactly {sorted(wanted)}")

    def errors(self, code: str) -> set[str]:
        """Tell the APIs that failed with ``code``."""
        found = series(self._page, "kafka_exporter_errors_total", code=code)
        return {dict(labels)["api"] for labels in found}

    def missing(self, kind: str) -> float:
        """Tell how many of a kind are missing."""
        return self._value("kafka_exporter_missing", kind=kind) or 0.0


EVERYTHING: Final = {
    "brokers",
    "controller",
    "topics",
    "minimum",
    "partitions",
    "classic members",
    "consumer members",
    "commits",
    "consumerlag",
}


@pytest.fixture(scope="module")
def acl_kafka(secured_kafka: Callable[[ClusterSpec], LocalKafka]) -> LocalKafka:
    """A broker with ACLs on."""
    kafka = secured_kafka(EVERY_SASL)
    add_scram_users(kafka)
    return kafka


@pytest.fixture
def topic(acl_kafka: LocalKafka, unique_name: Callable[[], str]) -> Iterator[str]:
    """A topic of one partition with five records."""
    admin = AdminClient({**acl_kafka.client_properties()})
    name = create_topic(admin, unique_name())
    producer = Producer({**acl_kafka.client_properties()})
    for number in range(5):
        producer.produce(name, str(number).encode())
    assert producer.flush(30) == 0
    yield name
    delete_topics(admin, [name])


@pytest.fixture
def groups(
    acl_kafka: LocalKafka, topic: str, unique_name: Callable[[], str]
) -> Iterator[dict[str, str]]:
    """A group by protocol with one member each, which has committed offset 2."""
    consumers = []
    made = {}
    for protocol in ("classic", "consumer"):
        made[protocol] = unique_name()
        consumer = Consumer(
            {
                **acl_kafka.client_properties(),
                "group.id": made[protocol],
                "group.protocol": protocol,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe([topic])
        read = wait_until(partial(consumer.poll, 1.0), 60, f"a record of {protocol}")
        assert read is not None
        assert read.error() is None
        position = consumer.position(consumer.assignment())[0]
        position.offset = 2
        consumer.commit(offsets=[position], asynchronous=False)
        consumers.append(consumer)
    yield made
    for consumer in consumers:
        consumer.close()


@pytest.fixture
def scraped(
    acl_kafka: LocalKafka, topic: str, groups: dict[str, str], tmp_path: Path
) -> Iterator[Scraped]:
    """An exporter that logs in as a principal without any ACL."""
    password = tmp_path / "password"
    password.write_text("exporter-secret\n")
    flags = [
        "--tls.enabled",
        f"--tls.ca-file={acl_kafka.client_properties()['ssl.ca.location']}",
        "--sasl.enabled",
        "--sasl.mechanism=scram-sha512",
        "--sasl.username=exporter",
        f"--sasl.password-file={password}",
        "--collect.hold=0",
    ]
    with running_exporter(acl_kafka.bootstrap_servers, tmp_path, flags) as exporter:
        yield Scraped(exporter, topic, groups)
    revoke(acl_kafka, ResourceType.ANY)


@pytest.mark.timeout(300)
def test_the_documented_acls_suffice_and_each_is_needed(
    acl_kafka: LocalKafka, scraped: Scraped
) -> None:
    """With all everything is there; without one what the docs say is lost, and as they say."""
    scraped.become({"brokers"})
    grant(acl_kafka, "topic", "group", "cluster")
    scraped.become(EVERYTHING)

    assert revoke(acl_kafka, ResourceType.BROKER) == 1  # its name of the cluster
    scraped.become(EVERYTHING - {"controller"})
    assert scraped.errors("CLUSTER_AUTHORIZATION_FAILED") == set()

    assert revoke(acl_kafka, ResourceType.TOPIC) == 2
    scraped.become({"brokers", "classic members"})
    # A cycle that was under way had its metadata and went on to ask for offsets.
    refused = scraped.errors("TOPIC_AUTHORIZATION_FAILED") - {"ListOffsets"}
    assert refused == {"ConsumerGroupDescribe"}
    assert scraped.missing("group_members") == 1

    grant(acl_kafka, "topic")
    scraped.become(EVERYTHING - {"controller"})
    assert scraped.missing("group_members") == 0

    assert revoke(acl_kafka, ResourceType.GROUP) == 1
    scraped.become({"brokers", "topics", "minimum", "partitions"})
    assert scraped.errors("GROUP_AUTHORIZATION_FAILED") == set()

    grant(acl_kafka, "cluster")
    wait_until(
        lambda: scraped.shown() and scraped.missing("group_members") == 2, 60, "groups that fail"
    )
    assert scraped.errors("GROUP_AUTHORIZATION_FAILED") >= {"OffsetFetch", "DescribeGroups"}
    assert scraped.missing("group_offsets") == 2
    assert scraped.shown() == {"brokers", "controller", "topics", "minimum", "partitions"}


def test_the_kafka_user_grants_what_the_commands_grant() -> None:
    """Both ways in the docs lead to the same ACLs."""
    (user,) = [yaml.safe_load(block) for block in blocks("yaml") if "KafkaUser" in block]

    rules = {
        (rule["resource"]["type"], rule["resource"].get("name", ""), operation)
        for rule in user["spec"]["authorization"]["acls"]
        for operation in rule["operations"]
    }

    commands = {
        (
            resource,
            "" if resource == "cluster" else words[words.index(f"--{resource}") + 1],
            words[words.index("--operation") + 1],
        )
        for words in documented()
        for resource in ("topic", "group", "cluster")
        if f"--{resource}" in words
    }
    assert rules == commands
    assert f"User:{user['metadata']['name']}" == PRINCIPAL
    assert all(PRINCIPAL in words for words in documented())
