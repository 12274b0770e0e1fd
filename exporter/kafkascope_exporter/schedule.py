"""When to collect: a cycle every interval on a thread of its own, and the page that came of it.

Scrapes read `Collector.page` and never wait for Kafka, unless ``--collect.on-scrape`` is set.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from kafkascope_exporter.config import Collect
from kafkascope_exporter.cyclelog import CycleLog
from kafkascope_exporter.exposition import Page
from kafkascope_exporter.model import CycleReport, Failure, Snapshot

log = logging.getLogger(__name__)

_FIRST_RETRY = 1.0


class Cycles(Protocol):
    """What can run a collection cycle (`collection.ClusterCollection`)."""

    def cycle(self) -> tuple[Snapshot | None, CycleReport]:
        """Collect once."""

    def close(self) -> None:
        """Let go of all connections."""


class Collector:
    """Runs the cycles of one cluster, one at a time, and keeps the newest page.

    Args:
        cycles: what to run.
        collect: interval, staleness and whether to collect on scrape.
        render: makes the page of a snapshot.
        record: takes each cycle's report and the page rendered after it, if any.
        rest: called after each cycle, before the next one.
        clock: seconds that never jump, by which a page grows stale.
    """

    def __init__(
        self,
        cycles: Cycles,
        collect: Collect,
        render: Callable[[Sequence[Snapshot]], Page],
        record: Callable[[CycleReport, Page | None], None],
        *,
        rest: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cycles = cycles
        self._collect = collect
        self._render = render
        self._record = record
        self._rest = rest
        self._clock = clock
        self._page: Page | None = None
        self._taken = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="collect", daemon=True)
        self._turn = threading.Condition()
        self._under_way = False
        self._finished = 0
        self._told = CycleLog()

    def page(self) -> Page | None:
        """Give the newest page, unless its metadata is older than ``--collect.staleness``."""
        page = self._page
        if page is None or self._clock() - self._taken > self._collect.staleness:
            return None
        return page

    def ready(self) -> bool:
        """Tell whether there is a page to serve."""
        return self.page() is not None

    def start(self) -> None:
        """Begin to collect; on scrape only, do nothing until `collect_now`."""
        if not self._collect.on_scrape:
            self._thread.start()

    def stop(self, timeout: float) -> None:
        """End after the cycle under way, or after ``timeout`` seconds without it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._cycles.close()

    def collect_now(self) -> None:
        """Run a cycle and return when it is over; join the one that is under way, if any."""
        with self._turn:
            if self._under_way:
                waiting_for = self._finished + 1
                self._turn.wait_for(lambda: self._finished >= waiting_for)
                return
            self._under_way = True
        try:
            self._cycle()
        finally:
            with self._turn:
                self._under_way = False
                self._finished += 1
                self._turn.notify_all()

    def _run(self) -> None:
        retry = _FIRST_RETRY
        while not self._stopping.is_set():
            begun = time.monotonic()
            self.collect_now()
            pause = self._collect.interval
            if self._page is None:
                pause, retry = min(pause, retry), retry * 2
            self._stopping.wait(max(0.0, begun + pause - time.monotonic()))

    def _cycle(self) -> None:
        started_at, began = time.time(), self._clock()
        try:
            snapshot, report = self._cycles.cycle()
            if snapshot is not None:
                self._show(self._render([snapshot]), began)
        except Exception as error:  # the thread must outlive a defect, which the log shows whole
            if self._stopping.is_set():  # the connections were closed under it
                return
            log.exception("a collection cycle failed by a defect of the exporter")
            report = self._failed(error, started_at, self._clock() - began)
        if not self._stopping.is_set():
            self._conclude(report)

    def _conclude(self, report: CycleReport) -> None:
        try:
            self._record(report, self._page)
            self._told.add(report)
            self._rest()
        except Exception:  # as above
            log.exception("a collection cycle was not recorded by a defect of the exporter")

    def _show(self, page: Page, began: float) -> None:
        # A page is as old as its metadata, which an unsuccessful cycle leaves as they were.
        if self._page is None or page.taken_at != self._page.taken_at:
            self._taken = began
        self._page = page

    def _failed(self, error: Exception, started_at: float, duration: float) -> CycleReport:
        """Report a cycle that raised, so that the exporter's own metrics do not say all is well."""
        return CycleReport(
            started_at=started_at,
            duration=duration,
            succeeded=False,
            overran=duration > self._collect.interval,
            durations={},
            cpu={},
            requests={},
            failures=(Failure("Cycle", "", type(error).__name__),),
            missing={},
            held={},
        )
