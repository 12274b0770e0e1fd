"""Message headers as a carrier of the context: read tolerantly, written without mutation.

A client takes headers as a dict or a list of pairs and gives them back as a list of pairs or
None. Nothing here changes what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final, TypeAlias, TypeGuard

from opentelemetry.propagators.textmap import Getter, Setter

HeaderValue: TypeAlias = bytes | str | None
Header: TypeAlias = tuple[str, HeaderValue]
Headers: TypeAlias = dict[str, HeaderValue] | list[Header] | None
"""What ``produce`` takes."""

_JOINED: Final = frozenset({"baggage", "tracestate"})
"""Headers whose repetitions are one list (W3C Baggage §3.3.1, Trace Context §3.3.1)."""


def are_sendable(headers: object) -> TypeGuard[Headers]:
    """Whether a client takes these headers."""
    if headers is None:
        return True
    if not isinstance(headers, dict | list):
        return False
    pairs = headers.items() if isinstance(headers, dict) else headers
    return all(
        isinstance(pair, tuple)
        and len(pair) == 2  # noqa: PLR2004 - a pair
        and isinstance(pair[0], bytes | str)
        and isinstance(pair[1], bytes | str | None)
        for pair in pairs
    )


def pairs_of(headers: object) -> list[Header]:
    """Return the headers as a new list of pairs.

    Args:
        headers: A dict, a list or tuple of pairs, or None.

    Raises:
        TypeError: They are something else.
    """
    if headers is None:
        return []
    if isinstance(headers, dict):
        return list(headers.items())
    if isinstance(headers, list | tuple):
        return list(headers)
    raise TypeError(f"headers must be a dict or a list, not {type(headers).__name__}")


def text_of(value: object) -> str | None:
    """Return a header's value as text, None when it is none."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return value if isinstance(value, str) else None


def texts_of(headers: Iterable[Header], name: str) -> list[str]:
    """Return the readable values of the headers of one name, in order."""
    found = (text_of(value) for key, value in headers if key == name)
    return [text for text in found if text is not None]


class HeaderGetter(Getter[list[Header]]):
    """Gives propagators the last value of a name, or the joined ones of baggage and tracestate.

    The last value is the newest: clients that append leave stale ones in front.
    """

    def get(self, carrier: list[Header], key: str) -> list[str] | None:
        """Return the one value that counts, None when there is none that is text."""
        found = texts_of(carrier, key)
        if not found:
            return None
        return [",".join(found)] if key in _JOINED else found[-1:]

    def keys(self, carrier: list[Header]) -> list[str]:
        """Return the names of all headers."""
        return [key for key, _ in carrier]


class HeaderSetter(Setter[list[Header]]):
    """Appends what propagators write to a list that is merged into the headers afterwards."""

    def set(self, carrier: list[Header], key: str, value: str) -> None:
        """Append one header."""
        carrier.append((key, value.encode()))


GETTER: Final = HeaderGetter()
SETTER: Final = HeaderSetter()


def merged(headers: object, added: list[Header], fields: Collection[str]) -> list[Header]:
    """Return the headers with the added ones in the place of what they had of the same context.

    Args:
        headers: What the caller gave; stays as it is.
        added: What the propagator wrote.
        fields: The names of all that this propagator may write. A stale one goes even when
            nothing takes its place, but for baggage, which is the caller's own.

    Raises:
        TypeError: The headers are not what a client takes.
    """
    if not headers:
        return added
    written = {name for name, _ in added}
    replaced = written | (set(fields) - {"baggage"} if written - {"baggage"} else set())
    return [header for header in pairs_of(headers) if header[0] not in replaced] + added


def captured(headers: object, matches: Callable[[str], bool]) -> dict[str, list[str]]:
    """Return span attributes of the headers that ``matches`` chooses, all values of each name."""
    found: dict[str, list[str]] = {}
    for name, value in pairs_of(headers):
        text = text_of(value) if matches(name) else None
        if text is not None:
            found.setdefault(f"messaging.header.{name}", []).append(text)
    return found
