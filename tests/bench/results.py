"""What the bench measured, as records that go into tables and JSON."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.cycles import Phase
from tests.bench.seeding import Size


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection: seconds it took, and of CPU that the exporter and the brokers used.

    The brokers' is what they used beyond their idle rate; ``None`` where their processes were
    not found.
    """

    wall: float
    own_cpu: float
    brokers_cpu: float | None


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from request to the last byte, of scrapes that overlapped a cycle."""

    scrapes: int
    p50: float
    p99: float
    slowest: float
    body_bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One exporter on one cluster. ``resident`` is bytes after each collection."""

    exporter: str
    version: str
    collections: Sequence[Collection]
    resident: Sequence[int]
    samples: int
    phases: dict[str, Phase] = field(default_factory=dict)
    latencies: dict[str, Latency] = field(default_factory=dict)

    @property
    def wall(self) -> float:
        """The median of its collections."""
        return statistics.median(c.wall for c in self.collections)

    @property
    def slowest(self) -> float:
        """The longest collection."""
        return max(c.wall for c in self.collections)

    @property
    def own_cpu(self) -> float:
        """The mean: CPU is accounted in steps of 10 ms, which a median would show."""
        return statistics.fmean(c.own_cpu for c in self.collections)

    @property
    def brokers_cpu(self) -> float | None:
        """The mean, if the brokers' processes were found."""
        used = [c.brokers_cpu for c in self.collections if c.brokers_cpu is not None]
        return statistics.fmean(used) if used else None


@dataclass(frozen=True, slots=True)
class ClusterMeasured:
    """All that was measured on one cluster.

    ``idle_cpu`` is the brokers' CPU seconds per second, ``failed`` says which peers could not be
    measured, and why.
    """

    size: Size
    commits: int
    idle_cpu: float | None
    exporters: Sequence[Measured]
    failed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Machine:
    """What it was measured on."""

    processor: str
    cores: int
    memory_bytes: int
    system: str
    python: str


@dataclass(frozen=True, slots=True)
class Results:
    """One run of the bench."""

    command: str
    machine: Machine
    kafka: str
    interval_s: float
    absent: Sequence[str]
    clusters: Sequence[ClusterMeasured]
