"""Kinds of panels; each panel has a title, a description, a unit and the data source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import (
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
MESSAGES: Final = units.Short
_REFS: Final = "ABCDEFGHIJ"


class _Panel(Protocol):
    """What the builders of all kinds of panels have."""

    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def datasource(self, datasource: models.DataSourceRef) -> Self: ...
    def with_target(self, target: builder.Builder[variants.Dataquery]) -> Self: ...
    def height(self, h: int) -> Self: ...
    def span(self, w: int) -> Self: ...
    def max_data_points(self, max_data_points: float) -> Self: ...


PanelT = TypeVar("PanelT", bound=_Panel)


@dataclass(frozen=True, slots=True)
class Query:
    """A question to Prometheus.

    Args:
        expr: PromQL, with the dashboard's variables.
        legend: Name of a series, as ``{{topic}}``.
        exemplars: Ask for the traces of some observations, too.
        colour: Of all its series; None for one each.
    """

    expr: str
    legend: str = ""
    exemplars: bool = False
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of values in a table.

    Args:
        title: Its head.
        unit: Of its values.
        expr: PromQL; its series are the rows.
        thresholds: From which value on in which colour; see ``steps``.
    """

    title: str
    unit: str
    expr: str
    thresholds: models.ThresholdsConfig | None = None


def steps(*above: tuple[float, str], start: str = "green") -> dashboard.ThresholdsConfig:
    """Colour values: ``start`` below the first, then each from its value on."""
    found = [models.Threshold(value=None, color=start)]
    found += [models.Threshold(value=value, color=colour) for value, colour in above]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(found)


def any_is_bad() -> dashboard.ThresholdsConfig:
    """Colour 0 green and anything more red."""
    return steps((1, "red"))


def number(title: str, description: str, unit: str, expr: str) -> stat.Panel:
    """Make a panel of one big number, the newest; it is asked once, however long the time shown."""
    panel = _begun(stat.Panel(), title, description, unit).height(4).span(4)
    reduced = common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False)
    panel.reduce_options(reduced).color_mode(common.BigValueColorMode.VALUE)
    panel.graph_mode(common.BigValueGraphMode.NONE).thresholds(steps())
    return panel.with_target(_target(Query(expr), 0).instant())


def lines(title: str, description: str, unit: str, *queries: Query) -> timeseries.Panel:
    """Make a panel of lines over time, half as wide as the dashboard."""
    panel = _begun(timeseries.Panel(), title, description, unit).height(8).span(12)
    legend = common_builders.VizLegendOptions().show_legend(show_legend=True)
    legend.display_mode(common.LegendDisplayMode.TABLE).placement(common.LegendPlacement.BOTTOM)
    panel.legend(legend.calcs(["lastNotNull", "max"]))
    tooltip = common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    panel.tooltip(tooltip.sort(common.SortOrder.DESCENDING))
    panel.fill_opacity(8).line_width(1).axis_soft_min(0).thresholds(steps())
    colours = dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
    panel.color_scheme(colours)
    for index, query in enumerate(queries):
        panel.with_target(_target(query, index))
        if query.colour:
            fixed = {"mode": "fixed", "fixedColor": query.colour}
            panel.override_by_query(_REFS[index], [models.DynamicConfigValue("color", fixed)])
    return panel


def drawn_thresholds(panel: timeseries.Panel, *above: tuple[float, str]) -> timeseries.Panel:
    """Draw thresholds into a panel of lines."""
    style = common_builders.GraphThresholdsStyleConfig()
    panel.thresholds_style(style.mode(common.GraphTresholdsStyleMode.DASHED))
    return panel.thresholds(steps(*above, start="transparent"))


def coarse(panel: PanelT) -> PanelT:
    """Ask for a hundred points in time at most: for queries over all partitions or groups."""
    return panel.max_data_points(100)


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """Stack the lines of a panel, where their sum means something."""
    stacking = common_builders.StackingConfig().mode(common.StackingMode.NORMAL)
    return panel.stacking(stacking).fill_opacity(30)


def states(
    title: str, description: str, query: Query, named: Mapping[str, str]
) -> statetimeline.Panel:
    """Make a panel of bars over time, coloured by state.

    Args:
        title: Of the panel.
        description: Of the panel.
        query: Gives numbers from 1.
        named: The states of these numbers, with their colours.
    """
    panel = _begun(statetimeline.Panel(), title, description, units.NoUnit).height(8).span(12)
    values = {
        str(number): models.ValueMappingResult(text=name, color=colour, index=number)
        for number, (name, colour) in enumerate(named.items(), 1)
    }
    panel.mappings([models.ValueMap(options=values)]).thresholds(steps(start="text"))
    panel.show_value(common.VisibilityMode.NEVER).merge_values(merge_values=True)
    legend = common_builders.VizLegendOptions().show_legend(show_legend=True)
    legend.display_mode(common.LegendDisplayMode.LIST).placement(common.LegendPlacement.BOTTOM)
    return panel.legend(legend).with_target(_target(query, 0))


def heat(title: str, description: str, expr: str) -> heatmap.Panel:
    """Make a panel of a histogram over time: how many took how many seconds.

    Args:
        title: Of the panel.
        description: Of the panel.
        expr: Buckets by ``le``.
    """
    panel = _begun(heatmap.Panel(), title, description, units.Short).height(8).span(12)
    target = _target(Query(expr, "{{le}}", exemplars=True), 0)
    panel.with_target(target.format(PromQueryFormat.HEATMAP)).calculate(calculate=False)
    panel.y_axis(heatmap.YAxisConfig().unit(units.Seconds)).show_legend()
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges")
    return panel.color(colours.steps(32))


def rows(title: str, description: str, *columns: Column) -> table.Panel:
    """Make a table: a row for each set of labels, a column for each label and each query."""
    panel = _begun(table.Panel(), title, description, columns[0].unit).height(9).span(24)
    panel.thresholds(steps(start="text"))
    for index, column in enumerate(columns):
        target = _target(Query(column.expr), index).instant().format(PromQueryFormat.TABLE)
        panel.with_target(target)
        panel.override_by_name(column.title, _look(column))
    heads = {f"Value #{_REFS[i]}": column.title for i, column in enumerate(columns)}
    if len(columns) == 1:
        heads = {"Value": columns[0].title}
    panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    organized = {"excludeByName": {"Time": True}, "renameByName": heads}
    panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=organized))
    sorting = common_builders.TableSortByFieldState().display_name(columns[0].title)
    return panel.sort_by([sorting.desc(desc=True)]).cell_height(common.TableCellHeight.SM)


def link_column(panel: table.Panel, label: str, link: Mapping[str, object]) -> table.Panel:
    """Make the values of a label in a table links."""
    return panel.override_by_name(label, [models.DynamicConfigValue("links", [dict(link)])])


def _look(column: Column) -> list[models.DynamicConfigValue]:
    found = [models.DynamicConfigValue("unit", column.unit)]
    if column.thresholds is not None:
        found.append(models.DynamicConfigValue("thresholds", column.thresholds))
        cell = {"type": "color-text"}
        found.append(models.DynamicConfigValue("custom.cellOptions", cell))
    return found


def _begun(panel: PanelT, title: str, description: str, unit: str) -> PanelT:
    return panel.title(title).description(description).unit(unit).datasource(DATASOURCE)


def _target(query: Query, index: int) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).ref_id(_REFS[index]).range()
    target.datasource(DATASOURCE)
    if query.legend:
        target.legend_format(query.legend)
    return target.exemplar(exemplar=True) if query.exemplars else target


Panels = Sequence[builder.Builder[models.Panel]]
"""Panels of a row, in their order."""
