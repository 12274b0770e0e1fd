"""Links between the dashboards; each carries the time and the variables that both sides have."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

TAG: Final = "kafkascope"
"""All our dashboards have it."""

CLUSTER: Final = "kafkascope-cluster"
TOPICS: Final = "kafkascope-topics"
GROUPS: Final = "kafkascope-groups"
GROUP: Final = "kafkascope-group"
EXPORTER: Final = "kafkascope-exporter"
MESSAGING: Final = "kafkascope-messaging"
DEMO: Final = "kafkascope-demo"


def to_all() -> DashboardLink:
    """Give the menu of all our dashboards."""
    link = DashboardLink("Kafkascope").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    link.as_dropdown(as_dropdown=True).include_vars(include_vars=True)
    return link.keep_time(keep_time=True).icon("external link")


def address(uid: str, **variables: str) -> str:
    """Give the address of a dashboard, with data source, cluster and time of this one.

    Args:
        uid: Of the dashboard.
        variables: Its other variables, and what they are set to.
    """
    given = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return (
        f"/d/{uid}?${{datasource:queryparam}}&${{cluster:queryparam}}{given}&${{__url_time_range}}"
    )


def of_series(title: str, url: str) -> DashboardLink:
    """Give a link that each series of a panel has."""
    return DashboardLink(title).type(DashboardLinkType.LINK).url(url)


def group_of_series() -> DashboardLink:
    """Lead from a series to its group in depth."""
    url = address(GROUP, consumergroup="${__field.labels.consumergroup:percentencode}")
    return of_series("This group in depth", url)


def topic_of_series() -> DashboardLink:
    """Lead from a series to its topic."""
    url = address(TOPICS, topic="${__field.labels.topic:percentencode}")
    return of_series("This topic's partitions", url)


def group_of_row() -> dict[str, object]:
    """Lead from a row of a table to its group in depth."""
    url = address(GROUP, consumergroup="${__data.fields.consumergroup:percentencode}")
    return {"title": "This group in depth", "url": url}


def topic_of_row() -> dict[str, object]:
    """Lead from a row of a table to its topic."""
    return {
        "title": "This topic's partitions",
        "url": address(TOPICS, topic="${__data.fields.topic:percentencode}"),
    }
