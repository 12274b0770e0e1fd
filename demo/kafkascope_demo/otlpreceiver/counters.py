"""The receiver's own metrics."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kafkascope_demo.otlpreceiver import reading
from kafkascope_demo.otlpreceiver.storage import SIGNALS, Storage

_PREFIX: Final = "kafkascope_demo_otlp_receiver"


@dataclass(slots=True)
class Counters:
    """Counts what came in and what became of it.

    Args:
        storage: Where it is kept.
    """

    storage: Storage
    received: Counter = field(init=False)
    rejected: Counter = field(init=False)
    requests: Counter = field(init=False)
    dropped: Counter = field(init=False)
    _registry: CollectorRegistry = field(init=False)

    def __post_init__(self) -> None:
        """Register all of them, with each label that is known beforehand."""
        self._registry = CollectorRegistry()
        self.received = self._counter(
            "received", "Spans, points and log records kept, by signal", ("signal",)
        )
        self.rejected = self._counter(
            "rejected",
            "Spans, points and log records that cannot be kept, by signal: invalid ids or times",
            ("signal",),
        )
        self.requests = self._counter(
            "requests", "Export requests by signal and HTTP status", ("signal", "status")
        )
        self.dropped = self._counter(
            "dropped",
            "What the size bound removed, oldest first: traces, points or logs",
            ("what",),
        )
        for signal in ("traces", "metrics", "logs"):
            self.received.labels(signal)
            self.rejected.labels(signal)
        for what in SIGNALS:
            self.dropped.labels(what)
        self._registry.register(_Kept(self.storage))

    def _counter(self, name: str, documentation: str, labels: Iterable[str]) -> Counter:
        return Counter(f"{_PREFIX}_{name}", documentation, labels, registry=self._registry)

    def page(self) -> bytes:
        """Render them in Prometheus' text format."""
        return generate_latest(self._registry)


@dataclass(frozen=True, slots=True)
class _Kept(Collector):
    storage: Storage

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read what the database holds now."""
        with self.storage.reading() as database:
            sizes = reading.sizes(database)
        kept = GaugeMetricFamily(
            f"{_PREFIX}_kept",
            "What the database holds: traces, spans, points, logs",
            labels=["what"],
        )
        for what, count in sizes.items():
            kept.add_metric([what], count)
        yield kept
        for name, about, value in (
            ("database_bytes", "Bytes of the database in use", self.storage.used_bytes()),
            ("database_max_bytes", "Bytes it may have", self.storage.max_bytes),
        ):
            yield GaugeMetricFamily(f"{_PREFIX}_{name}", about, value=value)
