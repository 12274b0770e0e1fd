"""Kafka's own command line tools: which class each one is, and how it is told the cluster."""

from __future__ import annotations

import dataclasses
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka.distribution import Distribution
from kafkascope_demo.localkafka.errors import LocalKafkaError

# Main classes of kafka-NAME.sh, newest first: tools moved between packages over the releases.
TOOLS: Final = {
    "acls": ("org.apache.kafka.tools.AclCommand", "kafka.admin.AclCommand"),
    "broker-api-versions": (
        "org.apache.kafka.tools.BrokerApiVersionsCommand",
        "kafka.admin.BrokerApiVersionsCommand",
    ),
    "client-metrics": ("org.apache.kafka.tools.ClientMetricsCommand",),
    "cluster": ("org.apache.kafka.tools.ClusterTool", "kafka.tools.ClusterTool"),
    "configs": ("org.apache.kafka.tools.ConfigCommand", "kafka.admin.ConfigCommand"),
    "console-consumer": (
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        "kafka.tools.ConsoleConsumer",
    ),
    "console-producer": ("org.apache.kafka.tools.ConsoleProducer", "kafka.tools.ConsoleProducer"),
    "console-share-consumer": ("org.apache.kafka.tools.consumer.ConsoleShareConsumer",),
    "consumer-groups": (
        "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
        "kafka.admin.ConsumerGroupCommand",
    ),
    "consumer-perf-test": ("org.apache.kafka.tools.ConsumerPerformance",),
    "delete-records": (
        "org.apache.kafka.tools.DeleteRecordsCommand",
        "kafka.admin.DeleteRecordsCommand",
    ),
    "dump-log": ("org.apache.kafka.tools.DumpLogSegments", "kafka.tools.DumpLogSegments"),
    "features": ("org.apache.kafka.tools.FeatureCommand", "kafka.admin.FeatureCommand"),
    "get-offsets": ("org.apache.kafka.tools.GetOffsetShell", "kafka.tools.GetOffsetShell"),
    "groups": ("org.apache.kafka.tools.GroupsCommand",),
    "leader-election": (
        "org.apache.kafka.tools.LeaderElectionCommand",
        "kafka.admin.LeaderElectionCommand",
    ),
    "log-dirs": ("org.apache.kafka.tools.LogDirsCommand", "kafka.admin.LogDirsCommand"),
    "metadata-quorum": (
        "org.apache.kafka.tools.MetadataQuorumCommand",
        "kafka.admin.MetadataQuorumCommand",
    ),
    "producer-perf-test": ("org.apache.kafka.tools.ProducerPerformance",),
    "reassign-partitions": (
        "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
        "kafka.admin.ReassignPartitionsCommand",
    ),
    "share-groups": ("org.apache.kafka.tools.consumer.group.ShareGroupCommand",),
    "storage": ("kafka.tools.StorageTool",),
    "topics": ("org.apache.kafka.tools.TopicCommand", "kafka.admin.TopicCommand"),
    "transactions": (
        "org.apache.kafka.tools.TransactionsCommand",
        "kafka.tools.TransactionsCommand",
    ),
}

# Tools that talk to no broker, or name it otherwise.
_OFFLINE: Final = frozenset({"storage", "dump-log"})
# Tools with sub-commands that take the brokers before the sub-command only.
_CONNECT_FIRST: Final = frozenset({"features", "metadata-quorum", "transactions"})
_PRODUCER_PROPERTIES: Final = frozenset({"producer-perf-test"})
# Before KIP-1147 (4.2) tools had names of their own for the same flag.
_OLD_CONFIG_FLAGS: Final = {
    "console-consumer": "--consumer.config",
    "console-share-consumer": "--consumer.config",
    "console-producer": "--producer.config",
    "consumer-perf-test": "--consumer.config",
    "producer-perf-test": "--producer.config",
    "cluster": "--config",
    "leader-election": "--admin.config",
}
_CONFIG_FLAG: Final = "--command-config"
_FIRST_UNIFORM: Final = (4, 2, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Connection:
    """How tools reach the cluster.

    Args:
        bootstrap_servers: Addresses of the brokers.
        properties: Client properties of a secured listener; None for PLAINTEXT.
    """

    bootstrap_servers: str
    properties: Path | None


def command(
    connection: Connection,
    distribution: Distribution,
    java: Path,
    options: Path,
    name: str,
    arguments: Sequence[str],
) -> list[str]:
    """Command line that runs a tool.

    Args:
        connection: Filled in unless the arguments say otherwise.
        distribution: Kafka's jars.
        java: The Java program.
        options: File of Java options, the class path among them.
        name: As in ``kafka-NAME.sh``.
        arguments: The tool's arguments.

    Raises:
        LocalKafkaError: There is no such tool in this version.
    """
    connect = _connect(connection, name, arguments, distribution.version)
    ordered = [*connect, *arguments] if name in _CONNECT_FIRST else [*arguments, *connect]
    return [str(java), f"@{options}", _main_class(name, distribution), *ordered]


def _connect(
    connection: Connection, name: str, arguments: Sequence[str], version: str
) -> list[str]:
    if name in _OFFLINE or "--help" in arguments or "--version" in arguments:
        return []
    given = {argument.split("=", 1)[0] for argument in arguments}
    if "--bootstrap-server" in given or "--bootstrap-controller" in given:
        return []
    uniform = tuple(map(int, version.split("."))) >= _FIRST_UNIFORM
    if name in _PRODUCER_PROPERTIES:
        flag = "--command-property" if uniform else "--producer-props"
        added = [flag, f"bootstrap.servers={connection.bootstrap_servers}"]
    else:
        added = ["--bootstrap-server", connection.bootstrap_servers]
    flag = _CONFIG_FLAG if uniform else _OLD_CONFIG_FLAGS.get(name, _CONFIG_FLAG)
    if connection.properties and flag not in given:
        added += [flag, str(connection.properties)]
    return added


def _main_class(name: str, distribution: Distribution) -> str:
    candidates = TOOLS.get(name)
    if candidates is None:
        raise LocalKafkaError(f"there is no tool {name!r}; there are: {', '.join(sorted(TOOLS))}")
    jars = [jar for jar in distribution.tools if jar.name.startswith(("kafka_", "kafka-tools"))]
    for candidate in candidates:
        entry = candidate.replace(".", "/") + ".class"
        for jar in jars:
            with zipfile.ZipFile(jar) as archive:
                if entry in archive.NameToInfo:
                    return candidate
    raise LocalKafkaError(f"Kafka {distribution.version} has no tool {name!r}")
