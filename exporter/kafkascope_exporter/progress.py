"""How far a collection cycle is, and what it has to report in the end."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from kafkascope_exporter.model import CycleReport, Failure, Snapshot


@dataclass(slots=True)
class Progress:
    """What a cycle writes down while it runs.

    ``started_at`` is in Unix seconds, ``began`` on the clock of `time.monotonic`, ``budget`` the
    seconds that the cycle may take; the other fields are those of `model.CycleReport`.
    """

    started_at: float
    began: float
    budget: float
    durations: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    unreachable: str = ""

    @classmethod
    def begin(cls, budget: float) -> "Progress":
        """Begin a cycle now."""
        return cls(time.time(), time.monotonic(), budget)

    def deadline(self, share: float = 1.0) -> float:
        """When ``share`` of the cycle's time is over, on the clock of `time.monotonic`."""
        return self.began + self.budget * share

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Take the time and the CPU of what is done within."""
        begun, used = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self.durations[name] = time.monotonic() - begun
            self.cpu[name] = time.process_time() - used

    def report(
        self, snapshot: Snapshot | None, requests: Mapping[tuple[str, str], int], interval: float
    ) -> CycleReport:
        """Sum up.

        Args:
            snapshot: what there is to show after this cycle.
            requests: calls by (API name, broker id as text).
            interval: seconds after which the next cycle is due.
        """
        duration = time.monotonic() - self.began
        return CycleReport(
            started_at=self.started_at,
            duration=duration,
            succeeded=not self.unreachable,
            overran=duration > interval,
            durations=self.durations,
            cpu=self.cpu,
            requests=requests,
            failures=_summed(self.failures),
            missing=self.missing,
            held=self.held,
            unreachable=self.unreachable,
            sizes=_sizes(snapshot) if snapshot else {},
        )


def _summed(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Make one failure of all that have the same API, broker and code."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for failure in failures:
        counts[failure.api, failure.broker, failure.code] += failure.count
    return tuple(Failure(*key, count) for key, count in sorted(counts.items()))


def _sizes(snapshot: Snapshot) -> dict[str, int]:
    topics = snapshot.topology.topics
    return {
        "brokers": len(snapshot.topology.brokers),
        "topics": len(topics),
        "partitions": sum(len(topic.partitions) for topic in topics.values()),
        "groups": len(snapshot.groups),
    }
