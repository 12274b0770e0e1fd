"""A local cluster of real brokers: up, down, and each broker's mishaps on demand."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from kafkascope_demo.localkafka import tools
from kafkascope_demo.localkafka.brokers import GRACE_S, Brokers, BrokerStatus
from kafkascope_demo.localkafka.distribution import Progress, exclusive, load
from kafkascope_demo.localkafka.errors import LocalKafkaError
from kafkascope_demo.localkafka.java import find_java
from kafkascope_demo.localkafka.ports import require_free
from kafkascope_demo.localkafka.provision import provision, security_of
from kafkascope_demo.localkafka.space import storing
from kafkascope_demo.localkafka.spec import ClusterSpec
from kafkascope_demo.localkafka.state import ClusterDirectory, ClusterState, address


class LocalKafka:
    """One cluster, whose whole state lives in one directory.

    Every object on the same directory drives the same cluster, from any process.

    Args:
        directory: The cluster's directory; made by ``up``, removed by ``down``.
    """

    def __init__(self, directory: Path) -> None:
        self._at = ClusterDirectory(Path(directory).absolute())

    @property
    def directory(self) -> Path:
        """The cluster's directory."""
        return self._at.root

    @property
    def spec(self) -> ClusterSpec:
        """What the cluster was asked to be.

        Raises:
            LocalKafkaError: There is no cluster here.
        """
        return self._state().spec

    @property
    def broker_ids(self) -> tuple[int, ...]:
        """Ids of all brokers, running or not."""
        return self._brokers().ids

    @property
    def bootstrap_servers(self) -> str:
        """Addresses of all brokers, comma-separated."""
        ports = self._state().ports
        return ",".join(address(ports[number]) for number in sorted(ports))

    def pid(self, number: int) -> int:
        """Process id of a broker.

        Raises:
            LocalKafkaError: It is not running.
        """
        brokers = self._brokers()
        for broker in brokers.status():
            if broker.broker_id == number and broker.pid is not None:
                return broker.pid
        raise LocalKafkaError(brokers.not_running(number))

    def log_path(self, number: int) -> Path:
        """Log of a broker."""
        return self._at.log(f"node-{number}")

    def client_properties(self, user: str = "admin") -> dict[str, str]:
        """Properties that a librdkafka client connects with, the bootstrap servers among them.

        Args:
            user: Who connects: ``admin``, ``exporter`` or ``app``; all the same where the listener
                does not authenticate.

        Raises:
            LocalKafkaError: There is no such user.
        """
        properties = security_of(self._at, self._state()).librdkafka_properties(user)
        return {"bootstrap.servers": self.bootstrap_servers, **properties}

    def up(self, spec: ClusterSpec, progress: Progress | None = None) -> None:
        """Start the cluster, and wait until every broker answers as the full cluster.

        A cluster that is there already, with the same specification, is completed: its stopped
        brokers are started, with their data.

        Args:
            spec: What it is to be.
            progress: Told what is being done, how much of it is done, and of how much.

        Raises:
            LocalKafkaError: It cannot start; nothing of it is left running.
        """
        tell = progress or _tell_nobody
        with storing(self._at.root, spec.nodes):
            self._at.require_ours()
            with exclusive(self._at.lock):
                new = self._at.read_state() is None
                try:
                    self._start(self._prepared(spec, tell), tell)
                except BaseException:
                    if new:
                        self._at.forget_state()
                    raise

    def start_broker(self, *numbers: int) -> None:
        """Start stopped brokers, and wait until they and the running ones see each other.

        Where the running controllers are no majority, no broker can become ready: then this does
        not wait.

        Raises:
            LocalKafkaError: One does not start, or dies.
        """
        brokers = self._brokers()
        known = brokers.known(numbers)
        with exclusive(self._at.lock):
            stopped = brokers.with_state("stopped")
            brokers.start([number for number in known if number in stopped], _tell_nobody)

    def stop_broker(self, *numbers: int, kill: bool = False) -> None:
        """Stop brokers and wait until their processes are gone.

        Args:
            numbers: Which.
            kill: At once (SIGKILL), instead of a controlled shutdown (SIGTERM).

        Raises:
            LocalKafkaError: No such broker.
        """
        brokers = self._brokers()
        known = brokers.known(numbers)
        with exclusive(self._at.lock):
            brokers.stop(known, 0 if kill else GRACE_S)

    def pause_broker(self, *numbers: int) -> None:
        """Freeze brokers (SIGSTOP): their connections stay open and nothing answers.

        Raises:
            LocalKafkaError: One is not running.
        """
        brokers = self._brokers()
        brokers.pause(brokers.known(numbers))

    def resume_broker(self, *numbers: int) -> None:
        """Let frozen brokers go on (SIGCONT).

        Raises:
            LocalKafkaError: One is not running.
        """
        brokers = self._brokers()
        brokers.resume(brokers.known(numbers))

    def wait_until_ready(self) -> None:
        """Wait until all running brokers see each other.

        Raises:
            LocalKafkaError: One dies, or does not become ready in two minutes.
        """
        brokers = self._brokers()
        brokers.wait_until_ready(brokers.with_state("running"), _tell_nobody)

    def status(self) -> list[BrokerStatus]:
        """What each broker's process does; empty when there is no cluster here."""
        state = self._at.read_state()
        return Brokers(self._at, state).status() if state else []

    def tool(
        self, name: str, arguments: Sequence[str], *, stdin: str = "", user: str = "admin"
    ) -> subprocess.CompletedProcess[str]:
        """Run one of Kafka's own tools on this cluster and capture what it says.

        Args:
            name: As in ``kafka-NAME.sh``: ``topics``, ``consumer-groups``, ``acls``, …
            arguments: Its arguments; the bootstrap servers are filled in.
            stdin: What it reads.
            user: Who runs it, on a secured listener.

        Raises:
            LocalKafkaError: There is no such tool.
        """
        return subprocess.run(
            self.tool_command(name, arguments, user=user),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    def tool_command(
        self, name: str, arguments: Sequence[str], *, user: str = "admin"
    ) -> list[str]:
        """Command line that runs one of Kafka's own tools on this cluster; see ``tool``."""
        spec = self.spec
        secured = spec.listener != "PLAINTEXT"
        return tools.command(
            tools.Connection(
                self.bootstrap_servers, self._at.client_configuration(user) if secured else None
            ),
            load(spec.version, _tell_nobody),
            find_java(spec.version, _tell_nobody),
            self._at.tool_options,
            name,
            arguments,
        )

    def down(self, keep_data: bool = False) -> None:  # noqa: FBT001, FBT002 - the agreed signature
        """Stop all brokers, paused ones too.

        Args:
            keep_data: Whether the brokers' data stays, for the next ``up``; then they shut down in
                order. Else they are killed, and the directory is removed.
        """
        state = self._at.read_state()
        if state is None:
            return
        with exclusive(self._at.lock):
            Brokers(self._at, state).stop_all(GRACE_S if keep_data else 0)
        if not keep_data:
            self._at.remove()

    def _prepared(self, spec: ClusterSpec, tell: Progress) -> ClusterState:
        """The state of the cluster that is here, or of a new one."""
        state = self._at.read_state()
        if state is None:
            return provision(self._at, spec, tell)
        if state.spec != spec:
            raise LocalKafkaError(
                f"{self._at.root} holds another cluster ({_differences(state.spec, spec)}); "
                "take it down first, or choose another --directory"
            )
        return state

    def _start(self, state: ClusterState, tell: Progress) -> None:
        """Start the stopped brokers; none of them runs on when one fails."""
        brokers = Brokers(self._at, state)
        stopped = brokers.with_state("stopped")
        require_free([state.ports[number].client for number in stopped])
        try:
            brokers.start(stopped, tell)
        except BaseException:
            if len(stopped) == len(brokers.ids):
                brokers.stop_all(0)
            else:
                brokers.stop(stopped, 0)
            raise

    def _brokers(self) -> Brokers:
        return Brokers(self._at, self._state())

    def _state(self) -> ClusterState:
        state = self._at.read_state()
        if state is None:
            raise LocalKafkaError(
                f"there is no cluster in {self._at.root}; start one with: kafkascope-demo kafka up"
            )
        return state


def _differences(there: ClusterSpec, wanted: ClusterSpec) -> str:
    old, new = there.to_json(), wanted.to_json()
    return ", ".join(
        f"{name} {old[name]} instead of {new[name]}" for name in old if old[name] != new[name]
    )


def _tell_nobody(what: str, done: int, total: int) -> None:
    """Take progress and say nothing."""
