"""Dashboards made for danielqsj's exporter find every series here that they ask for."""

from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.assets.repository import ROOT
from tests.assets.stockdashboards import GRAFANA_7589, STRIMZI

GOLDEN: Final = sorted((ROOT / "tests" / "exporter" / "golden").glob("*.prom"))
HEALTHY: Final = next(path for path in GOLDEN if path.stem == "healthy")


def labels_of(path: Path) -> dict[str, set[frozenset[str]]]:
    """Give the sets of labels that each metric of a golden file has."""
    found: dict[str, set[frozenset[str]]] = {}
    for family in text_string_to_metric_families(path.read_text()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).add(frozenset(sample.labels))
    return found


@pytest.mark.parametrize("asked", [GRAFANA_7589, STRIMZI], ids=["7589", "Strimzi"])
def test_every_series_of_a_stock_dashboard_is_rendered_with_its_labels(
    asked: dict[str, frozenset[str]],
) -> None:
    """A healthy cluster has all of them."""
    rendered = labels_of(HEALTHY)

    assert asked
    assert {name: rendered.get(name) for name in asked} == {
        name: {labels} for name, labels in asked.items()
    }


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_no_golden_page_has_such_a_series_with_other_labels(path: Path) -> None:
    """Whatever is missing, what is left has the same shape."""
    rendered = labels_of(path)

    differing = {
        name: rendered[name]
        for name, labels in (GRAFANA_7589 | STRIMZI).items()
        if name in rendered and rendered[name] != {labels}
    }

    assert differing == {}
