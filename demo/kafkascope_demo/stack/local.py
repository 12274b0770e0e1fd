"""The local demo, up and down, and its parts one by one."""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psutil

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.alertrules import RuleValues
from kafkascope_demo.localkafka import ClusterSpec, LocalKafka, LocalKafkaError
from kafkascope_demo.localkafka.distribution import Progress
from kafkascope_demo.stack.parts import Part, parts
from kafkascope_demo.stack.plan import FILE, Plan, any_ports, choose_ports
from kafkascope_demo.stack.supervision import Supervision, short_socket

_BROKERS: Final = 3
_HEALTHY_S: Final = 90.0
_HOPELESS_S: Final = 10.0
_KILLED_S: Final = 10.0
_ENDS_AT_ONCE: Final = frozenset({"backoff", "fatal"})
_SHOWN: Final = 300


class LocalParts:
    """The parts of the demo that runs in a directory; see ``addresses.Parts``.

    Args:
        directory: Its directory.

    Raises:
        LocalKafkaError: None runs there.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._plan = Plan.read(self.directory)
        self._kafka = LocalKafka(self.directory / "kafka")
        self._supervision = Supervision(self.directory, self._plan.socket)

    def addresses(self) -> Addresses:
        """Give where the parts are."""
        return self._plan.addresses()

    def url(self, part: str) -> str:
        """Give the address of a part that is no broker."""
        return self._plan.url(part)

    def names(self) -> tuple[str, ...]:
        """Give the names of all parts."""
        brokers = (f"broker-{number}" for number in self._kafka.broker_ids)
        return (*brokers, *(part.name for part in parts(self._plan, self.directory)))

    def stop(self, part: str) -> None:
        """Stop a part in order; it stays stopped until ``start``.

        Raises:
            LocalKafkaError: There is no such part, or it does not stop.
        """
        number = self._broker(part)
        if number is None:
            self._supervision.stop_part(part)
        else:
            self._kafka.stop_broker(number)

    def start(self, part: str) -> None:
        """Start a stopped part, and wait until it is healthy.

        Raises:
            LocalKafkaError: There is no such part, or it does not start.
        """
        number = self._broker(part)
        if number is not None:
            self._kafka.start_broker(number)
            return
        self._supervision.start_part(part)
        self.wait_until_healthy(part)

    def kill(self, part: str) -> None:
        """Kill a part (SIGKILL); it is started again, but for a broker.

        Raises:
            LocalKafkaError: There is no such part, or it does not run.
        """
        number = self._broker(part)
        if number is None:
            self._supervision.kill_part(part)
        else:
            self._kafka.stop_broker(number, kill=True)

    def problems(self) -> dict[str, str | None]:
        """Say of each part why it is not healthy; None of one that is."""
        states = {f"broker-{one.broker_id}": one for one in self._kafka.status()}
        brokers = {
            name: None if one.state == "running" else one.state for name, one in states.items()
        }
        return brokers | {
            part.name: self._problem(part) for part in parts(self._plan, self.directory)
        }

    def wait_until_healthy(self, *names: str) -> None:
        """Wait until parts (all, when none is named) are healthy.

        Raises:
            LocalKafkaError: One is not in time, or ends again and again.
        """
        began = time.monotonic()
        while True:
            found = self.problems()
            wrong = {name: why for name, why in found.items() if why and name in (names or found)}
            if not wrong:
                return
            passed = time.monotonic() - began
            hopeless = passed > _HOPELESS_S and _ENDS_AT_ONCE.intersection(wrong.values())
            if hopeless or passed > _HEALTHY_S:
                told = "; ".join(
                    f"{name}: {why}{self._last_line(name)}" for name, why in wrong.items()
                )
                raise LocalKafkaError(f"{told}; logs: {self.directory / 'logs'}")
            time.sleep(0.2)

    def _last_line(self, part: str) -> str:
        """Give what a part's log ends with."""
        try:
            text = (self.directory / "logs" / f"{part}.log").read_text("utf-8", "replace")
        except OSError:
            return ""
        lines = text.strip().splitlines()
        return f" ({lines[-1].strip()[:_SHOWN]})" if lines else ""

    def _problem(self, part: Part) -> str | None:
        try:
            web.request("GET", f"{self._plan.url(part.name)}{part.health}", timeout_s=5)
        except web.WebError as error:
            state = self._supervision.states().get(part.name)
            stopped = state is not None and state.name != "RUNNING"
            return state.name.lower() if stopped and state else str(error)
        return None

    def _broker(self, part: str) -> int | None:
        kind, _, number = part.partition("-")
        if kind == "broker" and number.isdecimal():
            return int(number)
        if part not in (names := self.names()):
            raise LocalKafkaError(f"there is no part {part}; parts: {', '.join(names)}")
        return None


@contextlib.contextmanager
def sole_user_of(directory: Path) -> Iterator[None]:
    """Keep a second start in the same directory out; the lock ends with the process.

    Raises:
        LocalKafkaError: Another process starts or runs a demo there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LocalKafkaError(
                f"another command starts or runs a demo in {directory}; stop it, or choose "
                "another --directory"
            ) from error
        yield


def up(
    directory: Path,
    tell: Progress,
    *,
    its_own_ports: bool = True,
    load: bool = True,
    rules: RuleValues = "default",
) -> LocalParts:
    """Start the demo in a directory, and wait until every part is healthy.

    Args:
        directory: Its directory; what a killed demo left there is taken down first.
        tell: Told what is being done.
        its_own_ports: Take the ports of the documentation where they are free, else any.
        load: Whether Locust begins its load by itself, or waits for somebody to begin one.
        rules: Values of Prometheus' alert rules.

    Raises:
        LocalKafkaError: A part does not start; nothing is left running.
    """
    directory = directory.absolute()
    if (directory / FILE).exists() and Supervision(
        directory, Plan.read(directory).socket
    ).answers():
        raise LocalKafkaError(
            f"a demo runs in {directory} already: kafkascope-demo status, or kafkascope-demo down"
        )
    down(directory)
    directory.mkdir(parents=True, exist_ok=True)
    kafka = LocalKafka(directory / "kafka")
    ports, moved = choose_ports() if its_own_ports else (any_ports(), [])
    for line in moved:
        tell(line, 0, 0)
    try:
        kafka.up(ClusterSpec(nodes=_BROKERS), tell)
        plan = Plan(kafka.bootstrap_servers, ports, short_socket(), load, rules)
        plan.write(directory)
        tell("starting the services", 0, 0)
        supervision = Supervision(directory, plan.socket)
        supervision.start(parts(plan, directory))
        started = LocalParts(directory)
        for part in parts(plan, directory):
            if part.waits_for:
                started.wait_until_healthy(*part.waits_for)
                supervision.start_part(part.name)
        started.wait_until_healthy()
    except BaseException:
        down(directory)
        raise
    return started


def down(directory: Path) -> None:
    """Stop every part of the demo in a directory, and drop its data but for the logs."""
    directory = directory.absolute()
    if (directory / FILE).exists():
        with contextlib.suppress(LocalKafkaError):  # a plan that cannot be read names no socket
            socket = Plan.read(directory).socket
            Supervision(directory, socket).stop()
            Path(socket).unlink(missing_ok=True)
        _end_remains(directory)
        for name in (FILE, "supervisord.pid"):
            (directory / name).unlink(missing_ok=True)
    _keep_broker_logs(directory)
    LocalKafka(directory / "kafka").down()
    shutil.rmtree(directory / "prometheus", ignore_errors=True)
    for database in directory.glob("otlp-receiver.sqlite3*"):
        database.unlink()


def _keep_broker_logs(directory: Path) -> None:
    """Put the brokers' logs to the others: their directories go."""
    for log in (directory / "kafka").glob("node-*/node-*.log"):
        number = log.stem.removeprefix("node-")
        shutil.copyfile(log, directory / "logs" / f"broker-{number}.log")


def _end_remains(directory: Path) -> None:
    """End the supervisor of this directory where it did not answer, with all that it started."""
    try:
        supervisor = psutil.Process(int((directory / "supervisord.pid").read_text()))
        if not any(str(directory) in word for word in supervisor.cmdline()):
            return
        family = [supervisor, *supervisor.children(recursive=True)]
    except (OSError, ValueError, psutil.Error):
        return
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(family, _KILLED_S)


def follow(path: Path, write: Callable[[str], object], *, forever: bool) -> None:
    """Write a log out, and then what is added to it, until the end of the process."""
    while True:
        with path.open(encoding="utf-8", errors="replace") as log:
            inode = os.fstat(log.fileno()).st_ino
            while True:
                line = log.readline()
                if line:
                    write(line)
                elif not forever or not path.exists():
                    return
                elif path.stat().st_ino != inode:
                    break  # it was rotated: the new one is next
                else:
                    time.sleep(0.2)
