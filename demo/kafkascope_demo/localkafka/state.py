"""What a cluster's directory holds: its specification, its ports, and a folder per node."""

from __future__ import annotations

import base64
import dataclasses
import json
import shutil
import uuid
from pathlib import Path
from typing import Any, Final, Self

from kafkascope_demo.localkafka.errors import LocalKafkaError
from kafkascope_demo.localkafka.ports import free_ports
from kafkascope_demo.localkafka.spec import ClusterSpec

HOST: Final = "127.0.0.1"
_PORTS_PER_NODE: Final = 3


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


@dataclasses.dataclass(frozen=True, slots=True)
class ClusterState:
    """What stays the same over restarts of a cluster.

    Args:
        spec: What it was asked to be.
        cluster_id: Kafka's cluster id.
        ports: Ports of each node.
        issuer_port: Port of the token issuer (OAUTHBEARER only).
        zookeeper_port: Port of ZooKeeper (ZooKeeper mode only).
    """

    spec: ClusterSpec
    cluster_id: str
    ports: dict[int, NodePorts]
    issuer_port: int
    zookeeper_port: int

    @classmethod
    def of(cls, spec: ClusterSpec) -> Self:
        """Choose an id and ports for a new cluster."""
        clients = range(spec.first_port or 0, (spec.first_port or 0) + spec.nodes)
        block = free_ports(spec.nodes * _PORTS_PER_NODE + 2, avoid=clients)
        if spec.first_port is None:
            clients = range(block[0], block[0] + spec.nodes)
        controllers, internals = block[spec.nodes : 2 * spec.nodes], block[2 * spec.nodes :]
        ports = {
            number: NodePorts(*chosen)
            for number, chosen in enumerate(
                zip(clients, controllers, internals, strict=False), start=1
            )
        }
        return cls(spec, random_id(), ports, block[-1], block[-2])

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {
            "spec": self.spec.to_json(),
            "cluster_id": self.cluster_id,
            "ports": {number: dataclasses.asdict(ports) for number, ports in self.ports.items()},
            "issuer_port": self.issuer_port,
            "zookeeper_port": self.zookeeper_port,
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        ports = {int(number): NodePorts(**ports) for number, ports in fields["ports"].items()}
        return cls(
            ClusterSpec.from_json(fields["spec"]),
            fields["cluster_id"],
            ports,
            fields["issuer_port"],
            fields["zookeeper_port"],
        )


@dataclasses.dataclass(frozen=True, slots=True)
class ClusterDirectory:
    """Paths inside a cluster's directory.

    Args:
        root: The directory.
    """

    root: Path

    @property
    def lock(self) -> Path:
        """Held while the cluster is being changed."""
        return self.root / "lock"

    @property
    def certificates(self) -> Path:
        """Keys and certificates of a TLS cluster."""
        return self.root / "certificates"

    @property
    def logging(self) -> Path:
        """Logging configuration of the brokers."""
        return self.root / "log4j.properties"

    @property
    def tool_logging(self) -> Path:
        """Logging configuration of the tools."""
        return self.root / "log4j-tools.properties"

    @property
    def options(self) -> Path:
        """Java options of the brokers."""
        return self.root / "java-broker.options"

    @property
    def tool_options(self) -> Path:
        """Java options of the tools."""
        return self.root / "java-tools.options"

    @property
    def issuer(self) -> Path:
        """Folder of the token issuer."""
        return self.root / "issuer"

    def client_configuration(self, user: str) -> Path:
        """Properties that Kafka's tools connect with to a secured listener."""
        return self.root / f"client-{user}.properties"

    def claim(self) -> None:
        """Make the directory ours, and drop what an interrupted start left in it.

        Raises:
            LocalKafkaError: It holds something else.
        """
        self.require_ours()
        self._mark.touch()
        for entry in self.root.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry not in {self._mark, self.lock}:
                entry.unlink()

    def require_ours(self) -> None:
        """Refuse a directory that something else uses.

        Raises:
            LocalKafkaError: It holds something, and no cluster.
        """
        if not self._mark.exists() and any(entry != self.lock for entry in self.root.iterdir()):
            raise LocalKafkaError(
                f"{self.root} is not empty and holds no cluster; choose another --directory"
            )

    def remove(self) -> None:
        """Remove the directory, if it is ours."""
        if self._mark.exists():
            shutil.rmtree(self.root)

    @property
    def _mark(self) -> Path:
        return self.root / ".kafkascope-cluster"

    def node(self, number: int) -> Path:
        """Folder of a node."""
        return self.root / f"node-{number}"

    def properties(self, number: int) -> Path:
        """Server properties of a node."""
        return self.node(number) / "server.properties"

    def data(self, number: int) -> Path:
        """Log directory of a node."""
        return self.node(number) / "data"

    def log(self, name: str) -> Path:
        """Log of a process."""
        return self.root / name / f"{name}.log"

    def pid(self, name: str) -> Path:
        """Process id of a process."""
        return self.root / name / "process.json"

    def read_state(self) -> ClusterState | None:
        """The cluster's state; None when there is no cluster here.

        Raises:
            LocalKafkaError: The file is damaged.
        """
        path = self.root / "cluster.json"
        try:
            return ClusterState.from_json(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise LocalKafkaError(
                f"{path} is damaged; remove {self.root} after stopping what runs from it"
            ) from error

    def forget_state(self) -> None:
        """Drop the cluster's state: the next start makes a new cluster here. Logs stay."""
        (self.root / "cluster.json").unlink(missing_ok=True)

    def write_state(self, state: ClusterState) -> None:
        """Store the cluster's state."""
        path = self.root / "cluster.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(state.to_json(), indent=1), encoding="utf-8")
        temporary.replace(path)


def random_id() -> str:
    """A random id in Kafka's notation: 22 characters that do not begin with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def address(ports: NodePorts) -> str:
    """Address of a node's listener for clients."""
    return f"{HOST}:{ports.client}"
