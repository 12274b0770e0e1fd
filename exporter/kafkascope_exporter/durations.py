"""Go duration strings, the way every duration is written in flags and files: ``1h2m3.5s``."""

import re
from decimal import Decimal
from fractions import Fraction

_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "\N{MICRO SIGN}s": 1_000,
    "\N{GREEK SMALL LETTER MU}s": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_SECOND = _NANOSECONDS["s"]
_LONGEST = 2**63 - 1
_TERM = re.compile(rf"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)({'|'.join(_NANOSECONDS)})", re.ASCII)
_DURATION = re.compile(rf"([+-]?)((?:{_TERM.pattern})+)", re.ASCII)


def parse_duration(text: str) -> float:
    """Read a duration as Go's ``time.ParseDuration`` does.

    Args:
        text: numbers with a unit each (ns, us, ms, s, m, h): ``15s`` or ``1m30s``; or ``0``.

    Returns:
        Seconds, exact to the nanosecond (parts of a nanosecond are dropped).

    Raises:
        ValueError: ``text`` is no duration, or is longer than Go can hold (about 292 years).
    """
    if text in {"0", "+0", "-0"}:
        return 0.0
    whole = _DURATION.fullmatch(text)
    if whole is None:
        raise ValueError(f"{text!r} is not a duration: write it with its unit, as in 15s or 1m30s")
    terms = _TERM.findall(whole[2])
    exact = sum(Fraction(number.rstrip(".")) * _NANOSECONDS[unit] for number, unit in terms)
    nanoseconds = int(exact)
    if nanoseconds > _LONGEST:
        raise ValueError(f"{text!r} is longer than a duration can be (about 292 years)")
    return (-nanoseconds if whole[1] == "-" else nanoseconds) / _SECOND


def format_duration(seconds: float) -> str:
    """Write ``seconds``, to the nanosecond, as such a string: ``90`` gives ``1m30s``."""
    left = round(Decimal(abs(seconds)) * _SECOND)  # floats would round twice
    text = "-" if seconds < 0 and left else ""
    for unit in ("h", "m"):
        count, left = divmod(left, _NANOSECONDS[unit])
        text += f"{count}{unit}" if count else ""
    for unit in ("s", "ms", "us", "ns"):
        if left >= _NANOSECONDS[unit]:
            number = Decimal(left) / _NANOSECONDS[unit]
            return f"{text}{number.normalize():f}{unit}"
    return text or "0s"
