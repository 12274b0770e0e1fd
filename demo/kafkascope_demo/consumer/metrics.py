"""Metrics of the consumer service."""

from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from kafkascope_demo.exposition import exemplar

Outcome = Literal["processed", "dead_lettered"]
_REASONS: Final = ("empty", "not_utf8", "not_json", "not_an_event")
_BUCKETS_S: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
    *(10.0, 30.0, 60.0, 120.0, 300.0, 600.0),
)


class ConsumerMetrics:
    """Counts what was consumed, and times it from end to end.

    Args:
        registry: Where they are exposed.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._consumed = Counter(
            "kafkascope_demo_consumed",
            "Records that this consumer is done with.",
            ["outcome"],
            registry=registry,
        )
        self._consumed.labels("processed")
        self._consumed.labels("dead_lettered")
        self._dead_lettered = Counter(
            "kafkascope_demo_dead_lettered",
            "Records that were no event, by what was wrong with them.",
            ["reason"],
            registry=registry,
        )
        for reason in _REASONS:
            self._dead_lettered.labels(reason)
        self._end_to_end = Histogram(
            "kafkascope_demo_end_to_end_duration_seconds",
            "From an event's timestamp, which its producer gives, to the end of its processing.",
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self.assigned_partitions = Gauge(
            "kafkascope_demo_assigned_partitions",
            "Partitions that this consumer is assigned.",
            registry=registry,
        )

    def process(self, end_to_end_s: float | None) -> None:
        """Count an event.

        Args:
            end_to_end_s: Seconds since its timestamp; None where it has none.
        """
        self._consumed.labels("processed").inc()
        if end_to_end_s is not None:
            self._end_to_end.observe(max(0.0, end_to_end_s), exemplar())

    def dead_letter(self, reason: str) -> None:
        """Count a record that is no event."""
        self._consumed.labels("dead_lettered").inc()
        self._dead_lettered.labels(reason).inc()
