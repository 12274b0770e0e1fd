"""Freeze and kill brokers under two exporters, and print what each went on to tell.

`make drill` starts three brokers with data of which every number is known, and two exporters that
collect every 3 s: one as it comes, one with ``--collect.hold=21s``. Both are scraped every 3 s
while one broker is frozen for 45 s, killed for 30 s, and all are frozen for 30 s; first with the
active controller as the victim, then with another broker. About ten minutes. The exit code says
whether every target was met.
"""

import argparse
import contextlib
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import ElectionType
from confluent_kafka.admin import AdminClient
from rich.console import Console
from rich.table import Table

from kafkascope_demo.exporterprocess import ExporterProcess, free_port
from kafkascope_demo.localkafka import ClusterSpec, LocalKafka
from tests.bench import drilldata
from tests.bench.drilldata import Comparison, Key
from tests.integration.topics import in_sync
from tests.waiting import wait_until

INTERVAL_S = 3
STALENESS_S = 3 * INTERVAL_S
HOLD_S = 21
FROZEN_S, KILLED_S, ALL_FROZEN_S = 45, 30, 30
_CLUSTER_DEADLINE_S = 120
_TWO_CYCLES_S = 2 * INTERVAL_S + 1  # and the time that a cycle itself takes


@dataclass(frozen=True, slots=True)
class Scrape:
    """One scrape: when (seconds into its phase), how long it took, and what it told."""

    at: float
    took: float
    told: Comparison | None


@dataclass(slots=True)
class Phase:
    """What one exporter told during one phase."""

    name: str
    exporter: str
    scrapes: list[Scrape] = field(default_factory=list)
    until_full: float | None = None

    @property
    def shares(self) -> list[float]:
        """The share of the expected lag series, by scrape; an unanswered one has none."""
        return [scrape.told.present if scrape.told else 0.0 for scrape in self.scrapes]

    @property
    def mean(self) -> float:
        """The share by time."""
        return sum(self.shares) / len(self.shares)

    @property
    def answered(self) -> int:
        """How many scrapes got a page."""
        return sum(scrape.told is not None for scrape in self.scrapes)

    @property
    def wrong(self) -> list[str]:
        """All wrong values."""
        return [value for scrape in self.scrapes if scrape.told for value in scrape.told.wrong]


@dataclass(frozen=True, slots=True)
class Target:
    """What a phase has to reach."""

    mean: float = 1.0
    least: float = 0.0
    silent_after: float | None = None


TARGETS: dict[tuple[str, str], Target] = {
    ("healthy", "default"): Target(least=1.0),
    ("healthy", "hold"): Target(least=1.0),
    ("one frozen", "default"): Target(mean=0.84, least=0.40),
    ("one frozen", "hold"): Target(least=1.0),
    ("one killed", "default"): Target(mean=0.75, least=0.40),
    ("one killed", "hold"): Target(least=1.0),
    ("all frozen", "default"): Target(mean=0.0, silent_after=STALENESS_S + 2 * INTERVAL_S),
    ("all frozen", "hold"): Target(mean=0.0, silent_after=STALENESS_S + 2 * INTERVAL_S),
}
SLOWEST_S = 0.2


def problems(phase: Phase) -> Iterator[str]:
    """Name every target that the phase missed."""
    target = TARGETS[phase.name, phase.exporter]
    where = f"{phase.name}, {phase.exporter}"
    if phase.answered < len(phase.scrapes):
        yield f"{where}: {len(phase.scrapes) - phase.answered} scrapes unanswered"
    if max(scrape.took for scrape in phase.scrapes) > SLOWEST_S:
        yield f"{where}: a scrape took more than {SLOWEST_S} s"
    yield from (f"{where}: wrong value: {value}" for value in phase.wrong[:5])
    if phase.mean < target.mean:
        yield f"{where}: {phase.mean:.0%} of the lag series, less than {target.mean:.0%}"
    if min(phase.shares) < target.least:
        yield f"{where}: {min(phase.shares):.0%} at the least, less than {target.least:.0%}"
    if target.silent_after is not None:
        late = [s for s in phase.scrapes if s.at > target.silent_after and s.told]
        if any(scrape.told and scrape.told.kafka for scrape in late) or not late:
            yield f"{where}: Kafka series are still there after {target.silent_after} s"
    if phase.until_full is not None and phase.until_full > _TWO_CYCLES_S:
        yield f"{where}: full only {phase.until_full:.1f} s after the cluster was whole again"


class Drill:
    """The cluster, its exporters, and the phases that they go through.

    Args:
        kafka: three running brokers with the drill's data.
        exporters: by name, running.
        say: told what is being done.
    """

    def __init__(
        self, kafka: LocalKafka, exporters: dict[str, ExporterProcess], say: Callable[[str], None]
    ) -> None:
        self._kafka = kafka
        self._exporters = exporters
        self._say = say
        self._expected: dict[Key, int] = drilldata.truth()
        self._admin = AdminClient({**kafka.client_properties()})

    def run(self, victim: int) -> list[Phase]:
        """Put ``victim``, and then all brokers, through everything."""
        kafka, everyone = self._kafka, self._kafka.broker_ids
        self._prepare()
        phases = self._phase("healthy", 4 * INTERVAL_S)
        kafka.pause_broker(victim)
        phases += self._phase("one frozen", FROZEN_S)
        self._recover(lambda: kafka.resume_broker(victim), phases)
        self._prepare()
        kafka.stop_broker(victim, kill=True)
        phases += self._phase("one killed", KILLED_S)
        self._recover(lambda: kafka.start_broker(victim), phases)
        self._prepare()
        kafka.pause_broker(*everyone)
        phases += self._phase("all frozen", ALL_FROZEN_S)
        self._recover(lambda: kafka.resume_broker(*everyone), phases)
        return phases

    def active_controller(self) -> int:
        """Ask the quorum who leads it."""
        told = self._kafka.tool("metadata-quorum", ["describe", "--status"])
        found = re.search(r"LeaderId:\s+(\d+)", told.stdout)
        if found is None:
            sys.exit(f"kafka-metadata-quorum names no leader: {told.stdout}{told.stderr}")
        return int(found[1])

    def _prepare(self) -> None:
        """Give every partition back to its preferred leader: the victim is to lead its share."""
        self._say("electing preferred leaders")
        wait_until(lambda: in_sync(self._admin, 3), _CLUSTER_DEADLINE_S, "all replicas in sync")
        self._admin.elect_leaders(ElectionType.PREFERRED, None).result(_CLUSTER_DEADLINE_S)
        wait_until(self._led_as_preferred, _CLUSTER_DEADLINE_S, "preferred leaders")
        wait_until(self._all_full, _CLUSTER_DEADLINE_S, "full pages")

    def _phase(self, name: str, seconds: float) -> list[Phase]:
        self._say(f"{name}, {seconds:.0f} s")
        phases = {exporter: Phase(name, exporter) for exporter in self._exporters}
        begun = time.monotonic()
        for turn in range(round(seconds / INTERVAL_S)):
            time.sleep(max(0.0, begun + turn * INTERVAL_S - time.monotonic()))
            for exporter, phase in phases.items():
                phase.scrapes.append(self._scrape(exporter, begun))
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        return list(phases.values())

    def _recover(self, repair: Callable[[], None], phases: list[Phase]) -> None:
        """Repair, and measure the time from a whole cluster to full pages."""
        self._say("recovering")
        repair()
        wait_until(self._all_led, _CLUSTER_DEADLINE_S, "leaders")
        whole = time.monotonic()
        waiting = {phase.exporter: phase for phase in phases[-len(self._exporters) :]}
        while waiting and time.monotonic() - whole < _CLUSTER_DEADLINE_S:
            for exporter in [e for e in waiting if self._is_full(e)]:
                waiting.pop(exporter).until_full = time.monotonic() - whole
            time.sleep(0.1)
        for phase in waiting.values():
            phase.until_full = float("inf")

    def _scrape(self, exporter: str, begun: float) -> Scrape:
        at = time.monotonic()
        page = self._exporters[exporter].scrape()
        took = time.monotonic() - at
        told = None if page is None else drilldata.compare(page, self._expected)
        return Scrape(at - begun, took, told)

    def _is_full(self, exporter: str) -> bool:
        told = self._scrape(exporter, 0).told
        return told is not None and told.present == 1.0

    def _all_full(self) -> bool:
        return all(self._is_full(exporter) for exporter in self._exporters)

    def _all_led(self) -> bool:
        metadata = self._admin.list_topics(timeout=10)
        leaders = [p.leader for t in metadata.topics.values() for p in t.partitions.values()]
        return len(metadata.brokers) == len(self._kafka.broker_ids) and min(leaders) >= 0

    def _led_as_preferred(self) -> bool:
        topics = self._admin.list_topics(timeout=10).topics.values()
        return all(p.leader == p.replicas[0] for t in topics for p in t.partitions.values())


def table(victim: str, phases: Sequence[Phase]) -> Table:
    """Draw the phases of one victim."""
    drawn = Table(title=f"victim: {victim}", title_justify="left")
    for column in ("phase", "exporter"):
        drawn.add_column(column)
    for column in ("answered", "slowest s", "wrong", "series by time", "least", "full after s"):
        drawn.add_column(column, justify="right")
    for phase in phases:
        drawn.add_row(
            phase.name,
            phase.exporter,
            f"{phase.answered}/{len(phase.scrapes)}",
            f"{max(scrape.took for scrape in phase.scrapes):.3f}",
            str(len(phase.wrong)),
            f"{phase.mean:.1%}",
            f"{min(phase.shares):.1%}",
            "" if phase.until_full is None else f"{phase.until_full:.1f}",
        )
    return drawn


@contextlib.contextmanager
def _stage(directory: Path, say: Callable[[str], None]) -> Iterator[Drill]:
    """Start the brokers, the data and both exporters; stop them all at the end."""
    with contextlib.ExitStack() as stack:
        kafka = LocalKafka(directory / "kafka")
        stack.callback(kafka.down)
        say("starting three brokers")
        kafka.up(ClusterSpec(nodes=3))
        say("writing the data")
        drilldata.seed(kafka.client_properties())
        exporters = {}
        for name, flags in (("default", []), ("hold", [f"--collect.hold={HOLD_S}s"])):
            exporter = ExporterProcess(
                kafka.bootstrap_servers,
                directory / f"exporter-{name}.log",
                [f"--collect.interval={INTERVAL_S}s", *flags],
                port=free_port(),
            )
            stack.callback(exporter.stop)
            exporter.start()
            exporters[name] = exporter
        yield Drill(kafka, exporters, say)


def main() -> int:
    """Run the drill and print its tables; the exit code is 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--victim",
        choices=("controller", "other", "both"),
        default="both",
        help="which broker is frozen and killed (default: one after the other)",
    )
    chosen = parser.parse_args().victim
    console = Console(width=110)
    missed: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="kafkascope-drill-") as directory,
        _stage(
            Path(directory), lambda text: console.print(f"[dim]{time.strftime('%X')} {text}")
        ) as drill,
    ):
        for victim in ("controller", "other") if chosen == "both" else (chosen,):
            controller = drill.active_controller()
            number = controller if victim == "controller" else controller % 3 + 1
            phases = drill.run(number)
            console.print(table(f"broker {number}, {victim}", phases))
            missed += [problem for phase in phases for problem in problems(phase)]
    for problem in missed:
        console.print(f"missed: {problem}")
    console.print("every target was met" if not missed else f"{len(missed)} targets were missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
