import pytest

from kafkascope_exporter.exposition import Renderer, respond
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.metrics.self import SelfMetrics
from kafkascope_exporter.model import Snapshot
from tests.bench.cycles import last_cycle
from tests.bench.exporters import samples, version
from tests.exporter import snapshots


def page_after(snapshot: Snapshot | None) -> str:
    """Give a scrape after one cycle that gave ``snapshot``."""
    page = Renderer(Rendering()).render([snapshot]) if snapshot else None
    metrics = SelfMetrics("1.2.3")
    metrics.record(snapshots.report(snapshot), page)
    return b"".join(respond(page, metrics.render(openmetrics=False), gzip=False)).decode()


def test_a_cycle_is_read_from_the_page_after_it() -> None:
    """From the beginning of its collection to the end of its rendering, phase by phase."""
    snapshot = snapshots.healthy()
    report = snapshots.report(snapshot)

    cycle = last_cycle(page_after(snapshot))

    assert cycle is not None
    assert cycle.number == 1
    assert cycle.begun == snapshot.taken_at
    assert cycle.wall == pytest.approx(report.duration + cycle.phases["render"].wall)
    assert set(cycle.phases) == {*report.durations, "render"}
    assert cycle.phases["metadata"].wall == report.durations["metadata"]
    assert cycle.phases["metadata"].cpu == report.cpu["metadata"]


def test_there_is_no_cycle_until_kafka_was_reached() -> None:
    """A cycle that failed has nothing to measure."""
    assert last_cycle(page_after(None)) is None


def test_the_samples_and_the_version_are_those_of_the_page() -> None:
    """Lines of help and types are no samples, Python's version is not ours."""
    page = page_after(snapshots.healthy())

    assert version(page) == "1.2.3"
    assert samples(page) == sum(1 for line in page.split("\n") if line and line[0] != "#")


@pytest.mark.parametrize(
    "line",
    [
        'kafka_exporter_build_info{branch="HEAD",goversion="go1.22",version="1.9.0"} 1',
        'kminion_exporter_up{version="1.9.0"} 1',
    ],
)
def test_the_peers_versions_are_found(line: str) -> None:
    """Each names its own in its own metric."""
    assert version(f"# HELP x\n{line}\n") == "1.9.0"
