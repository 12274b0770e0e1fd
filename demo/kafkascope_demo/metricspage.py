"""A page of metrics, parsed: what the verifier and the scenarios ask of `/metrics`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MetricsPage:
    """Samples of one scrape, by metric name and labels.

    Args:
        samples: Values by the sample's name (``…_total`` and ``…_bucket`` included), then by its
            labels, sorted by name.
    """

    samples: Mapping[str, Mapping[Labels, float]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a page of the Prometheus text format 0.0.4.

        Raises:
            ValueError: It is not one.
        """
        samples: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = tuple(sorted(sample.labels.items()))
                samples.setdefault(sample.name, {})[labels] = sample.value
        return cls(samples)

    def select(self, name: str, **labels: str) -> dict[Labels, float]:
        """Give the series of a metric that have these labels, whatever others they have."""
        wanted = labels.items()
        return {
            found: value
            for found, value in self.samples.get(name, {}).items()
            if wanted <= dict(found).items()
        }

    def total(self, name: str, **labels: str) -> float | None:
        """Sum the series of a metric that have these labels; None when there are none."""
        values = self.select(name, **labels).values()
        return sum(values) if values else None

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Give a metric's values by one label of their series, which must tell them apart."""
        return {dict(found)[label]: value for found, value in self.select(name, **labels).items()}
