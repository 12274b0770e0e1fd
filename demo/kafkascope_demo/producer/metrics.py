"""Metrics of the producer service."""

from collections.abc import Callable, Iterator
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kafkascope_demo.exposition import exemplar

Outcome = Literal[
    "acked",
    "submitted",
    "invalid",
    "too_large",
    "unsupported_media_type",
    "queue_full",
    "delivery_failed",
]
OUTCOMES: Final[tuple[Outcome, ...]] = (
    "acked",
    "submitted",
    "invalid",
    "too_large",
    "unsupported_media_type",
    "queue_full",
    "delivery_failed",
)
_BUCKETS_S: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 20.0, 30.0),
)


class ProducerMetrics:
    """Counts requests by outcome, and times them.

    Args:
        registry: Where they are exposed.
        scenario: Gives the fault scenario that runs, None for none.
    """

    def __init__(self, registry: CollectorRegistry, scenario: Callable[[], str | None]) -> None:
        self._requests = Counter(
            "kafkascope_demo_produce_requests",
            "Requests to write an event, by what became of them.",
            ["outcome"],
            registry=registry,
        )
        for outcome in OUTCOMES:
            self._requests.labels(outcome)
        self._durations = Histogram(
            "kafkascope_demo_produce_duration_seconds",
            "From the request for writing an event to its answer.",
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._lost = Counter(
            "kafkascope_demo_lost_after_submit",
            "Events that were acknowledged at submit (ACK=submitted) and that Kafka did not take.",
            registry=registry,
        )
        registry.register(_Scenario(scenario))

    def observe(self, outcome: Outcome, seconds: float) -> None:
        """Count a request; it is timed when it came as far as Kafka's client."""
        self._requests.labels(outcome).inc()
        if outcome in {"acked", "submitted", "delivery_failed"}:
            self._durations.observe(seconds, exemplar())

    def lose(self) -> None:
        """Count an event that is lost although it was acknowledged."""
        self._lost.inc()


class _Scenario(Collector):
    """Exposes the fault scenario that runs, for dashboards to mark."""

    def __init__(self, scenario: Callable[[], str | None]) -> None:
        self._scenario = scenario

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauge; without a sample when no scenario runs."""
        gauge = GaugeMetricFamily(
            "kafkascope_demo_scenario", "1 while a fault scenario runs.", labels=["name"]
        )
        name = self._scenario()
        if name is not None:
            gauge.add_metric([name], 1)
        yield gauge
