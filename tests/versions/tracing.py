"""Run the tracing tests on the oldest and newest packages that it supports, on each Python.

A virtual environment is made for each combination: the oldest `confluent-kafka` that
tracing/pyproject.toml allows and that has a wheel for that Python, or the newest; the same of
`opentelemetry-api`; on the first Python also an old one with a new one. tests/tracing runs there
on librdkafka's mock cluster. Exit code 1 when a test failed anywhere.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.markedfile import Marks
from tests.versions.__main__ import Outcome, read_report

PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
SAME: Final = (("oldest", "oldest"), ("newest", "newest"))
MIXED: Final = (("oldest", "newest"), ("newest", "oldest"))
TESTS: Final = "tests/tracing"
_ROOT: Final = Path(__file__).parents[2]
_MARKS: Final = Marks("python -m tests.versions.tracing")
_HEADER: Final = ("Python", "confluent-kafka", "opentelemetry-api", "tests", "seconds")
_RESOLUTION: Final = {"oldest": "lowest-direct", "newest": "highest"}
# What runs the tests is no part of what is varied: the versions of this environment.
_RUNNERS: Final = ("pytest", "pytest-timeout", "pytest-xdist", "hypothesis")
_SDK: Final = (
    "opentelemetry-sdk",
    "opentelemetry-distro",
    "opentelemetry-propagator-b3",
    "opentelemetry-propagator-jaeger",
)
# opentelemetry-instrumentation before 0.49b0 imports pkg_resources, which newer ones lack.
_SETUPTOOLS: Final = "setuptools>=75,<81"
_OLD: Final = "ignore:pkg_resources is deprecated:DeprecationWarning"


class InstallError(Exception):
    """An environment could not be made; the text is what uv said."""


@dataclass(frozen=True, slots=True)
class Combination:
    """A Python, and how old a client and an API it gets.

    Args:
        python: Such as ``3.12``.
        interpreter: Where that is.
        client: ``oldest`` or ``newest`` confluent-kafka.
        api: ``oldest`` or ``newest`` opentelemetry-api.
    """

    python: str
    interpreter: str
    client: str
    api: str

    def __str__(self) -> str:
        return f"Python {self.python}, {self.client} confluent-kafka, {self.api} opentelemetry-api"


def main() -> int:
    """Run the tests; 1 when one failed, or when they cannot run."""
    arguments = _arguments()
    rows: list[tuple[str, ...]] = []
    outcomes: list[Outcome] = []
    try:
        if arguments.markdown:
            _MARKS.check(arguments.markdown, "--markdown")
        for combination in combinations(arguments.python or PYTHONS):
            sys.stderr.write(f"{combination}\n")
            row, outcome = run(combination, arguments.pytest)
            rows.append(row)
            outcomes.append(outcome)
    except (InstallError, ValueError) as error:
        sys.stderr.write(f"test-versions: {error}\n")
        return 1
    for row in rows:
        sys.stdout.write("  ".join(f"{cell:<10}" for cell in row) + "\n")
    if arguments.markdown:
        lines = [_HEADER, ("---",) * len(_HEADER), *rows]
        table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        _MARKS.put(table, arguments.markdown)
    return 0 if outcomes and all(o.passed and not o.failed for o in outcomes) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.versions.tracing", description=__doc__)
    parser.add_argument(
        "--python",
        action="append",
        choices=PYTHONS,
        help="only this one; may be given again (default: each that is on PATH)",
    )
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="put the table into this file, between its two marks (docs/compatibility.md)",
    )
    parser.add_argument("pytest", nargs="*", help="more arguments for pytest, after --")
    return parser.parse_args()


def combinations(pythons: Sequence[str]) -> Iterator[Combination]:
    """Each Python that is installed, with the oldest and the newest; the first with mixtures."""
    pairs: tuple[tuple[str, str], ...] = SAME + MIXED
    for python in pythons:
        interpreter = find(python)
        if interpreter is None:
            sys.stderr.write(f"Python {python} is not on PATH: left out\n")
            continue
        for client, api in pairs:
            yield Combination(python, interpreter, client, api)
        pairs = SAME


def find(python: str) -> str | None:
    """Where a Python is, or None. pyenv's names on PATH run only when it is told the version."""
    command = [f"python{python}", "-c", "import sys; print(sys.executable)"]
    try:
        found = subprocess.run(
            command,
            env={**os.environ, "PYENV_VERSION": python},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def run(combination: Combination, more: Sequence[str]) -> tuple[tuple[str, ...], Outcome]:
    """Make the environment and run the tests in it; a row for the table and what became of them."""
    with tempfile.TemporaryDirectory(prefix="kafkascope-tracing-") as directory:
        interpreter = install(combination, Path(directory))
        report = Path(directory) / "report.xml"
        subprocess.run(
            [
                *(interpreter, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider"),
                *("-W", _OLD, f"--junit-xml={report}", TESTS, *more),
            ],
            cwd=_ROOT,
            check=False,
        )
        outcome = read_report(str(combination), report)
        names = ("confluent-kafka", "opentelemetry-api")
        versions = (_installed(interpreter, name) for name in names)
        return (combination.python, *versions, outcome.result, f"{outcome.seconds:.0f}"), outcome


def install(combination: Combination, directory: Path) -> Path:
    """Make the environment of a combination; where its Python is.

    Raises:
        InstallError: a package is not to be had.
    """
    _uv("venv", "--python", combination.interpreter, str(directory / "venv"))
    interpreter = directory / "venv" / "bin" / "python"
    client, *others = requirements()
    _install(interpreter, combination.client, client)
    _install(interpreter, combination.api, *others, _SETUPTOOLS)
    kept = directory / "kept.txt"
    frozen = _uv("pip", "freeze", "--python", str(interpreter))
    kept.write_text(frozen, encoding="utf-8")
    runners = (f"{name}=={version(name)}" for name in _RUNNERS)
    _install(interpreter, "newest", "--constraint", str(kept), *runners, *_SDK)
    _uv("pip", "install", "--python", str(interpreter), "--no-deps", "--editable", "tracing")
    return interpreter


def requirements() -> tuple[str, ...]:
    """The client, the API and what zero code needs, as tracing/pyproject.toml asks for them."""
    with (_ROOT / "tracing" / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    return (*project["dependencies"], *project["optional-dependencies"]["auto"])


def _install(interpreter: Path, age: str, *what: str) -> None:
    how = ("--resolution", _RESOLUTION[age], "--only-binary", ":all:")
    _uv("pip", "install", "--python", str(interpreter), *how, *what)


def _uv(*arguments: str) -> str:
    """Run uv and give its output."""
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [uv, "--quiet", *arguments], capture_output=True, text=True, check=False, cwd=_ROOT
    )
    if done.returncode:
        raise InstallError(f"uv {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def _installed(interpreter: Path, name: str) -> str:
    code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    done = subprocess.run(
        [interpreter, "-c", code, name], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
