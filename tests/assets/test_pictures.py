from typing import Any, Final

import pytest

from grafana.build import DASHBOARDS
from grafana.draw import PICTURES
from grafana.format import colour, with_unit
from kafkascope_demo import dashboards
from tests.assets.repository import ROOT

STEPS: Final[list[dict[str, Any]]] = [
    {"value": None, "color": "green"},
    {"value": 10, "color": "orange"},
    {"value": 20, "color": "red"},
]


def test_each_dashboard_has_its_picture_and_its_chapter() -> None:
    """docs/dashboards.md shows all of them, and says that they are no screenshots."""
    text = (ROOT / "docs" / "dashboards.md").read_text()

    for dashboard in DASHBOARDS:
        assert (PICTURES / f"{dashboard.uid}.png").is_file()
        assert f"](images/dashboards/{dashboard.uid}.png)" in text
        assert f"\n### {dashboard.title}\n" in text
    assert "not screenshots of Grafana" in text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0 s"),
        (0.0464, "s", "46.4 ms"),
        (90.0, "s", "1.5 min"),
        (7200.0, "s", "2 h"),
        (16.3, "mps", "16.3/s"),
        (2040.0, "short", "2.04K"),
        (0.125, "percentunit", "12.5%"),
        (84.0 * 2**20, "bytes", "84 MiB"),
        (3.0, "none", "3"),
    ],
)
def test_numbers_are_written_as_short_as_in_a_panel(value: float, unit: str, text: str) -> None:
    """With the unit that the panel names."""
    assert with_unit(value, unit) == text


def test_every_unit_of_a_panel_can_be_written() -> None:
    """No picture stops at a unit that it does not know."""
    units = {
        panel["fieldConfig"]["defaults"]["unit"]
        for board in dashboards.read()
        for panel in dashboards.panels(board)
    }

    assert all(with_unit(1.0, unit) for unit in units)
    assert len(units) > 5


@pytest.mark.parametrize(("value", "like"), [(9.9, 0.0), (10.0, 19.0), (20.0, 1000.0)])
def test_a_threshold_counts_from_its_value_on(value: float, like: float) -> None:
    """As in Grafana."""
    assert colour(STEPS, value) == colour(STEPS, like)
    assert len({colour(STEPS, one) for one in (0, 10, 20)}) == 3
