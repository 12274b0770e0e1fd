"""`make dashboards`: writes grafana/dashboards/*.json, and their copies in the exporter's chart."""

from pathlib import Path
from typing import Final

from grafana import (
    cluster_overview,
    consumer_groups,
    demo,
    exporter_health,
    messaging_clients,
    one_consumer_group,
    topics_and_partitions,
)
from grafana.frame import Frame

DIRECTORY: Final = Path(__file__).parent / "dashboards"
"""Where the files are that Grafana imports."""

CHART: Final = Path(__file__).parents[1] / "helm/kafkascope-exporter/files/dashboards"
"""Charts cannot read outside of their folder."""

DASHBOARDS: Final[tuple[Frame, ...]] = (
    cluster_overview.DASHBOARD,
    topics_and_partitions.DASHBOARD,
    consumer_groups.DASHBOARD,
    one_consumer_group.DASHBOARD,
    exporter_health.DASHBOARD,
    messaging_clients.DASHBOARD,
    demo.DASHBOARD,
)
"""All dashboards, in the order of the documentation."""


def main() -> None:
    """Write each dashboard, and remove what is none any more."""
    for directory in (DIRECTORY, CHART):
        directory.mkdir(exist_ok=True)
        for path in directory.glob("*.json"):
            path.unlink()
        for dashboard in DASHBOARDS:
            path = directory / f"{dashboard.uid}.json"
            path.write_text(dashboard.render(), encoding="utf-8")
            print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    main()
