"""The exporter's own metrics: how its cycles go, and what is missing from the page.

They are rendered at each scrape, unlike the Kafka metrics, and are there when Kafka is not.
"""

import platform
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Metric,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from kafkascope_exporter.exposition import Page
from kafkascope_exporter.metrics import METRICS
from kafkascope_exporter.model import HELD_KINDS, MISSING_KINDS, CycleReport

_RENDER = "Render"

Family = TypeVar("Family", GaugeMetricFamily, CounterMetricFamily)
LabelValues = TypeVar("LabelValues", bound=tuple[str, ...])


class SelfMetrics(Collector):
    """Counts what the cycles report. Safe to record to in one thread and render in another.

    Args:
        version: the exporter's version.
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self._lock = threading.Lock()
        self._report: CycleReport | None = None
        self._page: Page | None = None
        self._last_success = 0.0
        self._totals: Counter[str] = Counter()
        self._requests: Counter[tuple[str, str]] = Counter()
        self._errors: Counter[tuple[str, str, str]] = Counter()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        PlatformCollector(registry=self._registry)
        # Reading /proc is most of a scrape's system calls, at each of which it may have to wait
        # for the interpreter lock; a cycle has time for that (docs/adr/0003).
        self._process_now = ProcessCollector(registry=None).collect
        self._process = tuple(self._process_now())

    def record(self, report: CycleReport, page: Page | None) -> None:
        """Take in a cycle.

        Args:
            report: how it went.
            page: the newest page, rendered after this cycle or an earlier one, if any.
        """
        process = tuple(self._process_now())
        with self._lock:
            self._process = process
            self._report = report
            self._totals["cycles"] += 1
            self._totals["overruns"] += report.overran
            if report.succeeded:
                self._last_success = report.started_at + report.duration
            self._requests.update(report.requests)
            for failure in report.failures:
                self._errors[failure.api, failure.broker, failure.code] += failure.count
            if page is not None and page is not self._page:
                self._errors.update((_RENDER, "", group) for group in page.failed_groups)
            self._page = page

    def render(self, *, openmetrics: bool) -> bytes:
        """Give the metrics for one scrape, and count it.

        Args:
            openmetrics: whether to write OpenMetrics 1.0, which ends with ``# EOF``, instead of
                the text format 0.0.4.
        """
        with self._lock:
            self._totals["scrapes"] += 1
        return (generate_openmetrics if openmetrics else generate_latest)(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Give the families; what `prometheus_client` calls."""
        with self._lock:
            own = [self._build_info(), *self._health(), *self._counts(), *self._of_page()]
            return [*own, *self._process]

    def _build_info(self) -> Metric:
        labels = {"version": self._version, "pythonversion": platform.python_version()}
        return _filled(
            GaugeMetricFamily(
                "kafka_exporter_build_info",
                "Versions of the exporter and of Python; always 1.",
                labels=tuple(labels),
            ),
            {tuple(labels.values()): 1},
        )

    def _health(self) -> Iterator[Metric]:
        report = self._report
        yield GaugeMetricFamily(
            "kafka_exporter_up",
            "1 if the last collection cycle read the metadata of the cluster, else 0.",
            value=1 if report and report.succeeded else 0,
        )
        yield GaugeMetricFamily(
            "kafka_exporter_last_success_timestamp_seconds",
            "When the last collection cycle that read the metadata ended, in Unix time; "
            "0 before the first.",
            value=self._last_success,
        )
        yield GaugeMetricFamily(
            "kafka_exporter_snapshot_timestamp_seconds",
            "When the cycle began whose metadata the Kafka metrics show, in Unix time; "
            "0 before the first.",
            value=self._page.taken_at if self._page else 0,
        )
        durations = {**report.durations, "total": report.duration} if report else {}
        cpu = dict(report.cpu) if report else {}
        if self._page:
            durations["render"] = self._page.seconds
            cpu["render"] = self._page.cpu_seconds
        yield _filled(
            GaugeMetricFamily(
                "kafka_exporter_cycle_duration_seconds",
                "Time that the last collection cycle took, by phase; the phase total is all but "
                "render, which follows it.",
                labels=("phase",),
            ),
            {(phase,): seconds for phase, seconds in durations.items()},
        )
        yield _filled(
            GaugeMetricFamily(
                "kafka_exporter_cycle_cpu_seconds",
                "CPU time that the process used during the last collection cycle, by phase; that "
                "of scrapes meanwhile is part of it.",
                labels=("phase",),
            ),
            {(phase,): seconds for phase, seconds in cpu.items()},
        )

    def _counts(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "kafka_exporter_cycles", "Collection cycles.", value=self._totals["cycles"]
        )
        yield CounterMetricFamily(
            "kafka_exporter_overruns",
            "Collection cycles that took longer than the collect interval.",
            value=self._totals["overruns"],
        )
        yield CounterMetricFamily(
            "kafka_exporter_scrapes", "Scrapes of this page.", value=self._totals["scrapes"]
        )
        yield _filled(
            CounterMetricFamily(
                "kafka_exporter_requests",
                "Requests to Kafka, by API and broker id.",
                labels=("api", "broker"),
            ),
            self._requests,
        )
        yield _filled(
            CounterMetricFamily(
                "kafka_exporter_errors",
                "Partitions, groups or requests that a call could not tell about, by API, broker "
                "id and error; metric groups that could not be rendered, with API Render.",
                labels=("api", "broker", "code"),
            ),
            self._errors,
        )

    def _of_page(self) -> Iterator[Metric]:
        missing = self._report.missing if self._report else {}
        held = self._report.held if self._report else {}
        series = self._page.series if self._page else {}
        yield _filled(
            GaugeMetricFamily(
                "kafka_exporter_missing",
                "Things that the last collection cycle should have read and could not, by kind.",
                labels=("kind",),
            ),
            {(kind,): missing.get(kind, 0) for kind in MISSING_KINDS},
        )
        yield _filled(
            GaugeMetricFamily(
                "kafka_exporter_held",
                "Things shown as an earlier collection cycle read them, by kind.",
                labels=("kind",),
            ),
            {(kind,): held.get(kind, 0) for kind in HELD_KINDS},
        )
        yield _filled(
            GaugeMetricFamily(
                "kafka_exporter_series",
                "Series in the Kafka metrics that were rendered last, by metric group.",
                labels=("group",),
            ),
            {(group.name,): series.get(group.name, 0) for group in METRICS},
        )


def _filled(family: Family, values: Mapping[LabelValues, float]) -> Family:
    for label_values, value in values.items():
        family.add_metric(label_values, value)
    return family
