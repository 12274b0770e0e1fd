"""Processes that outlive the program which started them, and are never mistaken for others."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import psutil

# A clock step moves the start time that is derived from the boot time; a recycled pid with our own
# directory on its command line within that span does not happen.
_CLOCK_STEP_S: Final = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, known by more than its number.

    Args:
        pid: The process's number.
        started_at: When it started, Unix seconds.
        mark: A string on its command line that no other program has (a path of ours).
    """

    pid: int
    started_at: float
    mark: str

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read what ``write`` wrote; None when there is no such file or it is damaged."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Store it, whole or not at all."""
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        temporary.replace(path)

    def state(self) -> str:
        """``running``, ``paused`` (stopped by a signal) or ``stopped`` (gone)."""
        process = self._process()
        if process is None:
            return "stopped"
        return "paused" if process.status() == psutil.STATUS_STOPPED else "running"

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; False when the process is gone."""
        process = self._process()
        if process is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            return True
        return False

    def wait(self, timeout_s: float) -> bool:
        """Wait until the process is gone, and reap it if it is our child; False after the time."""
        process = self._process()
        if process is None:
            return True
        try:
            process.wait(timeout_s)
        except psutil.TimeoutExpired:
            return False
        return True

    def _process(self) -> psutil.Process | None:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(self.pid, os.WNOHANG)
                return None
            same_start = abs(process.create_time() - self.started_at) < _CLOCK_STEP_S
            arguments = process.cmdline()  # none while it ends, though it is not gone yet
            if same_start and (not arguments or any(self.mark in word for word in arguments)):
                return process
        return None


def find(mark: str) -> list[ProcessId]:
    """Find this user's processes that have an argument, recorded or not."""
    found = []
    for process in psutil.process_iter(["cmdline", "create_time", "uids"]):
        arguments = process.info["cmdline"] or []
        owned = process.info["uids"] is not None and process.info["uids"].real == os.getuid()
        if owned and mark in arguments:
            found.append(ProcessId(process.pid, process.info["create_time"], mark))
    return found


def spawn(command: Sequence[str], *, log: Path, mark: str) -> ProcessId:
    """Start a program in a session of its own, its output appended to a log.

    A terminal's Ctrl-C does not reach it, and the caller may end without ending it.

    Args:
        command: The program and its arguments; one of them must contain ``mark``.
        log: File that standard output and error are appended to.
        mark: What tells this process from any other, see ``ProcessId``.
    """
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        command[0],
        list(command),
        dict(os.environ),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return ProcessId(pid, psutil.Process(pid).create_time(), mark)
