"""A local cluster of real brokers: up, down, and each broker's mishaps on demand."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import subprocess
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka import node, tools
from kafkascope_demo.localkafka.distribution import Progress, exclusive, load
from kafkascope_demo.localkafka.errors import LocalKafkaError
from kafkascope_demo.localkafka.java import find_java
from kafkascope_demo.localkafka.ports import require_free
from kafkascope_demo.localkafka.process import ProcessId
from kafkascope_demo.localkafka.provision import prepare_runtime, provision, security_of
from kafkascope_demo.localkafka.readiness import wait_until_ready
from kafkascope_demo.localkafka.sidecar import start_issuer
from kafkascope_demo.localkafka.spec import ClusterSpec
from kafkascope_demo.localkafka.state import ClusterDirectory, ClusterState, address

_READY_S: Final = 120.0
_GRACE_S: Final = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class BrokerStatus:
    """What one broker's process does.

    Args:
        broker_id: The broker.
        state: ``running``, ``paused`` or ``stopped``.
        pid: The process; None when stopped.
        address: ``host:port`` of its listener for clients.
    """

    broker_id: int
    state: str
    pid: int | None
    address: str


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
        return tuple(sorted(self._state().ports))

    @property
    def bootstrap_servers(self) -> str:
        """Addresses of all brokers, comma-separated."""
        state = self._state()
        return ",".join(address(state.ports[number]) for number in sorted(state.ports))

    def pid(self, number: int) -> int:
        """Process id of a broker.

        Raises:
            LocalKafkaError: It is not running.
        """
        process = self._process(number)
        if process is None or process.state() == "stopped":
            raise LocalKafkaError(
                f"broker {number} is not running; its log: {self.log_path(number)}"
            )
        return process.pid

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
        with _storing(self._at.root), exclusive(self._at.lock):
            state = self._prepared(spec, tell)
            idle = [number for number in sorted(state.ports) if not self._runs(number)]
            require_free([state.ports[number].client for number in idle])
            try:
                self._start(state, idle, tell)
            except BaseException:
                node.stop(self._processes(idle), 0)
                raise

    def start_broker(self, *numbers: int) -> None:
        """Start stopped brokers, and wait until they and the running ones see each other.

        Where the running controllers are no majority, no broker can become ready: then this does
        not wait.

        Raises:
            LocalKafkaError: One does not start, or dies.
        """
        state, known = self._state(), self._known(numbers)
        with exclusive(self._at.lock):
            idle = [number for number in known if not self._runs(number)]
            self._start(state, idle, _tell_nobody)

    def stop_broker(self, *numbers: int, kill: bool = False) -> None:
        """Stop brokers and wait until their processes are gone.

        Args:
            numbers: Which.
            kill: At once (SIGKILL), instead of a controlled shutdown (SIGTERM).

        Raises:
            LocalKafkaError: No such broker.
        """
        known = self._known(numbers)
        with exclusive(self._at.lock):
            node.stop(self._processes(known), 0 if kill else _GRACE_S)

    def pause_broker(self, *numbers: int) -> None:
        """Freeze brokers (SIGSTOP): their connections stay open and nothing answers."""
        self._signal(numbers, signal.SIGSTOP)

    def resume_broker(self, *numbers: int) -> None:
        """Let frozen brokers go on (SIGCONT)."""
        self._signal(numbers, signal.SIGCONT)

    def wait_until_ready(self) -> None:
        """Wait until all running brokers see each other.

        Raises:
            LocalKafkaError: One dies, or does not become ready in two minutes.
        """
        state = self._state()
        running = [number for number in state.ports if self._runs(number, paused=False)]
        self._wait_until_ready(state, running, _tell_nobody)

    def status(self) -> list[BrokerStatus]:
        """What each broker's process does; empty when there is no cluster here."""
        state = self._at.read_state()
        if state is None:
            return []
        found = []
        for number in sorted(state.ports):
            process = self._process(number)
            doing = process.state() if process else "stopped"
            pid = process.pid if process and doing != "stopped" else None
            found.append(BrokerStatus(number, doing, pid, address(state.ports[number])))
        return found

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
        state = self._state()
        distribution = load(state.spec.version, _tell_nobody)
        return tools.command(
            tools.Connection(
                self.bootstrap_servers,
                None if state.spec.listener == "PLAINTEXT" else self._at.client_configuration(user),
            ),
            distribution,
            find_java(state.spec.version, _tell_nobody),
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
            node.stop(self._processes(state.ports), _GRACE_S if keep_data else 0)
            if issuer := ProcessId.read(self._at.pid("issuer")):
                node.stop([issuer], _GRACE_S)
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
                "take it down first"
            )
        return state

    def _start(self, state: ClusterState, numbers: Collection[int], tell: Progress) -> None:
        runtime = prepare_runtime(self._at, state, tell)
        if security_of(self._at, state).oauth:
            start_issuer(self._at, state)
        options = [f"-Xmx{state.spec.heap}", f"-Xms{state.spec.heap}"]
        for number in numbers:
            process = node.start(
                runtime, options, self._at.properties(number), self.log_path(number)
            )
            process.write(self._at.pid(f"node-{number}"))
        running = [number for number in state.ports if self._runs(number, paused=False)]
        if numbers and len(running) > len(state.ports) // 2:
            self._wait_until_ready(state, running, tell)

    def _wait_until_ready(
        self, state: ClusterState, numbers: Collection[int], tell: Progress
    ) -> None:
        def check() -> None:
            for number in numbers:
                if not self._runs(number):
                    raise LocalKafkaError(self._obituary(number))

        what = "starting brokers"
        tell(what, 0, len(numbers))
        missing = wait_until_ready(
            {number: address(state.ports[number]) for number in numbers},
            self.client_properties(),
            deadline_s=_READY_S,
            check=check,
            answered=lambda ready: tell(what, len(ready), len(numbers)),
        )
        for number in missing:
            raise LocalKafkaError(
                f"broker {number} did not become ready in {_READY_S:.0f} s; "
                f"its log: {self.log_path(number)}"
            )

    def _obituary(self, number: int) -> str:
        log = self.log_path(number)
        reason = node.last_error(log)
        return f"broker {number} died{': ' if reason else ''}{reason}; its log: {log}"

    def _signal(self, numbers: Sequence[int], number: signal.Signals) -> None:
        for broker in self._known(numbers):
            process = self._process(broker)
            if process is None or not process.signal(number):
                raise LocalKafkaError(
                    f"broker {broker} is not running; its log: {self.log_path(broker)}"
                )

    def _runs(self, number: int, *, paused: bool = True) -> bool:
        process = self._process(number)
        return process is not None and process.state() in {"running", "paused" if paused else ""}

    def _process(self, number: int) -> ProcessId | None:
        return ProcessId.read(self._at.pid(f"node-{number}"))

    def _processes(self, numbers: Collection[int]) -> list[ProcessId]:
        return [process for number in numbers if (process := self._process(number))]

    def _known(self, numbers: Sequence[int]) -> Sequence[int]:
        ids = self.broker_ids
        for number in numbers:
            if number not in ids:
                raise LocalKafkaError(f"there is no broker {number}, only {_range(ids)}")
        return numbers

    def _state(self) -> ClusterState:
        state = self._at.read_state()
        if state is None:
            raise LocalKafkaError(
                f"there is no cluster in {self._at.root}; start one with: kafkascope-demo kafka up"
            )
        return state


@contextlib.contextmanager
def _storing(directory: Path) -> Iterator[None]:
    """Turn a failure to write into one line that names the place."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        where = error.filename or directory
        raise LocalKafkaError(f"cannot write {where}: {error.strerror or error}") from error


def _differences(there: ClusterSpec, wanted: ClusterSpec) -> str:
    old, new = there.to_json(), wanted.to_json()
    return ", ".join(
        f"{name} {old[name]} instead of {new[name]}" for name in old if old[name] != new[name]
    )


def _range(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids))


def _tell_nobody(what: str, done: int, total: int) -> None:
    """Take progress and say nothing."""
