"""The bench on a small cluster: it seeds what it says, and measures our exporter as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import LocalKafka
from tests.integration.topics import delete_topics

ROOT = Path(__file__).parents[2]
GROUPS = 4


@pytest.fixture
def benched(kafka: LocalKafka, admin: AdminClient) -> Iterator[str]:
    """The shared cluster's addresses; what the bench leaves there is deleted."""
    yield kafka.bootstrap_servers
    delete_topics(admin, [t for t in admin.list_topics(timeout=10).topics if t.startswith("bench")])


def put_on_path(directory: Path, name: str, script: str) -> None:
    """Make a program that stands in for a peer."""
    program = directory / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_bench_measures_ours_and_the_peers_on_path(benched: str, tmp_path: Path) -> None:
    """Numbers of every kind come out; a peer that fails costs only its own.

    Our exporter takes the place of danielqsj's, whose flags it has.
    """
    file = tmp_path / "bench.json"
    wanted = ["--size=30/3/4", "--cycles=2", "--warm-up=1", "--interval=1.5", "--idle-seconds=0.5"]
    as_ours = f'exec {sys.executable} -m kafkascope_exporter --collect.on-scrape "$@"'
    put_on_path(tmp_path, "kafka_exporter", as_ours)
    put_on_path(tmp_path, "kminion", "echo no brokers in $KAFKA_BROKERS; exit 3")

    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.bench", f"--bootstrap-servers={benched}"),
            *(*wanted, f"--json={file}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )

    assert done.returncode == 0, done.stderr
    assert "kafkascope-exporter" in done.stdout
    (cluster,) = json.loads(file.read_text())["clusters"]
    assert cluster["commits"] >= 16 * GROUPS
    ours, peer = cluster["exporters"]
    assert (ours["exporter"], peer["exporter"]) == ("kafkascope-exporter", "kafka_exporter")
    assert ours["samples"] > 300
    assert len(ours["collections"]) == len(ours["resident"]) == 2
    assert all(c["wall"] > 0 and c["brokers_cpu"] is not None for c in ours["collections"])
    assert {"metadata", "offsets", "render"} <= set(ours["phases"])
    assert peer["samples"] > 300, "other tests add and take topics on this cluster meanwhile"
    assert len(peer["collections"]) == 2
    (failure,) = cluster["failed"]
    assert failure == f"kminion: it ended with 3; its last words: no brokers in {benched}"
    assert all(ours["latencies"][encoding]["scrapes"] > 0 for encoding in ("gzip", "identity"))


def test_a_cluster_that_the_machine_cannot_hold_is_refused_with_the_numbers() -> None:
    """Before anything is started."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--size=900000000/1000/1"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 1
    assert "900,000,000 partitions do not fit" in done.stderr
    assert "file descriptors" in done.stderr
    assert "memory maps" in done.stderr
    assert "Traceback" not in done.stderr
