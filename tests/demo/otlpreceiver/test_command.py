"""`kafkascope-demo otlp-receiver` as a process: it starts, ends in order, and explains itself."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from kafkascope_demo.localkafka.ports import free_ports
from tests.waiting import wait_until

COMMAND = (sys.executable, "-m", "kafkascope_demo", "otlp-receiver")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 0; what was kept is in the file alone, without a journal beside it."""
    (port,) = free_ports(1)
    database = tmp_path / "otlp.sqlite3"
    process = subprocess.Popen(
        [*COMMAND, "--port", str(port), "--database", str(database), "--max-bytes", "8MiB"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: healthy(port), 30, "the receiver answers")
        process.send_signal(number)
        told = process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, told
    assert "for development only" in told
    assert told.splitlines()[-1].endswith("stopped")
    assert [path.name for path in tmp_path.iterdir()] == [database.name]


def healthy(port: int) -> bool:
    """Tell whether the receiver answers."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_a_taken_port_is_explained(tmp_path: Path) -> None:
    """With the flag that helps."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port), "--database", str(tmp_path / "otlp.sqlite3"))
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "give another --port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--max-bytes", "much"), "'much' is no size such as 64MiB"),
        (("--max-bytes", "10KiB"), "'10KiB' is less than 1MiB"),
        (("--port", "70000"), "'70000' is no port"),
    ],
)
def test_a_bad_option_is_explained(arguments: tuple[str, ...], reason: str) -> None:
    """Exit code 2, as for any command."""
    done = run(*arguments)
    assert done.returncode == 2
    assert reason in done.stderr


def test_an_unusable_database_is_explained(tmp_path: Path) -> None:
    """With the flag that helps."""
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    done = run("--database", str(tmp_path / "file" / "otlp.sqlite3"))
    assert done.returncode == 1
    assert "give another --database" in done.stderr
    assert "Traceback" not in done.stderr
