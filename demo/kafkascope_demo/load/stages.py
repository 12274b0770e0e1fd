"""Stages of a load test: `3m:10,10m:20,1m:0`, linear ramps from one number of users to the next."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

TALK: Final = "3m:10,10m:20,1m:0"
"""The stages of the talk's load generator."""

_STAGE: Final = re.compile(r"(?P<duration>(?:\d+(?:\.\d+)?[hms])+|\d+(?:\.\d+)?):(?P<users>\d+)")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([hms])")
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0}
_FIRST_USERS: Final = 1  # as k6 begins
_EXPECTED: Final = "expected DURATION:USERS, comma-separated, such as 3m:10,10m:20,1m:0"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage.

    Args:
        seconds: How long it takes.
        users: How many there are at its end.
    """

    seconds: float
    users: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What is to be at a moment of a test.

    Args:
        stage: Number of the stage, from 1.
        users: How many.
    """

    stage: int
    users: int


def parse_stages(text: str) -> tuple[Stage, ...]:
    """Parse stages.

    Args:
        text: As ``3m:10,90s:20,1h30m:0``; seconds where a duration has no unit. ``0`` and the empty
            text are no stages.

    Raises:
        ValueError: It is something else, or a stage takes no time.
    """
    if text.strip() in {"", "0"}:
        return ()
    return tuple(_parse_stage(part.strip()) for part in text.split(","))


def _parse_stage(text: str) -> Stage:
    match = _STAGE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no stage: {_EXPECTED}")
    duration = match["duration"]
    parts = _PART.findall(duration)
    seconds = sum(float(n) * _SECONDS[unit] for n, unit in parts) if parts else float(duration)
    if seconds <= 0:
        raise ValueError(f"{text!r} takes no time: {_EXPECTED}")
    return Stage(seconds, int(match["users"]))


def at(stages: Sequence[Stage], seconds: float, *, loop: bool = False) -> Moment | None:
    """Give what is to be at a moment.

    Within a stage the users change in a straight line, from those at the end of the stage before
    (at first: one, as in k6) to its own.

    Args:
        stages: All of them.
        seconds: Since the beginning.
        loop: Begin again after the last stage.

    Returns:
        None when all stages are over.
    """
    whole = sum(stage.seconds for stage in stages)
    if loop and whole:
        seconds %= whole
    before = _FIRST_USERS
    for number, stage in enumerate(stages, 1):
        if seconds < stage.seconds:
            share = seconds / stage.seconds
            return Moment(number, round(before + (stage.users - before) * share))
        seconds -= stage.seconds
        before = stage.users
    return None
