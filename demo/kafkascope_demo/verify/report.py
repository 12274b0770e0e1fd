"""What the verifier found, as a table for people and as JSON for programs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from kafkascope_demo.addresses import Addresses


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found.

    Args:
        name: What should be so, as a sentence.
        passed: Whether it is.
        evidence: What was seen, with numbers.
        fix: What to do when it did not pass.
        seconds: Time since its check began.
    """

    name: str
    passed: bool
    evidence: str
    fix: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """A question to a running demo.

    Args:
        name: What should be so; that of its outcome when asking fails.
        run: Asks, and gives one outcome or several.
        fix: What to do when asking fails.
    """

    name: str
    run: Callable[[Addresses], Iterable[Outcome]]
    fix: str


@dataclass(frozen=True, slots=True)
class Report:
    """All outcomes, and what could not be asked of this demo and why."""

    outcomes: tuple[Outcome, ...]
    not_checked: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there were outcomes, and all passed."""
        return bool(self.outcomes) and all(outcome.passed for outcome in self.outcomes)

    def to_json(self) -> dict[str, object]:
        """Give the report as JSON's types; `kafkascope-demo verify --json` prints it."""
        outcomes = [
            {
                "name": outcome.name,
                "passed": outcome.passed,
                "evidence": outcome.evidence,
                "fix": "" if outcome.passed else outcome.fix,
                "seconds": round(outcome.seconds, 3),
            }
            for outcome in self.outcomes
        ]
        return {"ok": self.ok, "checks": outcomes, "not_checked": list(self.not_checked)}


def render(report: Report) -> Table:
    """Draw a report for a terminal."""
    table = Table("", "check", "evidence", title="verifier", title_justify="left")
    for outcome in report.outcomes:
        mark = Text("pass", "green") if outcome.passed else Text("FAIL", "bold red")
        told = outcome.evidence
        if not outcome.passed and outcome.fix:
            told = f"{told}\nfix: {outcome.fix}"
        table.add_row(mark, Text(outcome.name), Text(told))
    for reason in report.not_checked:
        table.add_row(Text("-", "dim"), Text("not checked", "dim"), Text(reason, "dim"))
    return table
