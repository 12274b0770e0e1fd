"""When cycles run, and which page is served."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from kafkascope_exporter.config import Collect
from kafkascope_exporter.exposition import Page, Renderer
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.model import CycleReport, Failure, Snapshot
from kafkascope_exporter.schedule import Collector
from tests.exporter.snapshots import healthy
from tests.waiting import wait_until

REPORT = CycleReport(
    started_at=0.0,
    duration=0.1,
    succeeded=True,
    overran=False,
    durations={},
    cpu={},
    requests={},
    failures=(),
    missing={},
    held={},
)
COLLECT = Collect(interval=0.01, deadline=0.01, hold=0, staleness=45)


class FakeCycles:
    """Gives prepared cycles, the last one again and again; may wait in the middle of one."""

    def __init__(self, *given: tuple[Snapshot | None, CycleReport] | Exception) -> None:
        self.given = list(given)
        self.run = 0
        self.closed = False
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def cycle(self) -> tuple[Snapshot | None, CycleReport]:
        """Give the next one."""
        given = self.given[min(self.run, len(self.given) - 1)]
        self.run += 1
        self.entered.set()
        assert self.go_on.wait(10)
        if isinstance(given, Exception):
            raise given
        return given

    def close(self) -> None:
        """Remember that."""
        self.closed = True


def collector(
    cycles: FakeCycles, clock: Callable[[], float] = lambda: 0.0, collect: Collect = COLLECT
) -> Collector:
    """A collector of prepared cycles."""
    render = Renderer(Rendering()).render
    return Collector(cycles, collect, render, lambda *_: None, clock=clock)


def at(taken_at: float) -> Snapshot:
    """A healthy snapshot of a time."""
    return replace(healthy(), taken_at=taken_at)


def test_there_is_no_page_before_the_first_snapshot() -> None:
    """Kafka absent at the start: not ready."""
    collecting = collector(FakeCycles((None, REPORT)))
    collecting.collect_now()
    assert collecting.page() is None
    assert not collecting.ready()


def test_a_page_is_served_until_its_metadata_are_stale() -> None:
    """Then there is a gap instead of frozen values."""
    now = [7.0]
    collecting = collector(FakeCycles((at(100.0), REPORT)), lambda: now[0])
    collecting.collect_now()
    now[0] = 52.0
    assert collecting.ready()
    now[0] = 52.1
    assert collecting.page() is None


def test_cycles_without_metadata_make_no_page_younger() -> None:
    """What they show is as old as the metadata that an earlier cycle read."""
    now = [0.0]
    cycles = FakeCycles((at(100.0), REPORT), (at(100.0), REPORT), (at(103.0), REPORT))
    collecting = collector(cycles, lambda: now[0])
    collecting.collect_now()
    now[0] = 40.0
    collecting.collect_now()
    now[0] = 45.1
    assert collecting.page() is None
    collecting.collect_now()
    assert collecting.ready()


def test_after_each_cycle_there_is_a_rest() -> None:
    """Also after one that could not read anything."""
    rests: list[int] = []
    cycles = FakeCycles((None, REPORT), (at(0.0), REPORT))
    render = Renderer(Rendering()).render
    collecting = Collector(
        cycles, COLLECT, render, lambda *_: None, rest=lambda: rests.append(cycles.run)
    )
    collecting.collect_now()
    collecting.collect_now()
    assert rests == [1, 2]


def test_cycles_go_on_by_themselves_until_they_are_stopped() -> None:
    """And the connections are closed then."""
    cycles = FakeCycles((at(0.0), REPORT))
    collecting = collector(cycles)
    collecting.start()
    wait_until(lambda: cycles.run >= 3, 10, "three cycles")
    collecting.stop(10)
    assert cycles.closed


def test_with_on_scrape_nothing_runs_by_itself() -> None:
    """Only when asked."""
    cycles = FakeCycles((at(0.0), REPORT))
    collecting = collector(cycles, collect=COLLECT.model_copy(update={"on_scrape": True}))
    collecting.start()
    collecting.collect_now()
    collecting.stop(10)
    assert cycles.run == 1


def test_scrapes_at_the_same_time_share_a_cycle() -> None:
    """Those that come while one is under way wait for its end and start none."""
    cycles = FakeCycles((at(0.0), REPORT))
    cycles.go_on.clear()
    collecting = collector(cycles)
    scrapes = [threading.Thread(target=collecting.collect_now) for _ in range(5)]
    scrapes[0].start()
    assert cycles.entered.wait(10)
    for scrape in scrapes[1:]:
        scrape.start()
    cycles.go_on.set()
    for scrape in scrapes:
        scrape.join(10)
    assert not any(scrape.is_alive() for scrape in scrapes)
    assert 1 <= cycles.run <= 2, "the last may have come when the first was over"


def test_a_defect_in_a_cycle_ends_that_cycle_only(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged whole and recorded as a failed cycle, and the next cycle runs."""
    recorded: list[CycleReport] = []
    cycles = FakeCycles(RuntimeError("boom"), (at(0.0), REPORT))
    render = Renderer(Rendering()).render
    collecting = Collector(
        cycles, COLLECT, render, lambda report, _: recorded.append(report), clock=lambda: 0.0
    )
    collecting.collect_now()
    assert "boom" in caplog.text
    collecting.collect_now()
    assert collecting.ready()
    assert [report.succeeded for report in recorded] == [False, True]
    assert recorded[0].failures == (Failure("Cycle", "", "RuntimeError"),)


def test_what_breaks_because_the_exporter_ends_is_no_defect(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The connections are closed under a cycle that takes too long: nothing is logged."""
    cycles = FakeCycles(RuntimeError("closed"))
    cycles.go_on.clear()
    collecting = collector(cycles)
    collecting.start()
    assert cycles.entered.wait(10)
    collecting.stop(0)
    cycles.go_on.set()
    collecting.stop(10)
    assert caplog.text == ""


def test_a_defect_in_recording_ends_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    """The next cycle runs, and the log shows it whole."""

    def record(*_: object) -> None:
        raise OSError("/proc is gone")

    cycles = FakeCycles((at(0.0), REPORT))
    collecting = Collector(cycles, COLLECT, Renderer(Rendering()).render, record)
    collecting.collect_now()
    collecting.collect_now()
    assert cycles.run == 2
    assert "/proc is gone" in caplog.text


def test_every_cycle_is_recorded_with_the_newest_page() -> None:
    """A cycle without a snapshot too."""
    recorded: list[tuple[CycleReport, Page | None]] = []

    def render(snapshots: Sequence[Snapshot]) -> Page:
        return Renderer(Rendering()).render(snapshots)

    def record(report: CycleReport, page: Page | None) -> None:
        recorded.append((report, page))

    cycles = FakeCycles((None, REPORT), (at(0.0), REPORT))
    collecting = Collector(cycles, COLLECT, render, record, clock=lambda: 0.0)
    collecting.collect_now()
    collecting.collect_now()
    assert [page is None for _, page in recorded] == [True, False]
