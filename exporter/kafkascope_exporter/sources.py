"""What the flags, the environment and the YAML file gave, before it is understood."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from kafkascope_exporter.flags import BY_NAME

Raw = str | list[str] | dict[str, str]


class Source(IntEnum):
    """Where a setting was given; a higher one wins."""

    FALLBACK = 0
    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


@dataclass(frozen=True, slots=True)
class Given:
    """A setting as somebody gave it.

    Attributes:
        value: the text, or a list or mapping of texts; not in the repr, for it may be a secret.
        origin: names the flag, the environment variable, or the file, line and path.
        source: where it was given.
    """

    value: Raw = field(repr=False)
    origin: str
    source: Source


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source gave, by the name of the flag.

    Attributes:
        given: by the name of the flag, such as ``kafka.server``.
        problems: what could not be understood, each naming its origin.
        notices: what the user should know although it is no problem.
    """

    given: Mapping[str, Given] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def overlay(readings: tuple[Reading, ...]) -> Reading:
    """Put all that was given together; where a setting was given twice, the higher source wins.

    As in danielqsj/kafka_exporter, an empty value does not hide the variable to fall back to.
    """
    given: dict[str, Given] = {}
    for reading in readings:
        for name, item in reading.given.items():
            empty = item.value == "" and BY_NAME[name].fallback
            if not empty and (name not in given or item.source > given[name].source):
                given[name] = item
    return Reading(
        given,
        tuple(problem for reading in readings for problem in reading.problems),
        tuple(notice for reading in readings for notice in reading.notices),
    )
