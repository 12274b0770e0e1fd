"""Times and values as the pages word them."""

import json
from datetime import UTC, datetime
from typing import Final

from kafkascope_demo.otlpreceiver.values import Json

_NS_PER_S: Final = 1_000_000_000
_UNITS: Final = ((_NS_PER_S, "s"), (1_000_000, "ms"), (1_000, "µs"))


def duration_text(nanoseconds: int) -> str:
    """Word a duration with three digits, as ``1.25 ms``."""
    for size, unit in _UNITS:
        if nanoseconds >= size:
            number = nanoseconds / size
            return f"{number:.0f} {unit}" if number >= 100 else f"{number:.3g} {unit}"  # noqa: PLR2004 - from 100 on, three digits are whole numbers
    return f"{nanoseconds} ns"


def time_text(nanoseconds: int) -> str:
    """Word a time in UTC to the millisecond, as ``2026-08-01 10:00:00.123``."""
    seconds, rest = divmod(nanoseconds, _NS_PER_S)
    try:
        day = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{nanoseconds} ns"
    return f"{day:%Y-%m-%d %H:%M:%S}.{rest // 1_000_000:03d}"


def value_text(value: Json) -> str:
    """Word an attribute's value: text as it is, all else in JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
