"""Panels as pictures: one function for each kind, from the answers of Prometheus."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from grafana.format import colour, with_unit

_SHOWN_ROWS: Final = 9
_SHOWN_SERIES: Final = 6

_LEGEND: Final[dict[str, Any]] = {
    "loc": "upper left",
    "bbox_to_anchor": (-0.02, -0.14),
    "fontsize": 6,
    "frameon": False,
}

Series = list[dict[str, Any]]
Drawn = tuple[str, str | None, tuple[list[float], list[float]]]


def _nothing(axes: Axes) -> None:
    axes.axis("off")
    place: dict[str, Any] = {"xycoords": "axes fraction", "ha": "center", "va": "center"}
    axes.annotate("No data", (0.5, 0.5), color="#888888", fontsize=10, **place)


def _points(series: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    pairs = [(float(at), float(value)) for at, value in series["values"]]
    return [at for at, _ in pairs], [value for _, value in pairs]


def _with_gaps(moments: list[float], values: list[float]) -> tuple[list[float], list[float]]:
    """Break a line where values are absent."""
    step = min((after - at for at, after in pairwise(moments)), default=0.0)
    broken: tuple[list[float], list[float]] = ([], [])
    for at, value in zip(moments, values, strict=True):
        if broken[0] and at - broken[0][-1] > 1.5 * step:
            broken[0].append(at)
            broken[1].append(math.nan)
        broken[0].append(at)
        broken[1].append(value)
    return broken


def _name(legend: str, labels: Mapping[str, str]) -> str:
    named = re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend).strip()
    return f" {named}" if named.startswith("_") else named or "value"  # "_" hides it from legends


def _stat(axes: Axes, panel: Mapping[str, Any], answers: Sequence[Series]) -> None:
    if not answers[0]:
        _nothing(axes)
        return
    _, values = _points(answers[0][0])
    defaults = panel["fieldConfig"]["defaults"]
    shade = colour(defaults["thresholds"]["steps"], values[-1])
    axes.axis("off")
    text = with_unit(values[-1], defaults["unit"])
    axes.text(0.5, 0.5, text, color=shade, ha="center", va="center", fontsize=19)


def _lines(axes: Axes, panel: Mapping[str, Any], answers: Sequence[Series]) -> None:
    if not any(answers):
        _nothing(axes)
        return
    fixed = _fixed_colours(panel)
    drawn = [
        (
            _name(target.get("legendFormat", ""), series["metric"]),
            fixed.get(target["refId"]),
            _points(series),
        )
        for target, found in zip(panel["targets"], answers, strict=True)
        for series in found
    ]
    drawn.sort(key=lambda one: -max(one[2][1]))
    custom = panel["fieldConfig"]["defaults"]["custom"]
    if custom.get("stacking", {}).get("mode") == "normal":
        _stack(axes, drawn)
    else:
        for name, shade, (moments, values) in drawn:
            label = name if len(axes.lines) < _SHOWN_SERIES else None
            axes.plot(*_with_gaps(moments, values), lw=1, label=label, color=shade, clip_on=False)
    highest = max(max(values) for _, _, (_, values) in drawn)
    axes.set_ylim(min(0.0, axes.get_ylim()[0]) if highest else 0.0, None if highest else 1.0)
    _finish(axes, panel, len(drawn))


def _stack(axes: Axes, drawn: Sequence[Drawn]) -> None:
    moments = sorted({at for _, _, (times, _) in drawn for at in times})
    heights = [
        [dict(zip(times, values, strict=True)).get(at, 0.0) for at in moments]
        for _, _, (times, values) in drawn
    ]
    names = [name if row < _SHOWN_SERIES else "" for row, (name, _, _) in enumerate(drawn)]
    axes.stackplot(moments, heights, labels=names, alpha=0.6)


def _finish(axes: Axes, panel: Mapping[str, Any], count: int) -> None:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axes.yaxis.set_major_formatter(lambda value, _: with_unit(value, unit))
    axes.grid(axis="y", color="#e4e5e6", lw=0.5)
    more = f"and {count - _SHOWN_SERIES} more" if count > _SHOWN_SERIES else None
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.14),
        ncols=2,
        fontsize=6,
        frameon=False,
        title=more,
        title_fontsize=6,
    )


def _fixed_colours(panel: Mapping[str, Any]) -> dict[str, str]:
    return {
        override["matcher"]["options"]: _colour_name(one["value"]["fixedColor"])
        for override in panel["fieldConfig"]["overrides"]
        for one in override["properties"]
        if one["id"] == "color"
    }


def _colour_name(name: str) -> str:
    """Give matplotlib's colour for one of Grafana's names."""
    return colour([{"value": None, "color": name}], 0)


def _states(axes: Axes, panel: Mapping[str, Any], answers: Sequence[Series]) -> None:
    found = answers[0]
    if not found:
        _nothing(axes)
        return
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    for row, series in enumerate(found):
        moments, values = _points(series)
        width = moments[1] - moments[0] if len(moments) > 1 else 1.0
        for at, value in zip(moments, values, strict=True):
            shade = _colour_name(mapping["options"][f"{value:.0f}"]["color"])
            axes.barh(row, width, left=at, color=shade, height=0.8)
    legend = panel["targets"][0].get("legendFormat", "")
    names = [_name(legend, series["metric"]) for series in found]
    axes.set_yticks(range(len(found)), names, fontsize=6, ha="left")
    axes.tick_params(axis="y", pad=-6, length=0)
    seen = {f"{float(value):.0f}" for series in found for _, value in series["values"]}
    keys = [mapping["options"][number] for number in sorted(seen)]
    patches = [Patch(color=_colour_name(key["color"]), label=key["text"]) for key in keys]
    axes.legend(
        handles=patches,
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.14),
        ncols=4,
        fontsize=6,
        frameon=False,
    )


def _heatmap(axes: Axes, _: Mapping[str, Any], answers: Sequence[Series]) -> None:
    bounded = sorted(answers[0], key=lambda series: float(series["metric"]["le"]))
    if not bounded:
        _nothing(axes)
        return
    moments, _first = _points(bounded[0])
    below = [dict(zip(*_points(series), strict=True)) for series in bounded]
    cells = [
        [max(0.0, row.get(at, 0.0) - (below[i - 1].get(at, 0.0) if i else 0.0)) for at in moments]
        for i, row in enumerate(below)
    ]
    axes.pcolormesh(moments, range(len(cells)), cells, cmap="Oranges", shading="nearest")
    names = [with_unit(float(series["metric"]["le"]), "s") for series in bounded]
    axes.set_yticks(range(0, len(names), 2), names[::2])


def _table(axes: Axes, panel: Mapping[str, Any], answers: Sequence[Series]) -> None:
    axes.axis("off")
    organized = panel["transformations"][1]["options"]["renameByName"]
    heads = list(organized.values())
    units = {
        override["matcher"]["options"]: one["value"]
        for override in panel["fieldConfig"]["overrides"]
        for one in override["properties"]
        if one["id"] == "unit"
    }
    cells: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for head, found in zip(heads, answers, strict=True):
        for series in found:
            key = tuple(sorted(series["metric"].items()))
            cells.setdefault(key, {})[head] = float(series["values"][-1][1])
    if not cells:
        _nothing(axes)
        return
    labels = sorted({label for key in cells for label, _ in key})
    ordered = sorted(cells.items(), key=lambda one: -one[1].get(heads[0], 0))[:_SHOWN_ROWS]
    lines = [
        [*(dict(key).get(label, "") for label in labels)]
        + [with_unit(row[head], units[head]) if head in row else "" for head in heads]
        for key, row in ordered
    ]
    widths = [0.96 / len(lines[0])] * len(lines[0])
    drawn = axes.table(
        lines, colLabels=[*labels, *heads], loc="upper left", cellLoc="left", colWidths=widths
    )
    drawn.auto_set_font_size(False)  # noqa: FBT003 - matplotlib takes it by place only
    drawn.set_fontsize(7)
    for cell in drawn.get_celld().values():
        cell.set_edgecolor("#e4e5e6")


KINDS: Final[Mapping[str, Callable[[Axes, Mapping[str, Any], Sequence[Series]], None]]] = {
    "stat": _stat,
    "timeseries": _lines,
    "state-timeline": _states,
    "heatmap": _heatmap,
    "table": _table,
}
"""By type of the panel."""
