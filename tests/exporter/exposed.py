"""What a metric group exposes of a snapshot, as lines; and what the parsers make of a page."""

from collections.abc import Callable, Iterable

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from kafkascope_exporter.metrics.family import Family
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.model import Snapshot

DEFAULT = Rendering()


def exposed(
    families: Callable[[Snapshot, Labels], Iterable[Family]],
    snapshot: Snapshot,
    rendering: Rendering = DEFAULT,
) -> dict[str, list[str]]:
    """Give the samples of each family of a metric group, without the metric's name."""
    labels = Labels(snapshot.topology, rendering.constant_labels)
    found = families(rendering.shown(snapshot), labels)
    return {f.name: [line.removeprefix(f.name) for line in f.samples] for f in found}


def parsed(text: str, *, openmetrics: bool) -> list[Sample]:
    """Give all samples of a page, as `prometheus_client` reads it."""
    families = parse_openmetrics(text) if openmetrics else parse_text(text)  # type: ignore[no-untyped-call]
    return [sample for family in families for sample in family.samples]
