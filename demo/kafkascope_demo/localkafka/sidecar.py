"""Processes beside the brokers: the token issuer, and ZooKeeper for clusters of old."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka import issuer, node
from kafkascope_demo.localkafka.configuration import zookeeper_configuration
from kafkascope_demo.localkafka.errors import LocalKafkaError
from kafkascope_demo.localkafka.process import ProcessId, spawn
from kafkascope_demo.localkafka.state import HOST, ClusterDirectory, ClusterState

_ISSUER: Final = "issuer"
_ZOOKEEPER: Final = "zookeeper"
_READY_S: Final = 30.0
_GRACE_S: Final = 10.0


def start_issuer(at: ClusterDirectory, state: ClusterState) -> None:
    """Start the token issuer unless it runs, and wait until it listens.

    Raises:
        LocalKafkaError: It does not.
    """
    # -P: modules beside the program must not shadow others.
    program = [sys.executable, "-P", str(Path(issuer.__file__))]
    arguments = [str(state.issuer_port), str(at.issuer)]
    _start(at, _ISSUER, [*program, *arguments], state.issuer_port)


def start_zookeeper(at: ClusterDirectory, state: ClusterState, runtime: node.Runtime) -> None:
    """Start ZooKeeper unless it runs, and wait until it listens.

    Raises:
        LocalKafkaError: It does not.
    """
    folder = at.root / _ZOOKEEPER
    folder.mkdir(exist_ok=True)
    configuration = folder / "zookeeper.properties"
    configuration.write_text(
        zookeeper_configuration(state.zookeeper_port, folder / "data"), encoding="utf-8"
    )
    command = runtime.command(
        # Its beans for log4j 1 need a class that reload4j lacks.
        ["-Xmx128m", "-Dzookeeper.jmx.log4j.disable=true"],
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        str(configuration),
    )
    _start(at, _ZOOKEEPER, command, state.zookeeper_port)


def stop_sidecars(at: ClusterDirectory) -> None:
    """Stop what runs beside the brokers."""
    found = (ProcessId.read(at.pid(name)) for name in (_ISSUER, _ZOOKEEPER))
    node.stop([process for process in found if process], _GRACE_S)


def _start(at: ClusterDirectory, name: str, command: Sequence[str], port: int) -> None:
    process = ProcessId.read(at.pid(name))
    if process is None or process.state() != "running":
        process = spawn(command, log=at.log(name), mark=f"{at.root / name}")
        process.write(at.pid(name))
    ends_at = time.monotonic() + _READY_S
    while not _listens(port):
        if process.state() != "running" or time.monotonic() > ends_at:
            raise LocalKafkaError(f"the {name} does not answer; its log: {at.log(name)}")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
