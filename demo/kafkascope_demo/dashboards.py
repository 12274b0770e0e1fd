"""The queries of the dashboards, read from the files that Grafana imports, asked as it asks."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import yaml

from kafkascope_demo import web

DIRECTORY: Final = Path(__file__).parents[2] / "grafana" / "dashboards"
"""Where they are in the repository; an image of the demo has none."""

_LABEL_VALUES: Final = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)$", re.DOTALL)
_STEP_S: Final = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A query of a dashboard.

    Args:
        dashboard: Its title.
        place: Title of the panel, ``variable NAME`` or ``annotation NAME``.
        expr: PromQL, with the dashboard's variables in it.
        label: Whose values are asked, by a variable; None for a query of a panel or annotation.
        legend: Name of a series, in a panel.
    """

    dashboard: str
    place: str
    expr: str
    label: str | None = None
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A time that is looked at.

    Args:
        start_s: Unix time of its start.
        end_s: Unix time of its end.
    """

    start_s: float
    end_s: float

    @classmethod
    def last(cls, seconds: float) -> "Span":
        """Give the time until now."""
        now = time.time()
        return cls(now - seconds, now)


def read(directory: Path = DIRECTORY) -> list[dict[str, Any]]:
    """Read the dashboards of a directory."""
    return [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(directory.glob("*.json"))
    ]


def rightly_empty(directory: Path = DIRECTORY) -> dict[str, dict[str, str]]:
    """Read why queries find nothing.

    By when that is (``calm``, ``healthy``, ``without_receiver``), by place; those of ``rules`` by
    metric.
    """
    text = (directory.parent / "rightly-empty.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = yaml.safe_load(text)
    return found


def panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the panels of a dashboard, without its rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board: Mapping[str, Any]) -> Iterator[Asked]:
    """Give every query of a dashboard: of its variables, annotations and panels."""
    title = board["title"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            asked = _LABEL_VALUES.match(variable["query"]["query"])
            if asked is None:
                raise ValueError(f"{title}: no label_values(): {variable['query']['query']}")
            yield Asked(title, f"variable {variable['name']}", asked["series"], asked["label"])
    for annotation in board["annotations"]["list"]:
        yield Asked(title, f"annotation {annotation['name']}", annotation["expr"])
    for panel in panels(board):
        for target in panel["targets"]:
            legend = target.get("legendFormat", "")
            yield Asked(title, panel["title"], target["expr"], legend=legend)


def all_listed(board: Mapping[str, Any], prometheus: str, span: Span) -> dict[str, str]:
    """Give what "All" is for variables where it is the list of their values.

    Raises:
        WebError: Prometheus does not answer.
    """
    lists = {
        variable["name"]
        for variable in board["templating"]["list"]
        if variable.get("includeAll") and "allValue" not in variable
    }
    return {
        name: "|".join(map(_quoted, ask(prometheus, asked, span)))
        for asked in queries(board)
        if asked.label is not None and (name := asked.place.removeprefix("variable ")) in lists
    }


def _quoted(value: str) -> str:
    """Escape a value for a regular expression in a string of PromQL."""
    return re.escape(value).replace("\\", "\\\\")


def filled(expr: str, span: Span, values: Mapping[str, str] | None = None) -> str:
    """Put values for a dashboard's variables, as Grafana does; all of them where none is given.

    Args:
        expr: PromQL.
        span: The time that is looked at.
        values: By name of the variable.
    """
    given = {
        "__rate_interval": f"{4 * _STEP_S}s",
        "__range": f"{max(1, round(span.end_s - span.start_s))}s",
        **(values or {}),
    }

    def exactly(found: re.Match[str]) -> str:
        return f'="{given[found[1]]}"' if found[1] in given else '=~".*"'

    some = re.sub(r'="\$(\w+)"', exactly, expr)
    return re.sub(r"\$(\w+)", lambda found: given.get(found[1], ".*"), some)


def ask(
    prometheus: str, asked: Asked, span: Span, values: Mapping[str, str] | None = None
) -> list[Any]:
    """Ask a query over a time, and give the series (or the values of a label) that it finds.

    Raises:
        WebError: Prometheus does not answer, or does not understand the query.
    """
    expr = filled(asked.expr, span, values)
    times = {"start": f"{span.start_s:.3f}", "end": f"{span.end_s:.3f}"}
    if asked.label is not None:
        query = urlencode({"match[]": expr, **times})
        found: list[Any] = web.get_json(f"{prometheus}/api/v1/label/{asked.label}/values?{query}")[
            "data"
        ]
        return found
    query = urlencode({"query": expr, "step": _STEP_S, **times})
    series: list[Any] = web.get_json(f"{prometheus}/api/v1/query_range?{query}")["data"]["result"]
    return series
