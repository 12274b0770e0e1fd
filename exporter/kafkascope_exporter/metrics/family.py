"""The pieces that a page of metrics is made of."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.model import Snapshot


@dataclass(frozen=True, slots=True)
class Family:
    """A metric and its samples as finished lines (``name{labels} value``) without line ends.

    All are gauges: the one type that the text format 0.0.4 and OpenMetrics 1.0 write alike, so
    that one text serves both. For the same reason ``help`` has no quotes and no backslashes.
    """

    name: str
    help: str
    samples: Sequence[str]


@dataclass(frozen=True, slots=True)
class MetricGroup:
    """Metrics that belong together: one file here, one heading in ``docs/metrics.md``.

    ``families`` gets a snapshot as `rendering.Rendering.shown` gives it, so that every commit is on
    a partition that the labels have. It yields the same families whatever the snapshot.
    """

    name: str
    families: Callable[[Snapshot, Labels], Iterable[Family]]
