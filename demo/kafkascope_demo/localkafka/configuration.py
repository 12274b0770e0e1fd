"""Server properties and logging configuration of a node: pure text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka.spec import ClusterSpec
from kafkascope_demo.localkafka.state import HOST, ClusterState, NodePorts


def server_properties(
    state: ClusterState, number: int, data: Path, security: Mapping[str, str]
) -> str:
    """Write ``server.properties`` of a node.

    Args:
        state: The cluster.
        number: The node, from 1.
        data: The node's log directory.
        security: Properties of the secured listener; empty for a PLAINTEXT cluster.
    """
    spec = state.spec
    properties = {
        **(_kraft(state, number) if spec.mode == "kraft" else _zookeeper(state, number)),
        **_listeners(spec, state.ports[number]),
        **_sizes(spec),
        "log.dirs": str(data),
        "broker.rack": f"rack-{(number - 1) % 3 + 1}",
        **security,
        **spec.properties,
    }
    return "".join(f"{key}={_escape(value)}\n" for key, value in properties.items())


def zookeeper_configuration(port: int, data: Path) -> str:
    """Write the configuration of a ZooKeeper on loopback."""
    return (
        f"dataDir={data}\nclientPort={port}\nclientPortAddress={HOST}\n"
        "admin.enableServer=false\nmaxClientCnxns=0\ntickTime=1000\n"
    )


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _kraft(state: ClusterState, number: int) -> dict[str, str]:
    voters = (f"{node}@{HOST}:{ports.controller}" for node, ports in sorted(state.ports.items()))
    return {
        "process.roles": "broker,controller",
        "node.id": str(number),
        "controller.quorum.voters": ",".join(voters),
        "controller.listener.names": "CONTROLLER",
    }


def _zookeeper(state: ClusterState, number: int) -> dict[str, str]:
    return {"broker.id": str(number), "zookeeper.connect": f"{HOST}:{state.zookeeper_port}"}


def _listeners(spec: ClusterSpec, own: NodePorts) -> dict[str, str]:
    brokers = {"CLIENT": own.client}
    if spec.listener != "PLAINTEXT":
        brokers["INTERNAL"] = own.internal
    controllers = {"CONTROLLER": own.controller} if spec.mode == "kraft" else {}
    internal = "SASL_PLAINTEXT" if spec.acls else "PLAINTEXT"
    protocols = {"CLIENT": spec.listener, "INTERNAL": internal, "CONTROLLER": internal}
    return {
        "listeners": _addresses(brokers | controllers),
        "advertised.listeners": _addresses(brokers),
        "listener.security.protocol.map": ",".join(
            f"{name}:{protocol}" for name, protocol in protocols.items()
        ),
        "inter.broker.listener.name": "INTERNAL" if "INTERNAL" in brokers else "CLIENT",
    }


def _addresses(listeners: Mapping[str, int]) -> str:
    return ",".join(f"{name}://{HOST}:{port}" for name, port in listeners.items())


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
    text = _LOG4J1 if spec.release < (4,) else _LOG4J2
    out, err = ("System.out", "System.err") if text is _LOG4J1 else ("SYSTEM_OUT", "SYSTEM_ERR")
    return text.format(level="info", target=out), text.format(level="warn", target=err)
