"""What the exporters told in the drill, phase by phase, and what each phase has to reach."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from tests.bench.drilldata import Comparison

INTERVAL_S = 3
STALENESS_S = 3 * INTERVAL_S
_TWO_CYCLES_S = 2 * INTERVAL_S + 1  # and the time that a cycle itself takes


@dataclass(frozen=True, slots=True)
class Scrape:
    """One scrape: when (seconds into its phase), how long it took, and what it told."""

    at: float
    took: float
    told: Comparison | None


@dataclass(slots=True)
class Phase:
    """What one exporter told during one phase, and until all was well again after it.

    ``scrapes`` are those of the phase itself; ``wrong`` has the wrong values of all.
    """

    name: str
    exporter: str
    scrapes: list[Scrape] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    until_full: float | None = None

    def take(self, scrape: Scrape) -> None:
        """Add a scrape of the phase itself."""
        self.scrapes.append(scrape)
        self.take_wrong(scrape)

    def take_wrong(self, scrape: Scrape) -> None:
        """Add what a scrape told wrong, be it in the phase or after it."""
        if scrape.told is not None:
            self.wrong.extend(scrape.told.wrong)

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
