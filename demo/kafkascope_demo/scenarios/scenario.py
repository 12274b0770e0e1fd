"""What a fault scenario is, and what a running demo is seen to do while it lasts."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from kafkascope_demo.addresses import Addresses, Parts
from kafkascope_demo.metricspage import MetricsPage


@dataclass(frozen=True, slots=True)
class Observation:
    """What the exporter and the services showed at one time; a page is None where none was given.

    Args:
        at: Seconds, on a clock that only goes forward.
        exporter: The exporter's metrics.
        producer: The producer's metrics.
    """

    at: float
    exporter: MetricsPage | None
    producer: MetricsPage | None


@dataclass(frozen=True, slots=True)
class Watched:
    """What conditions are asked about.

    Args:
        addresses: The demo's names of topic and group.
        observations: The oldest first; the last is now.
        window_s: Seconds over which a change or the lack of one counts.
    """

    addresses: Addresses
    observations: Sequence[Observation]
    window_s: float

    @property
    def now(self) -> Observation:
        """The last observation."""
        return self.observations[-1]

    def window(self) -> Sequence[Observation]:
        """Give the observations of the last ``window_s``; none until they reach so far back."""
        begin = self.now.at - self.window_s
        if self.observations[0].at > begin:
            return ()
        return [seen for seen in self.observations if seen.at >= begin]


Condition = Callable[[Watched], str | None]
"""Says what is seen of a fault, with numbers; None when it is not there."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault that is made on purpose, and undone.

    Args:
        name: As on the command line.
        does: What it does.
        panel: The panel that shows it.
        alert: The alert that fires, and clears afterwards.
        undone: How it is undone.
        inject: Makes the fault; its end undoes it.
        condition: The alert's condition on the exporter's or the producer's metrics.
        brokers: How many brokers it takes.
    """

    name: str
    does: str
    panel: str
    alert: str
    undone: str
    inject: Callable[[Parts], AbstractContextManager[None]]
    condition: Condition
    brokers: int = field(default=1)
