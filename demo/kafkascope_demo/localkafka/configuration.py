"""Server properties and logging configuration of a node: pure text."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka.spec import ClusterSpec

HOST: Final = "127.0.0.1"


@dataclasses.dataclass(frozen=True, slots=True)
class NodePorts:
    """Loopback ports of one node.

    Args:
        client: The listener for clients.
        controller: The controllers' listener.
        internal: The listener between brokers of a secured cluster.
    """

    client: int
    controller: int
    internal: int


def server_properties(
    spec: ClusterSpec,
    number: int,
    ports: Mapping[int, NodePorts],
    data: Path,
    security: Mapping[str, str],
) -> str:
    """Write ``server.properties`` of a node.

    Args:
        spec: The cluster.
        number: The node, from 1.
        ports: Ports of every node.
        data: The node's log directory.
        security: Properties of the secured listener; empty for a PLAINTEXT cluster.
    """
    properties = {
        **_identity(number, ports),
        **_listeners(spec, ports[number]),
        **_sizes(spec),
        "log.dirs": str(data),
        "broker.rack": f"rack-{(number - 1) % 3 + 1}",
        **security,
        **spec.properties,
    }
    return "".join(f"{key}={_escape(value)}\n" for key, value in properties.items())


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _identity(number: int, ports: Mapping[int, NodePorts]) -> dict[str, str]:
    voters = ",".join(f"{node}@{HOST}:{ports[node].controller}" for node in sorted(ports))
    return {
        "process.roles": "broker,controller",
        "node.id": str(number),
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
    }


def _listeners(spec: ClusterSpec, own: NodePorts) -> dict[str, str]:
    brokers = {"CLIENT": own.client}
    if spec.listener != "PLAINTEXT":
        brokers["INTERNAL"] = own.internal
    internal = "SASL_PLAINTEXT" if spec.acls else "PLAINTEXT"
    protocols = {"CLIENT": spec.listener, "INTERNAL": internal, "CONTROLLER": internal}
    return {
        "listeners": ",".join(
            f"{name}://{HOST}:{port}"
            for name, port in (brokers | {"CONTROLLER": own.controller}).items()
        ),
        "advertised.listeners": ",".join(
            f"{name}://{HOST}:{port}" for name, port in brokers.items()
        ),
        "listener.security.protocol.map": ",".join(
            f"{name}:{protocol}" for name, protocol in protocols.items()
        ),
        "inter.broker.listener.name": "INTERNAL" if "INTERNAL" in brokers else "CLIENT",
    }


def _sizes(spec: ClusterSpec) -> dict[str, str]:
    replication = str(min(3, spec.nodes))
    in_sync = str(min(2, spec.nodes))
    return {
        "auto.create.topics.enable": "false",
        "controlled.shutdown.enable": "true",
        "default.replication.factor": replication,
        "delete.topic.enable": "true",
        "group.initial.rebalance.delay.ms": "0",
        "log.retention.check.interval.ms": "10000",
        "log.segment.delete.delay.ms": "1000",
        "num.io.threads": "4",
        "num.network.threads": "2",
        "num.recovery.threads.per.data.dir": "1",
        "offsets.topic.num.partitions": "10",
        "offsets.topic.replication.factor": replication,
        "share.coordinator.state.topic.num.partitions": "3",
        "share.coordinator.state.topic.replication.factor": replication,
        "share.coordinator.state.topic.min.isr": in_sync,
        "transaction.state.log.num.partitions": "3",
        "transaction.state.log.replication.factor": replication,
        "transaction.state.log.min.isr": in_sync,
    }


_LOG4J2: Final = """\
status = error
rootLogger.level = {level}
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = {target}
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{{ISO8601}} %-5p %m (%c)%n
logger.config.name = org.apache.kafka.common.config
logger.config.level = warn
logger.clients.name = org.apache.kafka.clients
logger.clients.level = warn
logger.oauthbearer.name = org.apache.kafka.common.security.oauthbearer
logger.oauthbearer.level = error
"""

_LOG4J1: Final = """\
log4j.rootLogger={level}, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target={target}
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{{ISO8601}} %-5p %m (%c)%n
log4j.logger.org.apache.kafka.common.config=WARN
log4j.logger.org.apache.kafka.clients=WARN
log4j.logger.org.apache.kafka.common.security.oauthbearer=ERROR
log4j.logger.org.apache.zookeeper=WARN
"""


def logging_files(spec: ClusterSpec) -> tuple[str, str]:
    """Logging configuration for the brokers and for the tools, in log4j's notation of the version.

    The tools' goes to standard error, so that their output stays clean.
    """
    text = _LOG4J1 if spec.version.startswith("3.") else _LOG4J2
    out, err = ("System.out", "System.err") if text is _LOG4J1 else ("SYSTEM_OUT", "SYSTEM_ERR")
    return text.format(level="info", target=out), text.format(level="warn", target=err)
