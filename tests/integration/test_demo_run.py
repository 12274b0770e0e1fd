"""`kafkascope-demo run` as a person meets it: it starts, shows, and leaves nothing behind."""

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

from kafkascope_demo.localkafka import LocalKafka
from tests.waiting import wait_until

_START_S = 180
_END_S = 60


@contextmanager
def running(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the demo in ``directory``; what it may leave is taken down."""
    command = [sys.executable, "-m", "kafkascope_demo", "run", f"--directory={directory}"]
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
        left = [] if demo.poll() is not None else psutil.Process(demo.pid).children(recursive=True)
        demo.kill()
        demo.wait()
        for process in left:
            process.kill()
        LocalKafka(directory / "kafka").down()


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
                    "brokers 3" in line and "kafkascope-demo-consumer lag" in line
                    for line in output.read_text().splitlines()
                )
            ),
            _START_S,
            "a line with brokers and lag",
        )
        started = psutil.Process(demo.pid).children(recursive=True)
        assert len(started) >= 4, "three brokers and the exporter"
        assert wait_until(lambda: ended(demo), _END_S, "the end") == [0], output.read_text()
        assert [process for process in started if runs(process)] == []
    assert "stopped" in output.read_text()
    assert not (tmp_path / "kafka").exists()
