"""`make pictures`: draws the dashboards from a Prometheus, panel by panel, by their own queries.

Grafana draws differently; what the two have in common is the data, the order, the titles and the
units.
"""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grafana.drawing import KINDS
from grafana.links import GROUP
from kafkascope_demo import dashboards
from kafkascope_demo.dashboards import Asked, Span
from kafkascope_demo.web import WebError

PICTURES: Final = Path(__file__).parents[1] / "docs" / "images" / "dashboards"
_COLUMN_IN: Final = 0.62
_ROW_IN: Final = 0.42
_OVER_TIME: Final = {"timeseries", "state-timeline", "heatmap"}
_BACKGROUND: Final = "#f4f5f5"


def draw(
    board: Mapping[str, Any], prometheus: str, span: Span, values: Mapping[str, str]
) -> Figure:
    """Draw a dashboard.

    Args:
        board: As in its file.
        prometheus: Address of the Prometheus that is asked.
        span: The time that is shown.
        values: Of variables that are not "All".

    Raises:
        WebError: Prometheus does not answer.
    """
    rows = max(place["gridPos"]["y"] + place["gridPos"]["h"] for place in board["panels"])
    figure = Figure(figsize=(24 * _COLUMN_IN, (rows + 2) * _ROW_IN), facecolor=_BACKGROUND)
    figure.text(0.01, 1 - 1.1 / (rows + 2), board["title"], fontsize=17, weight="bold")
    for panel in board["panels"]:
        place = panel["gridPos"]
        box = (
            place["x"] / 24,
            1 - (place["y"] + place["h"] + 2) / (rows + 2),
            place["w"] / 24,
            place["h"] / (rows + 2),
        )
        if panel["type"] == "row":
            figure.text(0.01, box[1] + 0.25 / rows, panel["title"], fontsize=11, color="#555555")
            continue
        asked = [Asked(board["title"], panel["title"], one["expr"]) for one in panel["targets"]]
        axes = _axes(figure, box, panel)
        at = Span(span.end_s, span.end_s) if panel["targets"][0]["instant"] else span
        filled = {**values, "__range": f"{span.end_s - span.start_s:.0f}s"}
        answers = [dashboards.ask(prometheus, one, at, filled) for one in asked]
        KINDS[panel["type"]](axes, panel, answers)
        if panel["type"] in _OVER_TIME:
            axes.set_xlim(span.start_s, span.end_s)
            axes.xaxis.set_major_formatter(lambda at, _: time.strftime("%H:%M", time.gmtime(at)))
    return figure


def _axes(figure: Figure, box: tuple[float, float, float, float], panel: Mapping[str, Any]) -> Axes:
    """Make a white card with a title, and in it the axes of a panel."""
    left, bottom, width, height = box
    card = figure.add_axes((left + 0.003, bottom + 0.003, width - 0.006, height - 0.006))
    card.set(xticks=[], yticks=[])
    for edge in card.spines.values():
        edge.set_color("#d8d9da")
    rows_in = panel["gridPos"]["h"] * _ROW_IN
    title_y = 1 - 0.17 / rows_in
    card.text(0.01, title_y, panel["title"], fontsize=8.5, weight="bold", va="center")
    card.set(xlim=(0, 1), ylim=(0, 1))
    legend = 1.0 if panel["type"] in {"timeseries", "state-timeline"} else 0.25
    edge_in = 0.1 if panel["type"] in {"stat", "table"} else 0.55
    margins = (edge_in / (24 * _COLUMN_IN), legend / rows_in * height, 0.3 / rows_in * height)
    inner = (
        left + margins[0],
        bottom + margins[1],
        width - 1.4 * margins[0],
        height - margins[1] - margins[2],
    )
    axes = figure.add_axes(inner)
    axes.tick_params(labelsize=6.5, length=2, colors="#555555")
    for edge in axes.spines.values():
        edge.set_visible(False)
    return axes


def main() -> int:
    """Draw all dashboards into docs/images/dashboards."""
    parser = argparse.ArgumentParser(description="Draw the dashboards from a Prometheus.")
    parser.add_argument("--prometheus", required=True, metavar="URL")
    parser.add_argument("--minutes", type=float, default=15.0, help="how far back (default: 15)")
    parser.add_argument("--group", default="ochacafe-group", help="the one group in depth")
    parser.add_argument("--output", type=Path, default=PICTURES)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    span = Span.last(arguments.minutes * 60)
    for board in dashboards.read():
        one = {"consumergroup": arguments.group} if board["uid"] == GROUP else {}
        try:
            one |= dashboards.all_listed(board, arguments.prometheus.rstrip("/"), span)
            figure = draw(board, arguments.prometheus.rstrip("/"), span, one)
        except WebError as error:
            parser.error(str(error))
        path = arguments.output / f"{board['uid']}.png"
        figure.savefig(path, dpi=80, facecolor=_BACKGROUND)
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
