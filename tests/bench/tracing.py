"""Measure what tracing costs per message, beside other people's instrumentation.

`python -m tests.bench.tracing` (part of `make bench`) runs each way of tracing in a process of its
own, seven times in turns, against librdkafka's mock cluster, and prints the least CPU time of the
calling thread (AIO: of the process) per message, over the raw client's. Messages have 100 bytes;
those that are consumed carry a sampled trace context; the span processor does nothing.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from confluent_kafka import Producer
from rich.console import Console

from tests.bench.cells import Cells
from tests.markedfile import Marks
from tests.tracing.mockcluster import mock_cluster

MARKS: Final = Marks("make bench, tracing")
_ROOT = Path(__file__).parents[2]
_OURS, _PEERS = (str(_ROOT / folder / "bin" / "python") for folder in (".venv", ".venv-peers"))
Headers: TypeAlias = list[tuple[str, str | bytes | None]]
_FILLED = "filled"
_TIMEOUT_S = 120
_QUIET = {
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
}

RAW: Final = "raw"
WAYS: Final = {
    RAW: (_OURS, "raw client"),
    "ours": (_OURS, "kafkascope-tracing, no SDK"),
    "ours-sampled-out": (_OURS, "kafkascope-tracing, sampled out"),
    "ours-sampled": (_OURS, "kafkascope-tracing, sampled"),
    "ours-metrics": (_OURS, "kafkascope-tracing, sampled, with metrics"),
    "otel": (_PEERS, "opentelemetry-instrumentation-confluent-kafka, no SDK"),
    "otel-sampled-out": (_PEERS, "the same, sampled out"),
    "otel-sampled": (_PEERS, "the same, sampled"),
    "ddtrace": (_PEERS, "ddtrace"),
}
OPERATIONS: Final = {
    "produce": "produce",
    "poll": "poll",
    "process": "poll, process",
    "consume": "consume(500)",
    "aio": "AIO produce",
}
TARGETS: Final = {
    ("ours", "produce"): 1.5,
    ("ours", "poll"): 1.5,
    ("ours-sampled-out", "produce"): 12.0,
    ("ours-sampled-out", "process"): 12.0,
    ("ours-sampled", "produce"): 45.0,
    ("ours-sampled", "process"): 60.0,
    ("ours-sampled", "consume"): 10.0,
}
"""Microseconds per message over the raw client."""


@dataclass(frozen=True, slots=True)
class Results:
    """``seconds`` per message and ``retained`` bytes per message, by way and operation."""

    seconds: Mapping[tuple[str, str], float]
    retained: Mapping[tuple[str, str], float]

    def over_raw(self, way: str, operation: str) -> float:
        """Give the microseconds per message that a way costs more than the raw client."""
        return (self.seconds[way, operation] - self.seconds[RAW, operation]) * 1e6


def tables(results: Results) -> list[Cells]:
    """Give the tables of a run."""
    raw = ["raw client, in all", *(f"{results.seconds[RAW, o] * 1e6:.2f}" for o in OPERATIONS)]
    costs = [
        [name, *(f"{results.over_raw(way, operation):+.1f}" for operation in OPERATIONS)]
        for way, (_, name) in WAYS.items()
        if way != RAW
    ]
    targets = [
        [
            f"{WAYS[way][1]}: {OPERATIONS[operation]}",
            f"{results.over_raw(way, operation):+.2f}",
            f"+{most:g}",
            "met" if results.over_raw(way, operation) <= most else "missed",
        ]
        for (way, operation), most in TARGETS.items()
    ]
    retained = [
        [f"{WAYS[way][1]}: {OPERATIONS[operation]}", f"{left:.2f}"]
        for (way, operation), left in results.retained.items()
    ]
    return [
        Cells(
            "Tracing, µs per message over the raw client", ("", *OPERATIONS.values()), [raw, *costs]
        ),
        Cells("Targets of tracing, µs per message", ("what", "measured", "at most", ""), targets),
        Cells("Python's memory that a message leaves behind", ("what", "bytes"), retained),
    ]


def measure(servers: str, rounds: int, count: int, console: Console) -> Results:
    """Run everything in turns.

    Raises:
        subprocess.SubprocessError: a way of tracing fails or hangs.
    """
    seconds: dict[tuple[str, str], float] = {}
    for number in range(1, rounds + 1):
        for operation in OPERATIONS:
            console.print(f"[dim]round {number} of {rounds}: {operation}", highlight=False)
            for way in WAYS:
                took = _run(way, operation, servers, count)
                seconds[way, operation] = min(took, seconds.get((way, operation), took))
    retained = {
        (way, operation): _run(way, operation, servers, count, "--retained")
        for way in ("ours-sampled", "ours-metrics")
        for operation in ("produce", "process")
    }
    return Results(seconds, retained)


def _run(way: str, operation: str, servers: str, count: int, *more: str) -> float:
    done = subprocess.run(
        [
            *(WAYS[way][0], str(_ROOT / "tests" / "bench" / "traced_loops.py")),
            *(way, operation, servers, _FILLED, str(count), *more),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_TIMEOUT_S,
        check=True,
        env={**os.environ, **_QUIET},
    )
    return float(json.loads(done.stdout))


def fill(servers: str, count: int) -> None:
    """Produce messages that carry a context each."""
    producer = Producer({"bootstrap.servers": servers, "queue.buffering.max.messages": count})
    for number in range(1, count + 1):
        context = f"00-0af7651916cd43dd8448eb211c80319c-{number:016x}-01"
        headers: Headers = [("traceparent", context.encode())]
        producer.produce(_FILLED, b"x" * 100, partition=0, headers=headers)
    producer.flush(60)


def main() -> int:
    """Run the bench; 1 when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tracing", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=7, help="runs of each, of which the least counts (7)")
    add("--count", type=int, default=6000, help="messages per run (6000; the mock keeps 5 MB)")
    add("--markdown", type=Path, metavar="FILE", help="put the tables into this file")
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    errors = Console(stderr=True)
    try:
        if given.markdown:
            MARKS.check(given.markdown, "--markdown")
        with mock_cluster() as servers:
            fill(servers, 2 * given.count)
            results = measure(servers, given.rounds, given.count, errors)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        errors.print(f"bench: {error}", style="red", highlight=False, soft_wrap=True)
        return 1
    for cells in tables(results):
        console.print(cells.drawn())
    if given.markdown:
        MARKS.put("\n".join(cells.markdown() for cells in tables(results)), given.markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main())
