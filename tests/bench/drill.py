"""Freeze and kill brokers under two exporters, and print what each went on to tell.

`make drill` starts three brokers with known data, to which messages and commits are added all the
time, and two exporters that collect every 3 s: one as it comes, one with ``--collect.hold=21s``.
Both are scraped every 3 s while one broker is frozen for 45 s, killed for 30 s, and all are frozen
for 30 s; first with the active controller as the victim, then with another broker. About six
minutes.

A value is right when it lies between what was acknowledged before the earliest time at which the
exporter may have read it, and what may have been written by the time of the scrape. Any other
value, and any sample of the drill's topics and groups that should not be there, is wrong. The exit
code says whether every target was met.
"""

import argparse
import contextlib
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import ElectionType, KafkaException
from confluent_kafka.admin import AdminClient
from rich.console import Console

from kafkascope_demo.exporterprocess import ExporterError, ExporterProcess, free_port
from kafkascope_demo.localkafka import ClusterSpec, LocalKafka, LocalKafkaError
from tests.bench import drilldata
from tests.bench.drilldata import Ledger
from tests.bench.drillphases import INTERVAL_S, Phase, Scrape, problems, table
from tests.bench.drilltraffic import DrillTraffic
from tests.integration.topics import in_sync
from tests.waiting import wait_until

HOLD_S = 21
FROZEN_S, KILLED_S, ALL_FROZEN_S = 45, 30, 30
_CLUSTER_DEADLINE_S = 120
# Of each exporter how long it holds values, and its flags; one interval is the default.
_EXPORTERS = {
    "default": (INTERVAL_S, ()),
    "hold": (HOLD_S, (f"--collect.hold={HOLD_S}s",)),
}
_PAUSE_S = 0.2

Say = Callable[[str], None]


def oldest_s(hold_s: float) -> float:
    """How long ago an exporter may have read what it shows, in seconds.

    A cycle may serve what one read that began ``hold_s`` (and a tenth, since cycles do not begin
    to the millisecond) before it. It is shown until the next one is done, which begins an
    interval later and lasts up to its deadline, 0.8 of an interval; rendering and a busy machine
    may add half a second.
    """
    return 1.1 * hold_s + 1.8 * INTERVAL_S + 0.5


@dataclass(frozen=True, slots=True)
class Watched:
    """An exporter of the drill, and how old what it shows may be."""

    process: ExporterProcess
    oldest_s: float


class Drill:
    """The cluster, its exporters, and the phases that they go through.

    Args:
        kafka: three running brokers with the drill's data.
        exporters: by name, running.
        traffic: what is written all the time.
        ledger: where that is noted.
        say: told what is being done.
    """

    def __init__(
        self,
        kafka: LocalKafka,
        exporters: dict[str, Watched],
        traffic: DrillTraffic,
        ledger: Ledger,
        say: Say,
    ) -> None:
        self._kafka = kafka
        self._exporters = exporters
        self._traffic = traffic
        self._ledger = ledger
        self._say = say
        self._admin = AdminClient({**kafka.client_properties(), "log_level": 0})

    def run(self, victim: int) -> list[Phase]:
        """Put ``victim``, and then all brokers, through everything.

        Raises:
            AssertionError: the cluster or the exporters did not get well again.
            ExporterError: an exporter has ended.
            KafkaException: Kafka refused a message for good.
            LocalKafkaError: a broker does not do as it is told.
        """
        kafka, everyone = self._kafka, self._kafka.broker_ids
        phases = self._named("healthy")
        self._prepare(phases)
        self._watch(phases, 4 * INTERVAL_S)
        kafka.pause_broker(victim)
        phases += self._phase("one frozen", FROZEN_S)
        self._recover(lambda: kafka.resume_broker(victim), phases)
        self._prepare(phases)
        kafka.stop_broker(victim, kill=True)
        phases += self._phase("one killed", KILLED_S)
        self._recover(lambda: kafka.start_broker(victim), phases)
        self._prepare(phases)
        kafka.pause_broker(*everyone)
        phases += self._phase("all frozen", ALL_FROZEN_S)
        self._recover(lambda: kafka.resume_broker(*everyone), phases)
        return phases

    def active_controller(self) -> int:
        """Ask the quorum who leads it."""
        told = self._kafka.tool("metadata-quorum", ["describe", "--status"])
        found = re.search(r"LeaderId:\s+(\d+)", told.stdout)
        if found is None:
            raise LocalKafkaError(
                f"kafka-metadata-quorum names no leader: {told.stdout}{told.stderr}"
            )
        return int(found[1])

    def _prepare(self, phases: list[Phase]) -> None:
        """Give every partition back to its preferred leader: the victim is to lead its share."""
        self._say("electing preferred leaders")
        wait_until(lambda: in_sync(self._admin, 3), _CLUSTER_DEADLINE_S, "all replicas in sync")
        self._admin.elect_leaders(ElectionType.PREFERRED, None).result(_CLUSTER_DEADLINE_S)
        wait_until(self._led_as_preferred, _CLUSTER_DEADLINE_S, "preferred leaders")
        last = self._last(phases)
        wait_until(lambda: all(map(self._is_full, last)), _CLUSTER_DEADLINE_S, "full pages")

    def _last(self, phases: list[Phase]) -> list[Phase]:
        """Give the newest phase of each exporter."""
        return phases[-len(self._exporters) :]

    def _named(self, name: str) -> list[Phase]:
        return [Phase(name, exporter) for exporter in self._exporters]

    def _phase(self, name: str, seconds: float) -> list[Phase]:
        phases = self._named(name)
        self._watch(phases, seconds)
        return phases

    def _watch(self, phases: list[Phase], seconds: float) -> None:
        self._say(f"{phases[0].name}, {seconds:.0f} s")
        begun = time.monotonic()
        for turn in range(round(seconds / INTERVAL_S)):
            time.sleep(max(0.0, begun + turn * INTERVAL_S - time.monotonic()))
            for phase in phases:
                phase.take(self._scrape(phase.exporter, begun))
        time.sleep(max(0.0, begun + seconds - time.monotonic()))

    def _recover(self, repair: Callable[[], None], phases: list[Phase]) -> None:
        """Repair, and measure the time from a whole cluster to full pages."""
        self._say("recovering")
        repair()
        wait_until(self._all_led, _CLUSTER_DEADLINE_S, "leaders")
        whole = time.monotonic()
        waiting = self._last(phases)
        for phase in waiting:
            phase.until_full = float("inf")
        while waiting and time.monotonic() - whole < _CLUSTER_DEADLINE_S:
            for phase in [phase for phase in waiting if self._is_full(phase)]:
                phase.until_full = time.monotonic() - whole
                waiting.remove(phase)
            time.sleep(_PAUSE_S)

    def _scrape(self, exporter: str, begun: float) -> Scrape:
        self._traffic.check()
        watched = self._exporters[exporter]
        at = time.monotonic()
        page = watched.process.scrape()
        took = time.monotonic() - at
        if page is None:
            return Scrape(at - begun, took, None)
        expected = drilldata.truth(self._ledger, at - watched.oldest_s)
        return Scrape(at - begun, took, drilldata.compare(page, expected))

    def _is_full(self, phase: Phase) -> bool:
        """Whether the exporter tells everything again; what it tells wrong goes to ``phase``."""
        scrape = self._scrape(phase.exporter, 0)
        phase.take_wrong(scrape)
        return scrape.told is not None and scrape.told.present == 1.0

    def _all_led(self) -> bool:
        metadata = self._admin.list_topics(timeout=10)
        leaders = [p.leader for t in metadata.topics.values() for p in t.partitions.values()]
        return len(metadata.brokers) == len(self._kafka.broker_ids) and min(leaders) >= 0

    def _led_as_preferred(self) -> bool:
        topics = self._admin.list_topics(timeout=10).topics.values()
        return all(p.leader == p.replicas[0] for t in topics for p in t.partitions.values())


@contextlib.contextmanager
def _stage(directory: Path, say: Say) -> Iterator[Drill]:
    """Start the brokers, the data, the traffic and both exporters; stop them all at the end."""
    with contextlib.ExitStack() as stack:
        kafka = LocalKafka(directory / "kafka")
        stack.callback(kafka.down)
        say("starting three brokers")
        kafka.up(ClusterSpec(nodes=3))
        say("writing the data")
        drilldata.seed(kafka.client_properties())
        ledger = Ledger()
        traffic = DrillTraffic(kafka.client_properties(), ledger)
        traffic.start()
        stack.callback(traffic.stop)
        exporters = {}
        for name, (hold_s, flags) in _EXPORTERS.items():
            exporter = ExporterProcess(
                kafka.bootstrap_servers,
                directory / f"exporter-{name}.log",
                [f"--collect.interval={INTERVAL_S}s", *flags],
                port=free_port(),
            )
            stack.callback(exporter.stop)
            exporter.start()
            exporters[name] = Watched(exporter, oldest_s(hold_s))
        yield Drill(kafka, exporters, traffic, ledger, say)


def main() -> int:
    """Run the drill and print its tables; 1 when a target was missed or it could not go on."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.drill", description=__doc__)
    parser.add_argument(
        "--victim",
        choices=("controller", "other", "both"),
        default="both",
        help="which broker is frozen and killed (default: one after the other)",
    )
    chosen = parser.parse_args().victim
    console = Console(width=110)
    try:
        missed = _drill(("controller", "other") if chosen == "both" else (chosen,), console)
    except (LocalKafkaError, ExporterError, KafkaException, OSError, AssertionError) as error:
        sys.stderr.write(f"drill: {error}\n")
        return 1
    for problem in missed:
        console.print(f"missed: {problem}", soft_wrap=True)
    console.print("every target was met" if not missed else f"{len(missed)} targets were missed")
    return 1 if missed else 0


def _drill(victims: tuple[str, ...], console: Console) -> list[str]:
    """Print the table of each victim, and give every target that was missed."""
    missed: list[str] = []

    def say(text: str) -> None:
        console.print(f"[dim]{time.strftime('%X')} {text}")

    with (
        tempfile.TemporaryDirectory(prefix="kafkascope-drill-") as directory,
        _stage(Path(directory), say) as drill,
    ):
        for victim in victims:
            controller = drill.active_controller()
            number = controller if victim == "controller" else controller % 3 + 1
            phases = drill.run(number)
            console.print(table(f"broker {number}, {victim}", phases))
            missed += [problem for phase in phases for problem in problems(phase)]
    return missed


if __name__ == "__main__":
    sys.exit(main())
