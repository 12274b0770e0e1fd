"""Ports of local clusters."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kafkascope_demo.localkafka.ports import free_ports

PRINT_A_BLOCK = "from kafkascope_demo.localkafka.ports import free_ports; print(*free_ports(11))"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache directory of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "kafkascope"


def test_processes_that_ask_at_once_get_different_ports() -> None:
    """Although none of them listens yet."""
    asking = [
        subprocess.Popen([sys.executable, "-c", PRINT_A_BLOCK], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    ports = [port for process in asking for port in process.communicate()[0].split()]

    assert len(ports) == 44
    assert len(set(ports)) == 44


def test_a_block_with_a_taken_port_is_passed_over(cache: Path) -> None:
    """The search goes on behind it."""
    (before,) = free_ports(1)
    (cache / "next-port").write_text(f"{before}\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", before)):
        assert before not in free_ports(3)


@pytest.mark.parametrize("kept", ["29995", "", "nonsense", "80", "70000"])
def test_ports_stay_below_the_ephemeral_ones(cache: Path, kept: str) -> None:
    """At the end of the range the first one follows; what is no such port is not believed."""
    cache.mkdir()
    (cache / "next-port").write_text(kept, encoding="utf-8")

    ports = [port for _ in range(3) for port in free_ports(11)]

    assert len(set(ports)) == 33
    assert all(20_000 <= port < 30_000 for port in ports)
