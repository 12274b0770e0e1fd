from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import pytest

from kafkascope_demo.localkafka import LocalKafkaError, tools
from kafkascope_demo.localkafka.distribution import Distribution


@pytest.fixture
def distribution(tmp_path: Path) -> Distribution:
    """Jars with one old and one new tool."""
    jar = tmp_path / "kafka-tools-1.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("kafka/admin/AclCommand.class", b"")
        archive.writestr("org/apache/kafka/tools/TopicCommand.class", b"")
        archive.writestr("org/apache/kafka/tools/ProducerPerformance.class", b"")
        archive.writestr("kafka/tools/StorageTool.class", b"")
    return Distribution("9.9.9", (jar,), (jar,))


def command(
    distribution: Distribution, name: str, *arguments: str, properties: Path | None = None
) -> list[str]:
    """The tool's main class and arguments."""
    connection = tools.Connection("a:1,b:2", properties)
    made = tools.command(connection, distribution, Path("java"), Path("options"), name, arguments)
    assert made[:2] == ["java", "@options"]
    return made[2:]


def test_the_bootstrap_servers_are_filled_in(distribution: Distribution) -> None:
    """Nobody has to type addresses."""
    assert command(distribution, "topics", "--list") == [
        *("org.apache.kafka.tools.TopicCommand", "--list", "--bootstrap-server", "a:1,b:2")
    ]


def test_a_secured_cluster_fills_in_the_client_properties(distribution: Distribution) -> None:
    """The tool connects as the user."""
    made = command(distribution, "topics", "--list", properties=Path("client"))

    assert made[-2:] == ["--command-config", "client"]


def test_older_tools_get_the_flags_that_they_know(distribution: Distribution) -> None:
    """Before 4.2 the flag had another name in some tools."""
    older = dataclasses.replace(distribution, version="4.1.0")

    made = command(older, "producer-perf-test", "--topic", "a", properties=Path("client"))

    assert made[-4:] == [
        *("--producer-props", "bootstrap.servers=a:1,b:2", "--producer.config", "client")
    ]


@pytest.mark.parametrize(
    "arguments", [["--bootstrap-server", "c:3"], ["--bootstrap-server=c:3"], ["--help"]]
)
def test_what_the_user_says_is_not_said_again(
    distribution: Distribution, arguments: list[str]
) -> None:
    """An own address, or a question for help, gets nothing added."""
    assert command(distribution, "topics", *arguments)[1:] == arguments


def test_storage_is_told_no_address(distribution: Distribution) -> None:
    """It talks to no broker."""
    assert command(distribution, "storage", "random-uuid") == [
        *("kafka.tools.StorageTool", "random-uuid")
    ]


def test_an_older_main_class_is_found(distribution: Distribution) -> None:
    """Tools moved between packages; the jars tell where they are."""
    assert command(distribution, "acls", "--list")[0] == "kafka.admin.AclCommand"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "there is no tool 'nonsense'; there are: acls,"),
        ("groups", "9.9.9 has no tool"),
    ],
)
def test_a_tool_that_does_not_exist_is_refused(
    distribution: Distribution, name: str, message: str
) -> None:
    """The names that there are, or the version that lacks it."""
    with pytest.raises(LocalKafkaError, match=message):
        command(distribution, name)
