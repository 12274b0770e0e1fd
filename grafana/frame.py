"""What every dashboard has around its panels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync

from grafana.annotations import ANNOTATIONS
from grafana.links import TAG, to_all
from grafana.panels import Panels
from grafana.variables import Variable, datasource


@dataclass(frozen=True, slots=True)
class Frame:
    """A dashboard.

    Args:
        uid: By which links find it; also the name of its file.
        title: Of the dashboard.
        description: What it is for.
        variables: Besides the data source.
        rows: Its panels, by the title of their row.
        refresh: How often it loads anew while it is looked at.
    """

    uid: str
    title: str
    description: str
    variables: Sequence[Variable]
    rows: Mapping[str, Panels]
    refresh: str = "30s"

    def render(self) -> str:
        """Give it as the JSON that Grafana imports."""
        board = Dashboard(self.title).uid(self.uid).description(self.description)
        board.tags([TAG, "kafka"]).timezone("browser").refresh(self.refresh).time("now-1h", "now")
        board.tooltip(DashboardCursorSync.CROSSHAIR).link(to_all()).editable()
        for variable in [datasource(), *self.variables]:
            board.with_variable(variable)
        for title, panels in self.rows.items():
            board.with_row(Row(title))
            for panel in panels:
                board.with_panel(panel)
        plain = json.loads(json.dumps(board.build(), cls=JSONEncoder))
        return json.dumps(_completed(plain), indent=2, ensure_ascii=False) + "\n"


def _completed(board: dict[str, Any]) -> dict[str, Any]:
    """Number the panels, add the annotations, and drop what queries of variables do not have."""
    for number, panel in enumerate(board["panels"], 1):
        panel["id"] = number
    for variable in board["templating"]["list"]:
        for name in ("id", "auto", "auto_min", "auto_count"):
            variable.pop(name, None)
    return board | {"annotations": {"list": list(ANNOTATIONS)}}
