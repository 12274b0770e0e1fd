"""Runs a scenario against a demo, and watches its alert's condition come and go."""

import collections
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses, Parts
from kafkascope_demo.metricspage import MetricsPage
from kafkascope_demo.scenarios.alerts import AlertWatch
from kafkascope_demo.scenarios.errors import ScenarioError
from kafkascope_demo.scenarios.kafkaclients import repeating
from kafkascope_demo.scenarios.scenario import Observation, Scenario, Watched

WINDOW_S: Final = 15.0
"""Longer than the clients' commit interval (5 s) and the local exporter's cycle together."""
_EVERY_S: Final = 1.0
_SCRAPE_S: Final = 5.0
_KEPT: Final = 600
_SHOWN_S: Final = 60
_RENEW_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds after which waiting ends."""

    calm_s: float = 90.0
    appears_s: float = 120.0
    clears_s: float = 180.0


@dataclass(frozen=True, slots=True)
class Course:
    """How a scenario went.

    Args:
        seen: What its condition said when it came.
        appeared_s: Seconds from the fault to the condition, or to the alert.
        cleared_s: Seconds from the fault's end to that of the condition, or of the alert.
        fired: What the alert said when it fired in Prometheus; None where its rules are too slow
            to be waited for, or there is no Prometheus.
    """

    seen: str
    appeared_s: float
    cleared_s: float
    fired: str | None = None


class Watcher:
    """Looks at a demo once a second, and remembers what it saw.

    Args:
        addresses: The demo's parts.
        window_s: As in ``Watched``.
    """

    def __init__(self, addresses: Addresses, window_s: float = WINDOW_S) -> None:
        self._addresses = addresses
        self._window_s = window_s
        self._seen: collections.deque[Observation] = collections.deque(maxlen=_KEPT)

    def look(self) -> Watched:
        """Take one more look."""
        exporter, producer = (
            _page(url) for url in (self._addresses.exporter, self._addresses.producer)
        )
        self._seen.append(Observation(time.monotonic(), exporter, producer))
        return Watched(self._addresses, tuple(self._seen), self._window_s)

    def wait(self, scenario: Scenario, *, present: bool, within_s: float) -> str | None:
        """Look until a condition is there (``present``), or is not, and give what it says.

        Raises:
            ScenarioError: That did not happen in time.
        """
        ends_at = time.monotonic() + within_s
        while True:
            seen = self.look()
            told = scenario.condition(seen)
            settled = present or bool(seen.window())
            if (told is not None) is present and settled:
                return told
            if time.monotonic() >= ends_at:
                wanted = "did not appear" if present else f"did not clear ({told})"
                raise ScenarioError(
                    f"the condition of {scenario.alert} {wanted} within {within_s:.0f} s"
                )
            time.sleep(_EVERY_S)


def _page(url: str) -> MetricsPage | None:
    try:
        return web.get_metrics(url, _SCRAPE_S)
    except web.WebError:
        return None


@contextlib.contextmanager
def injected(scenario: Scenario, parts: Parts) -> Iterator[None]:
    """Have a scenario's fault, announced by ``kafkascope_demo_scenario``, until ``with`` ends.

    Raises:
        ScenarioError: It cannot be made on this demo.
    """
    brokers = sum(name.startswith("broker") for name in parts.names())
    if brokers < scenario.brokers:
        raise ScenarioError(
            f"{scenario.name} needs {scenario.brokers} brokers, and this demo has {brokers}"
        )
    with _announced(scenario.name, parts.addresses()), scenario.inject(parts):
        yield


@contextlib.contextmanager
def _announced(name: str, addresses: Addresses) -> Iterator[None]:
    """Let the producer export the scenario; the announcement expires if this process ends."""
    url = f"{addresses.producer}/faults"

    def announce() -> None:
        web.request("PUT", url, json={"scenario": name, "expires_seconds": _SHOWN_S})

    announce()
    try:
        with repeating(announce, _RENEW_S):
            yield
    finally:
        with contextlib.suppress(web.WebError):
            web.request("DELETE", url)


def prove(
    scenario: Scenario,
    parts: Parts,
    tell: Callable[[str], None],
    deadlines: Deadlines | None = None,
) -> Course:
    """Run a scenario until its alert's condition is there, undo it, and wait until it is gone.

    Args:
        scenario: Which.
        parts: The demo.
        tell: Told each step.
        deadlines: How long to wait.

    Raises:
        ScenarioError: The condition was there before, did not come, or did not go.
    """
    limits = deadlines or Deadlines()
    addresses = parts.addresses()
    watcher = Watcher(addresses)
    alert = AlertWatch.of(addresses, scenario.alert)
    tell(f"waiting until the condition of {scenario.alert} is absent")
    watcher.wait(scenario, present=False, within_s=limits.calm_s)
    alert.wait(present=False, within_s=limits.calm_s)
    tell(scenario.does)
    began = time.monotonic()
    with injected(scenario, parts):
        seen = watcher.wait(scenario, present=True, within_s=limits.appears_s) or ""
        tell(f"after {time.monotonic() - began:.0f} s: {seen}")
        fired = alert.wait(present=True, within_s=limits.appears_s)
        appeared = time.monotonic() - began
        if fired is not None:
            tell(f"after {appeared:.0f} s {scenario.alert} fires: {fired}")
    ended = time.monotonic()
    tell(scenario.undone)
    watcher.wait(scenario, present=False, within_s=limits.clears_s)
    alert.wait(present=False, within_s=limits.clears_s)
    cleared = time.monotonic() - ended
    tell(f"cleared after {cleared:.0f} s")
    return Course(seen, appeared, cleared, fired)
