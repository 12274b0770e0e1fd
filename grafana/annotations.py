"""What is marked over time in the dashboards: scenarios of the demo, and alerts.

The fields are those of Grafana's Prometheus data source, which the SDK does not know.
"""

from collections.abc import Mapping
from typing import Final

_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}

ANNOTATIONS: Final[tuple[Mapping[str, object], ...]] = (
    {
        "name": "Scenarios",
        "datasource": _SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "purple",
        "expr": "max by (name) (kafkascope_demo_scenario) == 1",
        "step": "15s",
        "titleFormat": "scenario {{name}}",
        "textFormat": "a fault of the demo was on",
        "tagKeys": "name",
    },
    {
        "name": "Alerts",
        "datasource": _SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "expr": "max by (alertname, severity, cluster, consumergroup, topic) "
        '(ALERTS{alertstate="firing", alertname=~"Kafka.*"})',
        "step": "15s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{severity}} {{cluster}} {{consumergroup}} {{topic}}",
        "tagKeys": "alertname,severity",
    },
)
"""Both are on every dashboard, and can be switched off at its top."""
