"""From the command line and the environment to `Settings`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kafkascope_exporter.arguments import read_arguments
from kafkascope_exporter.assembly import assemble, switched_on
from kafkascope_exporter.config import Settings
from kafkascope_exporter.configfile import read_file
from kafkascope_exporter.environment import read_environment
from kafkascope_exporter.sources import Reading, overlay


class ConfigError(Exception):
    """Settings that cannot be used.

    Attributes:
        problems: every problem found, a line each, naming the flag, the environment variable, or
            the file, line and path; none shows a secret.
        notices: what else the user should know, a line each.
    """

    def __init__(self, problems: tuple[str, ...], notices: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.notices = notices


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the user asked for.

    Attributes:
        settings: validated.
        notices: what to log once at the start, a line each: flags without effect and the like.
        check_only: whether the settings were only to be checked (``--check-config``).
    """

    settings: Settings
    notices: tuple[str, ...]
    check_only: bool


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Invocation:
    """Read all settings: flags win over the environment, that over the file of ``--config.file``.

    Args:
        argv: the command line, without the name of the program.
        environ: the environment variables.

    Raises:
        ConfigError: with every problem of every source.
        SystemExit: with 0, after printing, for ``--help``, ``-h`` and ``--version``.
    """
    above = overlay((read_arguments(argv), read_environment(environ)))
    reading = overlay((above, _config_file(above)))
    assembly = assemble(reading.given)
    check_only = switched_on(assembly, "check-config")
    problems = (*reading.problems, *assembly.problems)
    notices = (*reading.notices, *assembly.notices)
    if problems:
        raise ConfigError(_by_line(problems, above), notices)
    return Invocation(assembly.settings, notices, check_only)


def _config_file(above: Reading) -> Reading:
    named = above.given.get("config.file")
    if named is None:
        return Reading()
    if not named.value:
        return Reading(problems=(f"{named.origin}: names no file",))
    return read_file(Path(str(named.value)), named.origin)


def _by_line(problems: tuple[str, ...], above: Reading) -> tuple[str, ...]:
    """Put the problems of the file last, in the order of its lines."""
    named = above.given.get("config.file")
    if named is None:
        return problems
    in_file = re.compile(re.escape(str(Path(str(named.value)))) + r":(\d+): ")

    def line(problem: str) -> int:
        found = in_file.match(problem)
        return int(found[1]) if found else 0

    return tuple(sorted(problems, key=line))
