"""Settings from the command line, in the grammar of danielqsj/kafka_exporter's flags (kingpin).

``--flag value``, ``--flag=value``, ``--switch``, ``--no-switch``, and ``@file`` for a file with
one argument a line; beyond kingpin, ``--switch=false``. Python's argparse is not used: it stops
at the first problem, and it repeats values, which may be secrets, in its messages.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from kafkascope_exporter.flags import BY_NAME, RETIRED_BY_NAME, Flag, RetiredFlag
from kafkascope_exporter.helptext import help_text, version_text
from kafkascope_exporter.sources import Given, Raw, Reading, Source

_FLAG = re.compile(r"--([A-Za-z][A-Za-z0-9._-]*)(?:=(.*))?", re.DOTALL)
_FALSE = frozenset({"0", "f", "false"})


def read_arguments(argv: Sequence[str]) -> Reading:
    """Read the command line.

    Args:
        argv: the arguments, without the name of the program.

    Raises:
        SystemExit: with 0, after printing, for ``--help``, ``-h`` and ``--version``.
    """
    reader = _Reader(argv)
    reader.read()
    return Reading(dict(reader.given()), tuple(reader.problems), tuple(reader.notices))


class _Reader:
    """Takes the arguments one by one."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._left = list(argv)
        self._values: dict[str, list[str]] = {}
        self._last = ""
        self._opened: set[Path] = set()
        self.problems: list[str] = []
        self.notices: list[str] = []

    def read(self) -> None:
        while self._left:
            argument = self._left.pop(0)
            if argument in {"-h", "--help"}:
                _print_and_exit(help_text())
            if argument == "--version":
                _print_and_exit(version_text())
            if argument.startswith("@"):
                self._left[:0] = self._lines(Path(argument[1:]))
            elif flag := _FLAG.fullmatch(argument):
                self._flag(flag[1], flag[2])
            else:
                self.problems.append(self._stray(argument))

    def given(self) -> Iterator[tuple[str, Given]]:
        """Give what was read, by the name of the flag."""
        for name, values in self._values.items():
            flag = BY_NAME[name]
            value: Raw = values if flag.repeatable else values[0]
            yield name, Given(value, f"--{name}", Source.FLAG)
            if len(values) > 1 and not flag.repeatable:
                self.problems.append(f"--{name}: given {len(values)} times; give it once")

    def _flag(self, name: str, value: str | None) -> None:
        self._last = name
        negated = name.removeprefix("no-")
        known = BY_NAME.get(name) or RETIRED_BY_NAME.get(name)
        inverted = BY_NAME.get(negated) or RETIRED_BY_NAME.get(negated)
        if known is not None:
            self._known(known, self._value_of(known, value))
        elif inverted is not None and inverted.switch and value is None:
            self._known(inverted, "false")
        else:
            self.problems.append(f"--{name}: unknown flag{_nearest(name)}")
            if value is None and self._left and not self._left[0].startswith(("-", "@")):
                self._left.pop(0)  # most likely the value of the flag that was meant

    def _value_of(self, flag: Flag | RetiredFlag, value: str | None) -> str | None:
        if value is not None:
            return value
        if flag.switch:
            return "true"
        if self._left and not self._left[0].startswith("-"):
            return self._left.pop(0)
        self.problems.append(
            f"--{flag.name}: needs a value; one that starts with - goes as --{flag.name}=VALUE"
        )
        if isinstance(flag, Flag) and flag.secret and self._left and not _is_known(self._left[0]):
            self._left.pop(0)  # most likely the secret: it must not be shown as an unknown flag
        return None

    def _known(self, flag: Flag | RetiredFlag, value: str | None) -> None:
        if value is None:
            return
        if isinstance(flag, Flag):
            self._values.setdefault(flag.name, []).append(value)
        elif flag.refused and value.lower() not in _FALSE:
            self.problems.append(f"--{flag.name}: not possible: {flag.notice}")
        elif not flag.refused:
            self.notices.append(f"--{flag.name} has no effect: {flag.notice}")

    def _lines(self, file: Path) -> list[str]:
        """Give the arguments in ``file``: one a line, without comments and empty lines."""
        if file in self._opened:
            self.problems.append(f"@{file}: this arguments file is used twice")
            return []
        self._opened.add(file)
        try:
            text = file.read_text("utf-8")
        except OSError as error:
            self.problems.append(f"@{file}: cannot read the arguments file: {error.strerror}")
            return []
        except ValueError:
            self.problems.append(f"@{file}: the arguments file is not UTF-8 text")
            return []
        lines = text.splitlines()
        return [line for line in lines if line.strip() and not line.startswith("#")]

    def _stray(self, argument: str) -> str:
        """Say what is wrong with an argument that is no flag.

        The argument itself is shown only where it cannot be part of a password with a blank.
        """
        name = argument.lstrip("-").partition("=")[0]
        if argument.startswith("-") and _is_known(name):
            return f"-{name}: a flag starts with two dashes: --{name}"
        if argument.lower() in {"true", "false"} and _is_switch(self._last):
            return f"--{self._last}: a switch takes its value after an equals sign, or --no- before"
        if not self._last:
            return (
                "the first argument is not a flag: name a Kafka server by --kafka.server=HOST:PORT"
            )
        last = BY_NAME.get(self._last)
        if last is not None and last.repeatable:
            return (
                f"the argument after --{last.name} and its value is not a flag:"
                f" give a further value by --{last.name} again"
            )
        return (
            f"the argument after --{self._last} is not a flag: every flag starts with --,"
            " and a value with blanks needs quotes"
        )


def _is_known(argument: str) -> bool:
    name = argument.removeprefix("--").partition("=")[0]
    return any(known in BY_NAME or known in RETIRED_BY_NAME for known in (name, name[3:]))


def _is_switch(name: str) -> bool:
    flag = BY_NAME.get(name) or RETIRED_BY_NAME.get(name)
    return flag is not None and flag.switch


def _nearest(name: str) -> str:
    names = [*BY_NAME, *RETIRED_BY_NAME, "help", "version"]
    nearest = get_close_matches(name.lower().replace("_", "-"), names, n=1)
    return f"; did you mean --{nearest[0]}?" if nearest else "; see --help"


def _print_and_exit(text: str) -> None:
    try:
        print(text, flush=True)  # noqa: T201 - what the user asked for
    except BrokenPipeError:
        # The reader (head, a pager) has seen enough; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)
