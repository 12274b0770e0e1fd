"""What OpenTelemetry's own instrumentation of confluent_kafka gets wrong, and this one does not.

The rows are those of docs/tracing.md. A row that the other one mends in a later release fails here.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from opentelemetry.instrumentation import utils

from tests.assets.repository import ROOT
from tests.skips import PEERS_ABSENT

pytestmark = pytest.mark.skipif(
    not hasattr(confluent_kafka.Producer, "__exit__")
    or not hasattr(utils, "suppress_instrumentation"),
    reason="the programs use what clients and instrumentations of long ago lack",
)

PEER = ROOT / ".venv-peers" / "bin" / "python"
PROBES = Path(__file__).parent / "peers" / "probes.py"
ROWS: list[tuple[str, object, object]] = [
    ("bad_traceparent", ["bad", "good"], ["UnicodeDecodeError", "good"]),
    ("tombstones", 2, 0),
    ("baggage", "ochacafe", None),
    ("with_block", False, True),
    ("serializing_producer", 1, 0),
    ("positional_headers", True, False),
    ("reused_headers", 1, 3),
    ("stale_traceparent", [1], [0]),
    ("failed_delivery", ["ERROR"], ["UNSET"]),
    ("suppressed", 0, 1),
    ("imported_early", 1, 0),
    ("other_thread", [], ["Failed to detach context"]),
    ("end_of_partition", 1, 4),
    ("produce_batch", True, False),
    ("instrumented_again", 1, 3),
]
"""Name of the probe, what it shows with ours, and what with the other one."""


def probe(python: Path, way: str) -> dict[str, Any]:
    """Run all probes in a process of their own; their outcomes by name."""
    path = os.pathsep.join(filter(None, sys.path)) if way == "ours" else ""
    done = subprocess.run(
        [python, PROBES, way],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    """The outcomes under kafkascope-tracing."""
    return probe(Path(sys.executable), "ours")


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    """The outcomes under opentelemetry-instrumentation-confluent-kafka, in .venv-peers."""
    if not PEER.exists():
        pytest.skip(PEERS_ABSENT)
    return probe(PEER, "otel")


@pytest.mark.parametrize(("name", "right", "_"), ROWS, ids=[row[0] for row in ROWS])
def test_a_program_sees_the_right_thing_with_ours(
    name: str, right: object, _: object, ours: dict[str, Any]
) -> None:
    """Zero code on our side, too: the programs are the same."""
    assert ours[name] == right


@pytest.mark.parametrize(("name", "_", "wrong"), ROWS, ids=[row[0] for row in ROWS])
def test_the_same_program_sees_the_wrong_thing_with_the_other_one(
    name: str, _: object, wrong: object, theirs: dict[str, Any]
) -> None:
    """So the comparison in docs/tracing.md is one that was run."""
    assert theirs[name] == wrong


def test_every_probe_has_a_row(ours: dict[str, Any]) -> None:
    """None is run for nothing."""
    assert sorted(ours) == sorted(row[0] for row in ROWS)
