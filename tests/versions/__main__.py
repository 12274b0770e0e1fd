"""Run the contract tests on each Kafka release that we claim to support, and print the table.

`make test-versions` starts each release from its packages, in KRaft or ZooKeeper mode, runs
tests/integration/test_contract.py on it in a pytest of its own, and then the tests that are about
older releases themselves (mark ``versions``). Exit code 1 when a test failed anywhere.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET  # what we read is pytest's own report
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kafkascope_demo.localkafka import ClusterSpec, LocalKafkaError
from kafkascope_demo.localkafka.provision import download
from kafkascope_demo.localkafka.spec import DEFAULT_VERSION
from tests.markedfile import Marks

RELEASES = (
    DEFAULT_VERSION,
    "4.0.0",
    "3.9.1",
    "3.9.1-zookeeper",
    "3.7.0",
    "3.7.0-zookeeper",
    "2.8.2-zookeeper",
    "1.1.1-zookeeper",
    "0.11.0.3-zookeeper",
)
CONTRACT = "tests/integration/test_contract.py"
_ROOT = Path(__file__).parents[2]
_MARKS = Marks("make test-versions")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the tests on one release."""

    release: str
    passed: int
    failed: tuple[str, ...]
    seconds: float

    @property
    def result(self) -> str:
        """How many tests passed, and which failed."""
        counted = f"{self.passed} of {self.passed + len(self.failed)} passed"
        return f"{counted}; failed: {', '.join(self.failed)}" if self.failed else counted

    @property
    def row(self) -> tuple[str, str, str, str]:
        """Kafka, mode, result and seconds as text."""
        version, _, mode = self.release.partition("-")
        kind = "ZooKeeper" if mode == "zookeeper" else "KRaft"
        return version, kind, self.result, f"{self.seconds:.0f}"


def main() -> int:
    """Run the tests; 1 when one failed, or when they cannot run."""
    arguments = _arguments()
    try:
        if arguments.markdown:
            _MARKS.check(arguments.markdown, "--markdown")
        outcomes = [contract(r, arguments.pytest) for r in arguments.release or RELEASES]
    except (LocalKafkaError, ValueError) as error:
        _say(f"test-versions: {error}")
        return 1
    marked = []
    if not arguments.release:
        _say("the tests that start older releases themselves")
        marked.append(run(DEFAULT_VERSION, ["-m", "versions", *arguments.pytest]))
    for outcome in outcomes:
        sys.stdout.write("  ".join(f"{cell:<10}" for cell in outcome.row) + "\n")
    for outcome in marked:
        sys.stdout.write(f"tests with mark versions: {outcome.result}\n")
    if arguments.markdown:
        write_markdown(outcomes, arguments.markdown)
    every = [*outcomes, *marked]
    return 1 if any(outcome.failed or not outcome.passed for outcome in every) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__)
    parser.add_argument(
        "--release",
        action="append",
        metavar="VERSION[-zookeeper]",
        help=f"only this one; may be given again (default: {', '.join(RELEASES)})",
    )
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="put the table into this file, between its two marks (docs/compatibility.md)",
    )
    parser.add_argument("pytest", nargs="*", help="more arguments for pytest, after --")
    arguments = parser.parse_args()
    if arguments.markdown and arguments.release:
        parser.error("--markdown writes the rows of all releases: leave --release out")
    return arguments


def contract(release: str, more: Sequence[str]) -> Outcome:
    """Run the contract tests on a release, downloaded first.

    Raises:
        LocalKafkaError: there is no such release, or it cannot be downloaded.
    """
    version, _, mode = release.partition("-")
    ClusterSpec(version=version, mode=mode or "kraft")
    download(version, _say_once)
    _say(f"Kafka {release}")
    return run(release, [CONTRACT, *more])


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _say_once(what: str, done: int, _: int) -> None:
    """Tell the beginning of a download, not each of its files."""
    if done == 0:
        _say(what)


def run(release: str, arguments: Sequence[str]) -> Outcome:
    """Run a pytest of its own, whose clusters are of ``release``."""
    with tempfile.TemporaryDirectory(prefix="kafkascope-versions-") as directory:
        report = Path(directory) / "report.xml"
        subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-n", "0", "-q", "--timeout=600"),
                *(f"--junit-xml={report}", *arguments),
            ],
            env={**os.environ, "KAFKASCOPE_TEST_KAFKA": release},
            cwd=_ROOT,
            check=False,
        )
        return read_report(release, report)


def read_report(release: str, report: Path) -> Outcome:
    """Read pytest's report; one that is missing is a failure."""
    if not report.exists():
        return Outcome(release, 0, ("pytest did not end in order",), 0)
    (suite,) = ET.parse(report).getroot()  # noqa: S314 - pytest's own report
    cases = suite.findall("testcase")
    bad = {case.get("name", "") for case in cases if case.find("failure") is not None}
    bad |= {case.get("name", "") for case in cases if case.find("error") is not None}
    passed = {case.get("name", "") for case in cases if not list(case.iter("skipped"))} - bad
    return Outcome(release, len(passed), tuple(sorted(bad)), float(suite.get("time", "0")))


def write_markdown(outcomes: Sequence[Outcome], file: Path) -> None:
    """Put the table into ``file`` in place of the one that is there."""
    rows = [("Kafka", "mode", "contract tests", "seconds"), ("---",) * 4]
    rows += [outcome.row for outcome in outcomes]
    _MARKS.put("".join(f"| {' | '.join(row)} |\n" for row in rows), file)


if __name__ == "__main__":
    sys.exit(main())
