"""Our exporter's collection cycles, watched from outside by its own metrics.

A cycle begins one interval after the one before, to some milliseconds, so that each can be waited
for: what is measured is a cycle and a moment of rest around it, without the scrapes that tell.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client.parser import text_string_to_metric_families

from tests.bench.exporters import BenchError, Running

_BEFORE_S = 0.15
_AFTER_S = 0.3
_MARGIN = 1.5
_START_S = 120

Watched = TypeVar("Watched")


@dataclass(frozen=True, slots=True)
class Phase:
    """Seconds that one phase took, and of CPU that the exporter used in it."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle, collection and rendering; times are Unix seconds."""

    number: int
    begun: float
    ended: float
    phases: dict[str, Phase]

    @property
    def wall(self) -> float:
        """How long it took."""
        return self.ended - self.begun


def last_cycle(page: str) -> Cycle | None:
    """Read the last cycle from a page; ``None`` before the first that reached Kafka."""
    own = "\n".join(line for line in page.splitlines() if "kafka_exporter_" in line[:24])
    told = {
        (sample.name, sample.labels.get("phase", "")): sample.value
        for family in text_string_to_metric_families(own + "\n")
        for sample in family.samples
    }
    if not told.get(("kafka_exporter_up", "")):
        return None
    walls = _by_phase(told, "kafka_exporter_cycle_duration_seconds")
    cpu = _by_phase(told, "kafka_exporter_cycle_cpu_seconds")
    begun = told["kafka_exporter_snapshot_timestamp_seconds", ""]
    return Cycle(
        number=int(told["kafka_exporter_cycles_total", ""]),
        begun=begun,
        ended=begun + walls.pop("total") + walls["render"],
        phases={phase: Phase(wall, cpu[phase]) for phase, wall in walls.items()},
    )


def _by_phase(told: dict[tuple[str, str], float], name: str) -> dict[str, float]:
    return {phase: value for (found, phase), value in told.items() if found == name}


def first_cycle(exporter: Running) -> Cycle:
    """Wait for the first cycle that reached Kafka.

    Raises:
        BenchError: there is none in two minutes.
    """
    ends_at = time.monotonic() + _START_S
    while time.monotonic() < ends_at:
        cycle = last_cycle(exporter.page())
        if cycle is not None:
            return cycle
        time.sleep(0.2)
    raise BenchError(f"the exporter collected nothing in {_START_S} s")


def watch(
    exporter: Running,
    count: int,
    interval_s: float,
    around: Callable[[float], Watched],
) -> Iterator[tuple[Cycle, Watched]]:
    """Wait for cycle after cycle, and watch each.

    Args:
        exporter: ours, running.
        count: how many cycles.
        interval_s: its collect interval.
        around: called shortly before each cycle with the time (Unix seconds) until which to watch.

    Yields:
        Each cycle that was over by then, and what ``around`` gave.

    Raises:
        BenchError: cycles take longer than the interval allows.
    """
    cycle = first_cycle(exporter)
    watched = missed = 0
    while watched < count:
        begins = _next_beginning(cycle, interval_s)
        time.sleep(max(0.0, begins - _BEFORE_S - time.time()))
        until = begins + _MARGIN * cycle.wall + _AFTER_S
        seen = around(until)
        last, cycle = cycle.number, first_cycle(exporter)
        if cycle.ended < until and cycle.number > last:
            watched += 1
            yield cycle, seen
            continue
        missed += 1
        if missed > count:
            raise BenchError(f"a cycle takes {cycle.wall:.1f} s: raise --interval {interval_s:g}")


def _next_beginning(cycle: Cycle, interval_s: float) -> float:
    """Give when the next cycle begins that can be watched from before its beginning."""
    begins = cycle.begun + interval_s
    while begins - _BEFORE_S < time.time():
        begins += interval_s
    return begins
