"""The bench's results as tables of cells, drawn in the terminal or written as Markdown."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from tests.bench.cells import Cells
from tests.bench.exporters import OURS
from tests.bench.results import ClusterMeasured, Measured, Results
from tests.markedfile import Marks

MARKS = Marks("make bench")
_DEFAULT_PARTITIONS = 10_000
_MEGA = 1_000_000


def tables(results: Results) -> list[Cells]:
    """Give all tables of a run."""
    found = [_costs(results), _latencies(results), _phases(results)]
    targets = [c for c in results.clusters if c.size.partitions == _DEFAULT_PARTITIONS]
    found += [_targets(cluster) for cluster in targets]
    if len(results.clusters) > 1:
        found.append(_growth(results))
    return found


def _costs(results: Results) -> Cells:
    return Cells(
        "One collection: median and longest time, mean CPU",
        (
            *("partitions", "groups", "commits", "exporter", "collections", "wall s", "longest s"),
            *("own CPU s", "brokers' CPU s", "samples", "RSS MB, first → last"),
        ),
        [_cost(cluster, one) for cluster in results.clusters for one in cluster.exporters],
    )


def _cost(cluster: ClusterMeasured, one: Measured) -> list[str]:
    return [
        f"{cluster.size.partitions:,}",
        f"{cluster.size.groups:,}",
        f"{cluster.commits:,}",
        f"{one.exporter} {one.version}",
        str(len(one.collections)),
        f"{one.wall:.2f}",
        f"{one.slowest:.2f}",
        f"{one.own_cpu:.2f}",
        "not seen" if one.brokers_cpu is None else f"{one.brokers_cpu:.2f}",
        f"{one.samples:,}",
        f"{one.resident[0] / _MEGA:.0f} → {one.resident[-1] / _MEGA:.0f}",
    ]


def _latencies(results: Results) -> Cells:
    return Cells(
        f"Scrapes of {OURS} that overlap a cycle",
        ("partitions", "encoding", "MB", "scrapes", "p50 ms", "p99 ms", "longest ms"),
        [
            [
                f"{cluster.size.partitions:,}",
                encoding,
                f"{latency.body_bytes / _MEGA:.1f}",
                str(latency.scrapes),
                *(f"{s * 1000:.0f}" for s in (latency.p50, latency.p99, latency.slowest)),
            ]
            for cluster in results.clusters
            for one in cluster.exporters
            for encoding, latency in one.latencies.items()
        ],
    )


def _phases(results: Results) -> Cells:
    return Cells(
        f"Phases of a cycle of {OURS}, means",
        ("partitions", "phase", "wall ms", "CPU ms"),
        [
            [
                f"{cluster.size.partitions:,}",
                name,
                f"{phase.wall * 1000:.0f}",
                f"{phase.cpu * 1000:.0f}",
            ]
            for cluster in results.clusters
            for one in cluster.exporters
            for name, phase in one.phases.items()
        ],
    )


def _targets(cluster: ClusterMeasured) -> Cells:
    (ours,) = (one for one in cluster.exporters if one.exporter == OURS)
    rows = [
        ("wall s", ours.wall, 0.6),
        ("own CPU s", ours.own_cpu, 0.55),
        ("scrape p99 ms, gzip", ours.latencies["gzip"].p99 * 1000, 20),
        ("scrape p99 ms, identity", ours.latencies["identity"].p99 * 1000, 60),
        ("RSS MB at the end", ours.resident[-1] / _MEGA, 120),
    ]
    if ours.brokers_cpu is not None:
        rows.append(("brokers' CPU s", ours.brokers_cpu, 0.3))
    rows += _ratios(ours, cluster.exporters)
    return Cells(
        f"Targets at {_DEFAULT_PARTITIONS:,} partitions",
        ("what", "measured", "at most", ""),
        [
            [what, f"{measured:.2f}", f"{most:g}", "met" if measured <= most else "missed"]
            for what, measured, most in rows
        ],
    )


def _ratios(ours: Measured, others: Sequence[Measured]) -> Iterator[tuple[str, float, float]]:
    for other in others:
        if other.exporter == "kminion":
            yield "own CPU, kminion = 1", ours.own_cpu / other.own_cpu, 0.8
            if ours.brokers_cpu is not None and other.brokers_cpu:
                yield "brokers' CPU, kminion = 1", ours.brokers_cpu / other.brokers_cpu, 0.4


def _growth(results: Results) -> Cells:
    first, *more = (
        (cluster.size.partitions, one)
        for cluster in results.clusters
        for one in cluster.exporters
        if one.exporter == OURS
    )
    return Cells(
        f"Growth, {first[0]:,} partitions = 1",
        ("partitions", "wall", "own CPU", "brokers' CPU", "RSS"),
        [
            [
                f"{partitions / first[0]:.1f}",
                f"{one.wall / first[1].wall:.1f}",
                f"{one.own_cpu / first[1].own_cpu:.1f}",
                _ratio(one.brokers_cpu, first[1].brokers_cpu),
                f"{one.resident[-1] / first[1].resident[-1]:.1f}",
            ]
            for partitions, one in more
        ],
    )


def _ratio(one: float | None, first: float | None) -> str:
    return f"{one / first:.1f}" if one is not None and first else "not seen"


def notes(results: Results) -> list[str]:
    """Say what the tables do not show: the machine, the idle brokers, and who is not in them."""
    machine = results.machine
    idle = [
        f"{cluster.idle_cpu:.2f} at {cluster.size.partitions:,} partitions"
        for cluster in results.clusters
        if cluster.idle_cpu is not None
    ]
    where = (
        f"{machine.processor}, {machine.cores} cores shared with the brokers,"
        f" {machine.memory_bytes / 2**30:.0f} GiB, {machine.system}, Python {machine.python},"
        f" {results.kafka}; a cycle every {results.interval_s:g} s."
    )
    rates = ", ".join(idle) or "not seen"
    told = [where, f"Idle brokers, CPU seconds per second (taken off theirs above): {rates}."]
    told += [
        f"Failed at {cluster.size.partitions:,} partitions: {failure}."
        for cluster in results.clusters
        for failure in cluster.failed
    ]
    if results.absent:
        told.append(f"Not on PATH, so not measured: {', '.join(results.absent)}.")
    return told


def draw(results: Results, console: Console) -> None:
    """Print everything in the terminal."""
    for cells in tables(results):
        console.print(cells.drawn())
    for note in notes(results):
        console.print(note)


def write_markdown(results: Results, file: Path) -> None:
    """Put the tables into ``file`` in place of those that are there."""
    parts = [f"```console\n$ {results.command}\n```\n"]
    parts += [cells.markdown() for cells in tables(results)]
    parts += [f"{note}\n" for note in notes(results)]
    MARKS.put("\n".join(parts), file)
