"""What an OpenTelemetry SDK's reader collected, as plain values that a test can compare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    Histogram,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    NumberDataPoint,
)

Attributes = frozenset[tuple[str, object]]


@dataclass(frozen=True, slots=True)
class Collector:
    """A real SDK whose only reader is asked by hand."""

    reader: InMemoryMetricReader
    provider: MeterProvider
    _histograms: dict[str, Metric] = field(default_factory=dict)
    """The last of each: SDKs of long ago leave out those with nothing new."""

    def metrics(self) -> dict[str, Metric]:
        """Collect, and return every metric that has points, by name."""
        data = self.reader.get_metrics_data()
        scopes = [] if data is None else data.resource_metrics
        found = {
            metric.name: metric
            for resource in scopes
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.data.data_points  # the oldest SDKs name metrics without points, too
        }
        self._histograms.update(
            {name: each for name, each in found.items() if isinstance(each.data, Histogram)}
        )
        return found

    def numbers(self, name: str) -> dict[Attributes, float]:
        """Collect, and return the values of a counter or gauge by attributes; empty without it."""
        metric = self.metrics().get(name)
        return {
            frozenset((point.attributes or {}).items()): point.value
            for point in (() if metric is None else _points(metric))
            if isinstance(point, NumberDataPoint)
        }

    def histograms(self, name: str) -> dict[Attributes, HistogramDataPoint]:
        """Collect, and return the points of a histogram by attributes; empty without it."""
        self.metrics()
        metric = self._histograms.get(name)
        return {
            frozenset((point.attributes or {}).items()): point
            for point in (() if metric is None else _points(metric))
            if isinstance(point, HistogramDataPoint)
        }


def _points(metric: Metric) -> Iterator[object]:
    yield from metric.data.data_points


def new_collector() -> Collector:
    """Start an SDK that keeps what it collects in memory."""
    reader = InMemoryMetricReader()
    return Collector(reader, MeterProvider([reader], shutdown_on_exit=False))
