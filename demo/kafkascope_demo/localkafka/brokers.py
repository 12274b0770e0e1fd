"""The processes of a cluster's brokers."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka import node, process
from kafkascope_demo.localkafka.distribution import Progress
from kafkascope_demo.localkafka.errors import LocalKafkaError
from kafkascope_demo.localkafka.process import ProcessId
from kafkascope_demo.localkafka.provision import prepare_runtime, security_of
from kafkascope_demo.localkafka.readiness import wait_until_ready
from kafkascope_demo.localkafka.sidecar import start_issuer, start_zookeeper, stop_sidecars
from kafkascope_demo.localkafka.state import ClusterDirectory, ClusterState, address

GRACE_S: Final = 30.0
_READY_S: Final = 120.0
_SIGNAL_S: Final = 5.0
_PAUSE_S: Final = 0.01
_STARTING: Final = "starting brokers"


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


@dataclasses.dataclass(frozen=True, slots=True)
class Brokers:
    """The processes of one cluster.

    Args:
        at: The cluster's directory.
        state: What the cluster is.
    """

    at: ClusterDirectory
    state: ClusterState

    @property
    def ids(self) -> tuple[int, ...]:
        """All brokers, running or not."""
        return tuple(sorted(self.state.ports))

    def status(self) -> list[BrokerStatus]:
        """What each broker's process does."""
        found = []
        for number in self.ids:
            known = self._process(number)
            doing = known.state() if known else "stopped"
            pid = known.pid if known and doing != "stopped" else None
            found.append(BrokerStatus(number, doing, pid, address(self.state.ports[number])))
        return found

    def with_state(self, *states: str) -> list[int]:
        """Brokers whose processes do one of these."""
        return [broker.broker_id for broker in self.status() if broker.state in states]

    def start(self, numbers: Collection[int], tell: Progress) -> None:
        """Start brokers, and wait until all running ones see each other.

        Where the running controllers are no majority this does not wait: nobody can become ready.

        Raises:
            LocalKafkaError: One dies, or does not become ready.
        """
        runtime = prepare_runtime(self.at, self.state, tell)
        if security_of(self.at, self.state).oauth:
            start_issuer(self.at, self.state)
        kraft = self.state.spec.mode == "kraft"
        if not kraft:
            start_zookeeper(self.at, self.state, runtime)
        heap = self.state.spec.heap
        for number in numbers:
            started = node.start(
                runtime,
                [f"-Xmx{heap}", f"-Xms{heap}"],
                self.at.properties(number),
                self.log(number),
            )
            started.write(self._pid_file(number))
        running = self.with_state("running")
        majority = len(running) > len(self.ids) // 2
        if numbers and (majority or not kraft):
            self.wait_until_ready(running, tell)

    def wait_until_ready(self, numbers: Collection[int], tell: Progress) -> None:
        """Wait until each of some brokers lists all of them.

        Raises:
            LocalKafkaError: One dies, or does not become ready.
        """

        def check() -> None:
            for number in set(numbers) & set(self.with_state("stopped")):
                raise LocalKafkaError(self._obituary(number))

        tell(_STARTING, 0, len(numbers))
        missing = wait_until_ready(
            {number: address(self.state.ports[number]) for number in numbers},
            security_of(self.at, self.state).librdkafka_properties("admin"),
            deadline_s=_READY_S,
            check=check,
            answered=lambda ready: tell(_STARTING, len(ready), len(numbers)),
        )
        for number in missing:
            raise LocalKafkaError(
                f"broker {number} did not become ready in {_READY_S:.0f} s; "
                f"its log: {self.log(number)}"
            )
        check()  # another cluster's broker may have answered at the port of one that has died

    def stop(self, numbers: Collection[int], grace_s: float) -> None:
        """Stop brokers and wait until their processes are gone; 0 seconds of grace kills them."""
        found = (self._process(number) for number in numbers)
        node.stop([known for known in found if known], grace_s)

    def stop_all(self, grace_s: float) -> None:
        """Stop all that was started for this cluster, whether it was recorded or not."""
        self.stop(self.ids, grace_s)
        stop_sidecars(self.at)
        node.stop(process.find(f"@{self.at.options}"), 0)

    def pause(self, numbers: Sequence[int]) -> None:
        """Freeze brokers; returns when their processes stand still.

        Raises:
            LocalKafkaError: One is not running.
        """
        self._signal(numbers, signal.SIGSTOP, "paused")

    def resume(self, numbers: Sequence[int]) -> None:
        """Let frozen brokers go on.

        Raises:
            LocalKafkaError: One is not running.
        """
        self._signal(numbers, signal.SIGCONT, "running")

    def _signal(self, numbers: Sequence[int], number: signal.Signals, wanted: str) -> None:
        for broker in numbers:
            known = self._process(broker)
            if known is None or not known.signal(number):
                raise LocalKafkaError(self.not_running(broker))
        ends_at = time.monotonic() + _SIGNAL_S
        while not set(numbers) <= set(self.with_state(wanted)) and time.monotonic() < ends_at:
            time.sleep(_PAUSE_S)

    def not_running(self, number: int) -> str:
        """Say that a broker is not running, and where its log is."""
        return f"broker {number} is not running; its log: {self.log(number)}"

    def known(self, numbers: Sequence[int]) -> Sequence[int]:
        """Check that there are such brokers.

        Raises:
            LocalKafkaError: Names those that there are.
        """
        for number in numbers:
            if number not in self.ids:
                there = ", ".join(map(str, self.ids))
                raise LocalKafkaError(f"there is no broker {number}, only {there}")
        return numbers

    def log(self, number: int) -> Path:
        """Log of a broker."""
        return self.at.log(f"node-{number}")

    def _pid_file(self, number: int) -> Path:
        return self.at.pid(f"node-{number}")

    def _process(self, number: int) -> ProcessId | None:
        return ProcessId.read(self._pid_file(number))

    def _obituary(self, number: int) -> str:
        reason = node.last_error(self.log(number))
        return f"broker {number} died{': ' if reason else ''}{reason}; its log: {self.log(number)}"
