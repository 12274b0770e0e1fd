"""Numbers with Grafana's units, and Grafana's colours, for the pictures."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

_SUFFIXES: Final = {"mps": "/s", "reqps": "/s", "cps": "/s", "ops": "/s", "short": "", "none": ""}
_THOUSANDS: Final = ((1e9, "G"), (1e6, "M"), (1e3, "K"))
_TIMES: Final = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
_BYTES: Final = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"))
_COLOURS: Final = {
    "green": "#56a64b",
    "yellow": "#e0b400",
    "orange": "#ff780a",
    "red": "#e02f44",
    "blue": "#3274d9",
    "purple": "#a352cc",
    "text": "#8e8e8e",
    "transparent": "#8e8e8e",
}


def with_unit(value: float, unit: str) -> str:
    """Write a value as short as a panel does.

    Args:
        value: The value.
        unit: Grafana's id of its unit.
    """
    if math.isinf(value):
        return "∞"
    if unit == "percentunit":
        return f"{value * 100:.3g}%"
    if unit == "s":
        return _time(value)
    if unit == "bytes":
        return _scaled(value, _BYTES, " ", "B")
    if unit == "none":
        return f"{value:g}"
    return _scaled(value, _THOUSANDS, "", "") + _SUFFIXES[unit]


def colour(steps: Sequence[Mapping[str, Any]], value: float) -> str:
    """Give the colour of a value by the thresholds of a panel."""
    name = "green"
    for step in steps:
        if step["value"] is None or value >= step["value"]:
            name = step["color"]
    return _COLOURS[name]


def _time(seconds: float) -> str:
    if abs(seconds) < 1:
        return f"{seconds * 1000:.3g} ms" if seconds else "0 s"
    return _scaled(seconds, _TIMES, " ", "s")


def _scaled(value: float, scales: Sequence[tuple[float, str]], gap: str, rest: str) -> str:
    for size, name in scales:
        if abs(value) >= size:
            return f"{value / size:.3g}{gap}{name}"
    return f"{value:.3g}{gap}{rest}".rstrip()
