from pathlib import Path

from tests.bench.cycles import Phase
from tests.bench.results import (
    ClusterMeasured,
    Collection,
    Latency,
    Machine,
    Measured,
    Results,
)
from tests.bench.seeding import Size
from tests.bench.tables import MARKS, notes, tables, write_markdown


def ours(own_cpu: float) -> Measured:
    """Our exporter, two collections."""
    latency = Latency(scrapes=99, p50=0.004, p99=0.015, slowest=0.02, body_bytes=500_000)
    return Measured(
        exporter="kafkascope-exporter",
        version="1.2.3",
        collections=[Collection(0.4, own_cpu, 0.1), Collection(0.6, own_cpu, 0.2)],
        resident=[90_000_000, 91_000_000],
        samples=1234,
        phases={"metadata": Phase(0.1, 0.05)},
        latencies={"gzip": latency, "identity": latency},
    )


def kminion() -> Measured:
    """A peer that used twice as much."""
    return Measured("kminion", "2.3.5", [Collection(1.0, 0.8, 1.0)], [70_000_000], 500)


def results(*clusters: ClusterMeasured) -> Results:
    """A run."""
    machine = Machine("a processor", 2, 4 << 30, "Linux 6", "3.11.7")
    return Results("make bench", machine, "Kafka 4.3.1", 5, ["kafka_exporter"], clusters)


def cluster(partitions: int, *exporters: Measured) -> ClusterMeasured:
    """What was measured on one cluster."""
    return ClusterMeasured(Size(partitions, partitions // 10, 100), 1800, 0.1, exporters)


def test_targets_are_met_or_missed_and_peers_are_the_measure_where_they_ran() -> None:
    """The default size has targets; kminion beside it adds two ratios."""
    (targets,) = (
        table
        for table in tables(results(cluster(10_000, ours(0.56), kminion())))
        if table.title.startswith("Targets")
    )

    verdicts = {row[0]: (row[1], row[3]) for row in targets.rows}

    assert verdicts["wall s"] == ("0.50", "met")
    assert verdicts["own CPU s"] == ("0.56", "missed")
    assert verdicts["own CPU, kminion = 1"] == ("0.70", "met")
    assert verdicts["brokers' CPU, kminion = 1"] == ("0.15", "met")


def test_growth_is_told_for_every_further_size() -> None:
    """Five times the partitions and five times the CPU is linear."""
    growth = tables(results(cluster(1_000, ours(0.1)), cluster(5_000, ours(0.5))))[-1]

    assert growth.rows == [["5.0", "1.0", "5.0", "1.0", "1.0"]]


def test_who_was_not_measured_is_named() -> None:
    """No table hides that a peer was not there."""
    assert any("kafka_exporter" in note for note in notes(results()))


def test_the_tables_go_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    """The text around them stays, and a second run takes the place of the first."""
    file = tmp_path / "performance.md"
    file.write_text(f"before\n{MARKS.begin}\nold\n{MARKS.end}\nafter\n")
    measured = results(cluster(1_000, ours(0.1)))

    write_markdown(measured, file)
    once = file.read_text()
    write_markdown(measured, file)

    assert file.read_text() == once
    assert once.startswith(f"before\n{MARKS.begin}\n")
    assert once.endswith(f"{MARKS.end}\nafter\n")
    assert "| 1,000 | 100 | 1,800 | kafkascope-exporter 1.2.3 |" in once
    assert "old" not in once
