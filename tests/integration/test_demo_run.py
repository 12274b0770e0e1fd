"""`kafkascope-demo run` as a person meets it: starts, shows, judges, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from kafkascope_demo.stack.local import down
from tests.waiting import wait_until

_START_S = 180
_END_S = 60


@contextmanager
def running(directory: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the demo in ``directory``; what it may leave is taken down."""
    command = [
        *(sys.executable, "-m", "kafkascope_demo", "run", "--any-ports"),
        *(f"--directory={directory}", *arguments),
    ]
    path = os.pathsep.join(filter(None, sys.path))
    with (directory / "output").open("w") as output:
        demo = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": path},
            start_new_session=True,
            text=True,
        )
    try:
        yield demo
    finally:
        demo.kill()
        demo.wait()
        down(directory)


def works_in(directory: Path, process: psutil.Process) -> bool:
    """Tell whether a process is of the demo in a directory: below its supervisor, or a broker."""
    try:
        family = [process, *process.parents()]
        return any(
            (str(directory) in word and process.pid != one.pid) or str(directory / "kafka") in word
            for one in family
            for word in one.cmdline()
        )
    except psutil.Error:
        return False


def runs(process: psutil.Process) -> bool:
    """Tell whether it does; one that has ended may wait for whoever inherited it to notice."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ended(demo: subprocess.Popen[str]) -> list[int]:
    """Press Ctrl-C, or give the exit code of a demo that has ended."""
    code = demo.poll()
    if code is not None:
        return [code]
    demo.send_signal(signal.SIGINT)
    return []


@pytest.mark.timeout(_START_S + 2 * _END_S)
def test_an_impatient_ctrl_c_stops_the_demo_and_leaves_no_process(tmp_path: Path) -> None:
    """Brokers, exporter and lag are there; however often it is pressed, all of it ends."""
    output = tmp_path / "output"
    with running(tmp_path) as demo:
        wait_until(
            lambda: (
                demo.poll() is not None
                or any(
                    "parts healthy; brokers 3" in line and "ochacafe-group lag" in line
                    for line in output.read_text().splitlines()
                )
            ),
            _START_S,
            "a line with brokers and lag",
        )
        started = [process for process in psutil.process_iter() if works_in(tmp_path, process)]
        assert len(started) >= 9, "three brokers, and what the supervisor keeps up"
        assert wait_until(lambda: ended(demo), _END_S, "the end") == [0], output.read_text()
        assert [process for process in started if runs(process)] == []
    assert "stopped" in output.read_text()
    assert not (tmp_path / "kafka").exists()


@pytest.mark.timeout(_START_S + 2 * _END_S)
def test_a_run_of_some_seconds_ends_with_the_verifiers_table_and_exit_code_0(
    tmp_path: Path,
) -> None:
    """With load from the beginning on; every check passes."""
    with running(tmp_path, "--for=10") as demo:
        code = demo.wait(_START_S + _END_S)
    shown = (tmp_path / "output").read_text()
    assert code == 0, shown
    assert shown.count("│ pass │") >= 7
    assert "FAIL" not in shown
