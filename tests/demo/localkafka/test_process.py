from __future__ import annotations

import dataclasses
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kafkascope_demo.localkafka import node, process
from kafkascope_demo.localkafka.process import ProcessId
from tests.waiting import wait_until

SLEEP = "import sys; print('begun', flush=True); sys.stdin.read(); import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('begun', flush=True); time.sleep(600)"
)


@pytest.fixture
def started() -> Iterator[list[ProcessId]]:
    """Processes that are ended after the test."""
    processes: list[ProcessId] = []
    yield processes
    node.stop(processes, 0)


def start(program: str, directory: Path, started: list[ProcessId]) -> ProcessId:
    """Run a Python program, and wait until it has begun."""
    log, mark = directory / "log", str(directory / "mark")
    made = process.spawn([sys.executable, "-c", program, mark], log=log, mark=mark)
    started.append(made)
    wait_until(lambda: "begun" in log.read_text(), 20, "the program to begin")
    return made


def test_a_spawned_process_is_in_a_session_of_its_own(
    tmp_path: Path, started: list[ProcessId]
) -> None:
    """Ctrl-C in the terminal does not reach it."""
    made = start(SLEEP, tmp_path, started)

    assert psutil.Process(made.pid).terminal() is None
    assert made.state() == "running"


def test_a_stopped_process_is_paused_and_goes_on(tmp_path: Path, started: list[ProcessId]) -> None:
    """SIGSTOP and SIGCONT show in its state."""
    made = start(SLEEP, tmp_path, started)

    assert made.signal(signal.SIGSTOP)
    wait_until(lambda: made.state() == "paused", 10, "it to be paused")
    assert made.signal(signal.SIGCONT)
    wait_until(lambda: made.state() == "running", 10, "it to run")


def test_a_recycled_pid_is_never_signalled(tmp_path: Path, started: list[ProcessId]) -> None:
    """Another start time, or another command line, is another process."""
    made = start(SLEEP, tmp_path, started)
    earlier = dataclasses.replace(made, started_at=made.started_at - 3600)
    stranger = dataclasses.replace(made, mark="/another/cluster")

    for other in (earlier, stranger):
        assert other.state() == "stopped"
        assert not other.signal(signal.SIGKILL)
        assert other.wait(0)
    assert made.state() == "running"


def test_a_process_that_ignores_the_request_is_killed(
    tmp_path: Path, started: list[ProcessId]
) -> None:
    """After the grace time force ends it."""
    made = start(STUBBORN, tmp_path, started)

    node.stop([made], 0.3)

    assert made.state() == "stopped"
    assert not psutil.pid_exists(made.pid)


def test_a_paused_process_is_stopped_too(tmp_path: Path, started: list[ProcessId]) -> None:
    """It is resumed, so that it heeds the request within the grace time."""
    made = start(SLEEP, tmp_path, started)
    made.signal(signal.SIGSTOP)

    node.stop([made], 20)

    assert not psutil.pid_exists(made.pid)


def test_an_unrecorded_process_is_found_by_its_argument(
    tmp_path: Path, started: list[ProcessId]
) -> None:
    """What was started but never written down is found; what merely contains the text is not."""
    made = start(SLEEP, tmp_path, started)

    assert [found.pid for found in process.find(str(tmp_path / "mark"))] == [made.pid]
    assert process.find(str(tmp_path)) == []


@pytest.mark.parametrize("content", ["", "{", "{}", '{"pid": 1}', "[]"])
def test_a_damaged_record_is_no_process(tmp_path: Path, content: str) -> None:
    """A half-written file stops nobody."""
    path = tmp_path / "process.json"
    path.write_text(content)

    assert ProcessId.read(path) is None


def test_a_record_is_read_back(tmp_path: Path) -> None:
    """What is written is what is read."""
    path = tmp_path / "process.json"
    ProcessId(7, 1.5, "/mark").write(path)

    assert ProcessId.read(path) == ProcessId(7, 1.5, "/mark")
