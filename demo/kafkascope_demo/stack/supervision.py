"""What keeps the parts up: supervisor, as a process of its own that outlives the command."""

import configparser
import contextlib
import io
import os
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from supervisor.xmlrpc import SupervisorTransport

from kafkascope_demo.localkafka import LocalKafkaError
from kafkascope_demo.stack.parts import Part

_START_S: Final = 20.0
_STOP_S: Final = 40.0
_PART_STOP_S: Final = 30
"""A service whose trace backend is away tries what it has left, 5 s each."""
_LOG_BYTES: Final = "20MB"
_RETRIES: Final = 1000
_RUN: Final = frozenset({"RUNNING", "STARTING"})
_ENDED: Final = frozenset({"STOPPED", "EXITED", "FATAL"})
_RECEIVER: Final = "otlp-receiver"
_ALREADY: Final = {"ALREADY_STARTED", "NOT_RUNNING"}


@dataclass(frozen=True, slots=True)
class ProcessState:
    """How a part's process is: supervisor's name of it (``RUNNING``, ``BACKOFF``), and its pid."""

    name: str
    pid: int


class Supervision:
    """Talks to one supervisor.

    Args:
        directory: Where its configuration and the parts' logs are.
        socket: Its Unix socket.
    """

    def __init__(self, directory: Path, socket: str) -> None:
        self._directory = directory
        self._socket = socket

    def start(self, parts: Iterable[Part]) -> None:
        """Start the supervisor and with it the parts; wait until it answers.

        Raises:
            LocalKafkaError: It does not.
        """
        config = self._directory / "supervisord.conf"
        config.write_text(_config(self._directory, self._socket, parts), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise LocalKafkaError(f"supervisor does not start: {done.stderr.strip()}")
        ends_at = time.monotonic() + _START_S
        while not self.answers():
            if time.monotonic() >= ends_at:
                raise LocalKafkaError(f"supervisor does not start; its log: {self._directory}/logs")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether there is a supervisor."""
        try:
            with self._rpc() as supervisor:
                supervisor.getState()
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def states(self) -> dict[str, ProcessState]:
        """Give the state of each part; none where no supervisor answers."""
        try:
            with self._rpc() as supervisor:
                found: list[dict[str, Any]] = supervisor.getAllProcessInfo()
        except OSError:
            return {}
        return {one["name"]: ProcessState(one["statename"], one["pid"]) for one in found}

    def start_part(self, name: str) -> None:
        """Start a part.

        Raises:
            LocalKafkaError: It does not start.
        """
        self._call("startProcess", name)

    def stop_part(self, name: str) -> None:
        """Stop a part, which stays so.

        Raises:
            LocalKafkaError: It does not stop.
        """
        self._call("stopProcess", name)

    def kill_part(self, name: str) -> None:
        """Kill a part (SIGKILL); it is started again at once.

        Raises:
            LocalKafkaError: It does not run.
        """
        self._call("signalProcess", name, "KILL")

    def stop(self) -> None:
        """Stop all parts in order and the supervisor, and wait until its process has ended."""
        try:
            with self._rpc() as supervisor:
                number: int = supervisor.getPID()
                process = psutil.Process(number)
                self._stop_side_by_side(supervisor)
                supervisor.shutdown()
        except (OSError, xmlrpc.client.Error, psutil.Error):
            return
        with contextlib.suppress(psutil.TimeoutExpired):  # while it shuts down it answers nothing
            process.wait(_STOP_S)

    def _stop_side_by_side(self, supervisor: Any) -> None:  # noqa: ANN401 - a proxy of XML-RPC
        """Stop what sends traces, then the rest: by itself supervisor stops one after the other."""
        names = [name for name, state in self.states().items() if state.name in _RUN]
        senders = [name for name in names if name != _RECEIVER]
        for name in senders:
            supervisor.stopProcess(name, False)  # noqa: FBT003 - of XML-RPC: do not wait
        ends_at = time.monotonic() + _PART_STOP_S
        while time.monotonic() < ends_at:
            states = self.states()
            if all(states[name].name in _ENDED for name in senders):
                return
            time.sleep(0.1)

    def _call(self, method: str, *arguments: str) -> None:
        try:
            with self._rpc() as supervisor:
                getattr(supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if not any(word in fault.faultString for word in _ALREADY):
                raise LocalKafkaError(f"{arguments[0]}: {fault.faultString}") from fault
        except OSError as error:
            raise LocalKafkaError(
                "the demo's supervisor does not answer: kafkascope-demo up"
            ) from error

    @contextlib.contextmanager
    def _rpc(self) -> Iterator[Any]:
        """Give supervisor's methods, over a connection of their own."""
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            yield xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor
        finally:
            transport.close()


def _config(directory: Path, socket: str, parts: Iterable[Part]) -> str:
    logs = directory / "logs"
    logs.mkdir(exist_ok=True)
    config = configparser.RawConfigParser()
    config["unix_http_server"] = {"file": socket, "chmod": "0700"}
    config["supervisord"] = {
        "logfile": _plain(logs / "supervisor.log"),
        "pidfile": _plain(directory / "supervisord.pid"),
        "nocleanup": "true",
        "directory": _plain(Path.cwd()),
    }
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    for part in parts:
        config[f"program:{part.name}"] = _program(part, logs)
    text = io.StringIO()
    config.write(text)
    return text.getvalue()


def _program(part: Part, logs: Path) -> dict[str, str]:
    values = part.environment.items()
    return {
        "command": " ".join(_quoted(word) for word in part.command),
        "environment": ",".join(f'{name}="{_escaped(value)}"' for name, value in values),
        "stdout_logfile": _plain(logs / f"{part.name}.log"),
        "stdout_logfile_maxbytes": _LOG_BYTES,
        "stdout_logfile_backups": "1",
        "redirect_stderr": "true",
        "autostart": "false" if part.waits_for else "true",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": str(_RETRIES),
        "stopwaitsecs": str(_PART_STOP_S),
        "stopasgroup": "true",
        "killasgroup": "true",
    }


def _plain(path: Path) -> str:
    return str(path).replace("%", "%%")


def _quoted(word: str) -> str:
    return f'"{_escaped(word)}"'


def _escaped(text: str) -> str:
    """Escape what supervisor would expand or end a string at."""
    return text.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')


def short_socket() -> str:
    """Give the path of a socket that no directory's depth makes too long for one (108 bytes)."""
    return str(Path("/tmp") / f"kafkascope-{os.getpid()}-{time.monotonic_ns():x}.sock")  # noqa: S108 - mode 0700
