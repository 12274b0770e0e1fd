"""Whole pages against files that were looked at; `make golden` writes them anew."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kafkascope_exporter.exposition import Renderer, respond
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.metrics.self import SelfMetrics
from kafkascope_exporter.model import Failure, Snapshot
from tests.exporter import snapshots

GOLDEN = Path(__file__).parent / "golden"
VARYING = ("process_", "python_info", "kafka_exporter_build_info")
BROKER_2_SILENT = (
    Failure("ListGroups", "2", "TIMED_OUT"),
    Failure("ListOffsets", "2", "TIMED_OUT", 2),
    Failure("OffsetFetch", "2", "TIMED_OUT", 2),
    Failure("DescribeGroups", "2", "TIMED_OUT"),
)


def scrape(snapshot: Snapshot | None, failures: tuple[Failure, ...]) -> str:
    """Give a scrape's body after one cycle, without what differs from machine to machine."""
    page = Renderer(Rendering()).render([snapshot]) if snapshot else None
    page = page and replace(page, seconds=0.015625, cpu_seconds=0.0125)
    metrics = SelfMetrics("1.2.3")
    metrics.record(snapshots.report(snapshot, failures), page)
    body = b"".join(respond(page, metrics.render(openmetrics=False), gzip=False)).decode()
    lines = body.splitlines(keepends=True)
    return "".join(
        line
        for line in lines
        if not line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith(VARYING)
    )


@pytest.mark.parametrize(
    ("name", "make", "failures"),
    [
        ("healthy", snapshots.healthy, ()),
        ("under-replicated", snapshots.under_replicated, ()),
        ("leaderless", snapshots.leaderless, ()),
        ("group-without-commits", snapshots.group_without_commits, ()),
        ("partial-failure", snapshots.partial_failure, BROKER_2_SILENT),
        ("everything-missing", lambda: None, (Failure("Connect", "", "TIMED_OUT"),)),
    ],
)
def test_the_page_is_the_golden_one(
    name: str,
    make: Callable[[], Snapshot | None],
    failures: tuple[Failure, ...],
    refresh_golden: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    """Every change of a page is seen in review."""
    file = GOLDEN / f"{name}.prom"
    page = scrape(make(), failures)
    if refresh_golden:
        file.write_text(page, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == page, "look at it, then run: make golden"
