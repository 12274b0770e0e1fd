"""Whether an alert fires in the demo's Prometheus."""

import time
from typing import Final, Self

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.scenarios.errors import ScenarioError

_EVERY_S: Final = 1.0


class AlertWatch:
    """Waits for an alert to fire, or to fire no more.

    Args:
        prometheus: Address of a Prometheus whose rules fire within seconds; None waits for nothing.
        name: Of the alert.
    """

    def __init__(self, prometheus: str | None, name: str) -> None:
        self._prometheus = prometheus
        self._name = name

    @classmethod
    def of(cls, addresses: Addresses, name: str) -> Self:
        """Watch an alert of a demo, where its rules are those for tests."""
        return cls(addresses.prometheus if addresses.rules == "test" else None, name)

    def wait(self, *, present: bool, within_s: float) -> str | None:
        """Wait until the alert fires (``present``), or does not, and give its summary.

        Raises:
            ScenarioError: That did not happen in time.
            WebError: Prometheus does not answer.
        """
        ends_at = time.monotonic() + within_s
        while self._prometheus is not None:
            summary = self._firing(self._prometheus)
            if (summary is not None) is present:
                return summary
            if time.monotonic() >= ends_at:
                wanted = "fire" if present else "clear"
                raise ScenarioError(f"{self._name} did not {wanted} within {within_s:.0f} s")
            time.sleep(_EVERY_S)
        return None

    def _firing(self, prometheus: str) -> str | None:
        """Give the summary of the alert if it fires: pending is not firing."""
        for alert in web.get_json(f"{prometheus}/api/v1/alerts")["data"]["alerts"]:
            if alert["labels"].get("alertname") == self._name and alert["state"] == "firing":
                return str(alert["annotations"].get("summary", ""))
        return None
