"""Measuring an exporter: what a collection costs, and how long scrapes take meanwhile."""

import http.client
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.cycles import Cycle, Phase, watch
from tests.bench.exporters import BenchError, Exporter, Running, samples, version
from tests.bench.processes import Meter
from tests.bench.results import Collection, Latency, Measured

_IDLE_WINDOWS = 12
_STEADY = 0.02
_PAUSE_S = 0.025
_SCRAPE_TIMEOUT_S = 300
_LEAST_COLLECTIONS = 3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Brokers:
    """The brokers' processes, if they were found, and what they use when nobody asks them."""

    meter: Meter | None
    idle_cpu: float | None

    @classmethod
    def observe(cls, pids: Sequence[int], seconds: float, say: Say) -> "Brokers":
        """Measure the idle brokers for ``seconds``, again until it tells the same twice running."""
        if not pids:
            return cls(None, None)
        meter = Meter(pids)
        rates: list[float] = []
        for _ in range(_IDLE_WINDOWS):
            say(f"measuring the idle brokers, {seconds:g} s")
            before, began = meter.cpu_seconds(), time.monotonic()
            time.sleep(seconds)
            rates.append((meter.cpu_seconds() - before) / (time.monotonic() - began))
            if len(rates) > 1 and abs(rates[-1] - rates[-2]) < _STEADY:
                break
        return cls(meter, statistics.fmean(rates[-2:]))

    def cpu_seconds(self) -> float:
        """Give what they have used so far."""
        return self.meter.cpu_seconds() if self.meter else 0.0

    def beyond_idle(self, used: float, seconds: float) -> float | None:
        """Give the part of ``used`` CPU seconds that idle brokers would not have used."""
        return None if self.idle_cpu is None else used - self.idle_cpu * seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: cycles, those before that do not count, and the collect interval."""

    cycles: int
    warm_up: int
    interval_s: float


def measure_ours(
    exporter: Exporter, process: Running, brokers: Brokers, plan: Plan, say: Say
) -> Measured:
    """Measure our exporter, which collects by itself."""
    say(f"warming up, {plan.warm_up} cycles")
    for _ in watch(process, plan.warm_up, plan.interval_s, _rest_until):
        pass
    own = Meter([process.pid])
    collections, resident, cycles = [], [], []

    def used_around(until: float) -> Collection:
        began = time.monotonic()
        own_before, brokers_before = own.cpu_seconds(), brokers.cpu_seconds()
        _rest_until(until)
        passed = time.monotonic() - began
        used = brokers.cpu_seconds() - brokers_before
        return Collection(0, own.cpu_seconds() - own_before, brokers.beyond_idle(used, passed))

    for cycle, used in watch(process, plan.cycles, plan.interval_s, used_around):
        cycles.append(cycle)
        collections.append(Collection(cycle.wall, used.own_cpu, used.brokers_cpu))
        resident.append(own.resident_bytes())
        say(f"cycle {len(cycles)} of {plan.cycles}: {cycle.wall:.2f} s")
    page = process.page()
    return Measured(
        exporter=exporter.name,
        version=version(page),
        collections=collections,
        resident=resident,
        samples=samples(page),
        phases=_mean_phases(cycles),
        latencies={
            encoding: measure_latency(process, encoding, plan, say)
            for encoding in ("gzip", "identity")
        },
    )


def _rest_until(until: float) -> None:
    time.sleep(max(0.0, until - time.time()))


def _mean_phases(cycles: Sequence[Cycle]) -> dict[str, Phase]:
    return {
        name: Phase(
            statistics.fmean(c.phases[name].wall for c in cycles),
            statistics.fmean(c.phases[name].cpu for c in cycles),
        )
        for name in cycles[0].phases
    }


def measure_latency(process: Running, encoding: str, plan: Plan, say: Say) -> Latency:
    """Scrape our exporter all through its cycles, over one connection kept open.

    Raises:
        BenchError: a scrape fails.
    """
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=_SCRAPE_TIMEOUT_S)
    overlapping: list[tuple[float, int]] = []

    def scrape_until(until: float) -> list[tuple[float, float, int]]:
        scrapes = []
        while time.time() < until:
            began = time.time()
            size = _scrape(connection, encoding)
            scrapes.append((began, time.time(), size))
            time.sleep(_PAUSE_S)
        return scrapes

    for number, (cycle, scrapes) in enumerate(
        watch(process, plan.cycles, plan.interval_s, scrape_until), start=1
    ):
        overlapping += [
            (ended - began, size)
            for began, ended, size in scrapes
            if began < cycle.ended and ended > cycle.begun
        ]
        say(f"scrapes during cycles, {encoding}: cycle {number} of {plan.cycles}")
    connection.close()
    took = sorted(seconds for seconds, _ in overlapping)
    return Latency(
        scrapes=len(took),
        p50=statistics.median(took),
        p99=took[math.ceil(0.99 * len(took)) - 1],
        slowest=took[-1],
        body_bytes=max(size for _, size in overlapping),
    )


def _scrape(connection: http.client.HTTPConnection, encoding: str) -> int:
    try:
        connection.request("GET", "/metrics", headers={"Accept-Encoding": encoding})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(f"a scrape while collecting failed: {error!r}") from error
    if response.status != http.HTTPStatus.OK:
        raise BenchError(f"a scrape while collecting gave status {response.status}")
    return len(body)


def measure_peer(
    exporter: Exporter, process: Running, brokers: Brokers, plan: Plan, most_s: float, say: Say
) -> Measured:
    """Measure an exporter that collects when it is scraped.

    The first scrape does not count. It gets as many collections as ours has cycles, but no more
    than fit into ``most_s`` seconds, and three at the least.
    """
    say(f"{exporter.name}: first scrape")
    process.page(timeout_s=_SCRAPE_TIMEOUT_S)
    own = Meter([process.pid])
    collections: list[Collection] = []
    resident = []
    began = time.monotonic()
    page = ""
    while len(collections) < plan.cycles and (
        len(collections) < _LEAST_COLLECTIONS or time.monotonic() - began < most_s
    ):
        at = time.monotonic()
        own_before, brokers_before = own.cpu_seconds(), brokers.cpu_seconds()
        page = process.page(timeout_s=_SCRAPE_TIMEOUT_S)
        wall = time.monotonic() - at
        used = brokers.cpu_seconds() - brokers_before
        own_cpu = own.cpu_seconds() - own_before
        collections.append(Collection(wall, own_cpu, brokers.beyond_idle(used, wall)))
        resident.append(own.resident_bytes())
        say(f"{exporter.name}: scrape {len(collections)} of {plan.cycles}: {wall:.2f} s")
    return Measured(
        exporter=exporter.name,
        version=version(page),
        collections=collections,
        resident=resident,
        samples=samples(page),
    )
