from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from kafkascope_demo.localkafka import LocalKafka
from kafkascope_demo.localkafka import process as processes
from tests.waiting import wait_until

DEAD_PROXY: Final = "http://127.0.0.1:9"
OFFLINE: Final = {"HTTP_PROXY": DEAD_PROXY, "HTTPS_PROXY": DEAD_PROXY, "NO_PROXY": ""}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A cluster's directory; what still runs from it is taken down after the test."""
    path = tmp_path / "cluster"
    yield path
    LocalKafka(path).down()


def command(directory: Path, name: str, *arguments: str) -> list[str]:
    """A command line of ``kafkascope-demo kafka``."""
    program = [sys.executable, "-m", "kafkascope_demo", "kafka", name]
    return [*program, "--directory", str(directory), *arguments]


def environment(**more: str) -> dict[str, str]:
    """The environment in which another process finds our packages."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | more


def run(
    directory: Path, name: str, *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command without any network but loopback."""
    return subprocess.run(
        command(directory, name, *arguments),
        env=environment(**OFFLINE),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def brokers_of(directory: Path) -> list[int]:
    """Process ids of all brokers that run from a directory."""
    return [found.pid for found in processes.find(f"@{directory}/java-broker.options")]


def up(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start one broker on free ports."""
    return run(directory, "up", "--nodes=1", "--first-port=0", *arguments)


def test_a_cluster_lives_from_up_to_down(directory: Path) -> None:
    """Offline: up, a message through Kafka's own tools, stop, start, data kept, data dropped."""
    started = up(directory)
    assert started.returncode == 0, started.stderr
    assert "bootstrap.servers=127.0.0.1:" in started.stdout

    assert run(directory, "tool", "topics", "--create", "--topic", "orders").returncode == 0
    sent = run(directory, "tool", "console-producer", "--topic", "orders", stdin="hello\n")
    assert sent.returncode == 0, sent.stderr

    assert run(directory, "stop-broker", "1", "--kill").returncode == 0
    stopped = run(directory, "status")
    assert (stopped.returncode, "stopped" in stopped.stdout) == (1, True)
    assert run(directory, "start-broker", "1").returncode == 0

    assert "data kept" in run(directory, "down", "--keep-data").stdout
    assert brokers_of(directory) == []
    assert up(directory).returncode == 0
    read = ["--topic", "orders", "--from-beginning", "--max-messages", "1"]
    assert run(directory, "tool", "console-consumer", *read).stdout == "hello\n"

    assert "data dropped" in run(directory, "down").stdout
    assert brokers_of(directory) == []
    assert not directory.exists()


def test_another_process_takes_down_what_a_killed_one_started(directory: Path) -> None:
    """Brokers outlive the process that started them, and are found through the directory."""
    program = (
        "import sys, pathlib, os, signal\n"
        "from kafkascope_demo.localkafka import ClusterSpec, LocalKafka\n"
        "LocalKafka(pathlib.Path(sys.argv[1])).up(ClusterSpec(nodes=1))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    owner = subprocess.run(
        [sys.executable, "-c", program, str(directory)], env=environment(), check=False
    )
    assert owner.returncode == -signal.SIGKILL
    assert len(brokers_of(directory)) == 1

    assert run(directory, "down").returncode == 0
    assert brokers_of(directory) == []


def test_a_paused_broker_is_taken_down(directory: Path) -> None:
    """A frozen process does not outlive its cluster."""
    assert up(directory).returncode == 0
    assert run(directory, "pause-broker", "1").returncode == 0
    assert "paused" in run(directory, "status").stdout

    assert run(directory, "down").returncode == 0
    assert brokers_of(directory) == []


def test_a_broker_that_dies_at_its_start_names_reason_and_log(directory: Path) -> None:
    """One line; and the mended command works in the same directory."""
    failed = up(directory, "--property", "authorizer.class.name=no.such.Authorizer")

    *_, line = failed.stderr.splitlines()
    log = directory / "node-1" / "node-1.log"
    assert failed.returncode == 1
    assert line.startswith("kafkascope-demo: broker 1 died: ")
    assert "no.such.Authorizer" in line
    assert line.endswith(f"its log: {log}")
    assert log.is_file()
    assert brokers_of(directory) == []
    assert up(directory).returncode == 0


def test_a_bad_property_is_told_before_the_start(directory: Path) -> None:
    """The reason is the configuration's own."""
    failed = up(directory, "--property", "log.retention.hours=soon")

    assert failed.returncode == 1
    assert "Invalid value soon for configuration log.retention.hours" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_another_specification_is_refused_and_named(directory: Path) -> None:
    """A running cluster is neither changed nor stopped by a different up."""
    assert up(directory).returncode == 0
    before = brokers_of(directory)

    failed = up(directory, "--heap", "512m")

    assert failed.returncode == 1
    assert "holds another cluster (heap 256m instead of 512m)" in failed.stderr
    assert brokers_of(directory) == before
    assert up(directory).returncode == 0
    assert brokers_of(directory) == before


def test_an_interrupted_up_leaves_no_process(directory: Path) -> None:
    """Ctrl-C during the start ends the brokers that were started."""
    with subprocess.Popen(
        command(directory, "up", "--nodes", "3", "--first-port", "0"),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as starting:
        wait_until(lambda: brokers_of(directory), 60, "the first broker to start")
        starting.send_signal(signal.SIGINT)
        assert starting.wait(60) == 130

    assert brokers_of(directory) == []


def test_ctrl_c_in_the_terminal_does_not_reach_brokers(directory: Path) -> None:
    """Brokers are in sessions of their own."""
    assert up(directory).returncode == 0

    [broker] = brokers_of(directory)
    assert os.getsid(broker) == broker
    assert psutil.Process(broker).terminal() is None
