"""Metrics, with their labels, as the documentation names them."""

import re
from typing import Final

from tests.assets.repository import ROOT

_NAME: Final = re.compile(r"`(?P<name>[a-z][a-z0-9_]+)(?:\{(?P<labels>[\w,]*)\})?`")
_HISTOGRAM: Final = ("_bucket", "_count", "_sum")
OF_PROMETHEUS: Final = {
    "up": frozenset[str](),
    "scrape_duration_seconds": frozenset[str](),
    "ALERTS": frozenset({"alertname", "alertstate", "severity", "consumergroup", "topic"}),
}
"""What Prometheus adds itself, and what its alerts carry."""
OF_TARGETS: Final = frozenset({"job", "instance", "cluster"})
"""Labels of targets, and the constant label of ``--kafka.labels`` that the dashboards know."""


def metrics() -> dict[str, frozenset[str]]:
    """Give the labels of every documented metric, by its name as it is scraped."""
    found = dict(OF_PROMETHEUS)
    for row in _rows("metrics.md", "metric"):
        labels = next((cell for cell in row[1:3] if cell.startswith("`")), "")
        for name in _NAME.findall(row[0]):
            found[name[0]] = frozenset(label for label, _ in _NAME.findall(labels))
    for document in ("demo.md", "load.md"):
        for row in _rows(document, "metric"):
            for name, labels in _NAME.findall(row[0]):
                found |= _scraped(name, frozenset(filter(None, labels.split(","))))
    return found


def _scraped(name: str, labels: frozenset[str]) -> dict[str, frozenset[str]]:
    """Give the series of a metric: those of a histogram, where its name says that it is one."""
    if not name.endswith("_duration_seconds"):
        return {name: labels}
    return {f"{name}{suffix}": labels | {"le"} for suffix in _HISTOGRAM}


def _rows(document: str, head: str) -> list[list[str]]:
    """Give the cells of each row of the tables whose first head is ``head``."""
    found: list[list[str]] = []
    inside = False
    for line in (ROOT / "docs" / document).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        inside = line.startswith("|") and (inside or cells[0] == head)
        if inside:
            found.append(cells)
    return found
