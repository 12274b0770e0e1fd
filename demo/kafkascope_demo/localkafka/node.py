"""One node's process: how it is formatted, started and stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka.errors import LocalKafkaError
from kafkascope_demo.localkafka.process import ProcessId, spawn

_FORMAT_S: Final = 120
_KILL_S: Final = 20.0


@dataclasses.dataclass(frozen=True, slots=True)
class Runtime:
    """What programs of one Kafka version are run with.

    Args:
        java: The Java program.
        options: File of Java options (``java @FILE``), the class path among them.
    """

    java: Path
    options: Path

    def command(self, options: Sequence[str], main: str, *arguments: str) -> list[str]:
        """Command line of a main class."""
        return [str(self.java), f"@{self.options}", *options, main, *arguments]


def format_storage(
    runtime: Runtime, properties: Path, cluster_id: str, arguments: Sequence[str]
) -> None:
    """Write a node's metadata directory (``kafka-storage format``).

    Args:
        runtime: What to run it with.
        properties: The node's server properties.
        cluster_id: The cluster's id.
        arguments: More arguments, such as ``--add-scram``.

    Raises:
        LocalKafkaError: The tool failed; its last words are in the message.
    """
    command = runtime.command(
        ["-Xmx128m"],
        "kafka.tools.StorageTool",
        *("format", "-t", cluster_id, "-c", str(properties), *arguments),
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=_FORMAT_S, check=False)
    if done.returncode:
        raise LocalKafkaError(f"cannot format {properties.parent}: {_last_words(done)}")


def copy_storage(formatted: Path, data: Path, number: int, directory_id: str) -> None:
    """Write another node's metadata directory after a formatted one, without starting Java again.

    Args:
        formatted: Data directory of a node that ``format_storage`` wrote.
        data: Data directory of the other node.
        number: The other node.
        directory_id: Its directory's id, another one for each node.
    """
    shutil.copytree(formatted, data, dirs_exist_ok=True)
    own = {"node.id": str(number), "directory.id": directory_id}
    path = data / "meta.properties"
    lines = [line.partition("=") for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text(
        "".join(f"{key}{equals}{own.get(key, value)}\n" for key, equals, value in lines),
        encoding="utf-8",
    )


def start(runtime: Runtime, options: Sequence[str], properties: Path, log: Path) -> ProcessId:
    """Start a node's process without waiting for it."""
    command = runtime.command(options, "kafka.Kafka", str(properties))
    return spawn(command, log=log, mark=str(properties))


def stop(processes: Sequence[ProcessId], grace_s: float) -> None:
    """End processes, all at once: a request first, force for those that do not heed it.

    Args:
        processes: What to end; a paused one is resumed so that it can heed the request.
        grace_s: Seconds until force is used; 0 uses it at once.
    """
    for process in processes:
        if grace_s:
            process.signal(signal.SIGTERM)
            process.signal(signal.SIGCONT)
        else:
            process.signal(signal.SIGKILL)
    for process in processes:
        if not process.wait(grace_s or _KILL_S):
            process.signal(signal.SIGKILL)
            if not process.wait(_KILL_S):
                raise LocalKafkaError(f"process {process.pid} does not end, not even when killed")


def last_error(log: Path) -> str:
    """The last line of a log that tells an error; empty when there is none."""
    with contextlib.suppress(OSError):
        return _told_error(log.read_text(encoding="utf-8", errors="replace"))
    return ""


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    return _told_error(done.stdout + done.stderr) or f"exit code {done.returncode}"


def _told_error(text: str) -> str:
    lines = text.splitlines()
    for marker in ("Exception: ", "FATAL", "ERROR", "Error", "error"):
        for line in reversed(lines):
            if marker in line:
                return line.strip()[:300]
    return ""
