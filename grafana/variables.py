"""The variables of the dashboards; each asks for the fewest series that have its label."""

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from grafana.panels import DATASOURCE
from grafana.promql import CLUSTER

Variable = DatasourceVariable | QueryVariable


def datasource() -> DatasourceVariable:
    """Choose the Prometheus that all panels ask."""
    return DatasourceVariable("datasource").label("Data source").type("prometheus")


def several(name: str, label: str, series: str, of: str | None = None) -> QueryVariable:
    """Choose some values of a label, or all; all matches series without the label as well.

    Args:
        name: Of the variable.
        label: What a person reads.
        series: Selector of the series that have it.
        of: The label; the variable's name where it is None.
    """
    variable = _asked(name, label, series, of).multi(multi=True).include_all(include_all=True)
    every = VariableOption(text="All", value="$__all", selected=True)
    return variable.all_value(".*").current(every)


def one(name: str, label: str, series: str, of: str | None = None) -> QueryVariable:
    """Choose one value of a label; arguments as for ``several``."""
    return _asked(name, label, series, of).multi(multi=False).include_all(include_all=False)


def cluster() -> QueryVariable:
    """Choose clusters; where series have no label ``cluster`` there is only "All"."""
    return several("cluster", "Cluster", "kafka_brokers")


def topic() -> QueryVariable:
    """Choose topics."""
    return several("topic", "Topic", f"kafka_topic_partitions{{{CLUSTER}}}")


def consumergroup() -> QueryVariable:
    """Choose consumer groups."""
    return several("consumergroup", "Consumer group", f"kafka_consumergroup_members{{{CLUSTER}}}")


def one_consumergroup() -> QueryVariable:
    """Choose one consumer group."""
    return one("consumergroup", "Consumer group", f"kafka_consumergroup_members{{{CLUSTER}}}")


def listed(name: str, label: str, series: str) -> QueryVariable:
    """Choose some values of a label; all are their list and not ``.*``, so no other series is read.

    Arguments are as for ``several``.
    """
    every = VariableOption(text="All", value="$__all", selected=True)
    variable = _asked(name, label, series, None).multi(multi=True)
    return variable.include_all(include_all=True).current(every)


def topics_of_one_consumergroup() -> QueryVariable:
    """Choose topics of the one consumer group."""
    group = f'{CLUSTER}, consumergroup="$consumergroup"'
    return listed("topic", "Topic", f"kafka_consumergroup_lag_sum{{{group}}}")


def _asked(name: str, label: str, series: str, of: str | None) -> QueryVariable:
    query = f"label_values({series}, {of or name})"
    variable = (
        QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query({"qryType": 1, "query": query, "refId": f"variable-{name}"})
    )
    variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
