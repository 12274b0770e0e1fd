"""A span as it is read back from any backend."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Link:
    """A span that another one names as related; ids in lower-case hexadecimal."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Span:
    """A span, reduced to what tells whether a trace is connected.

    Args:
        trace_id: 32 hexadecimal digits.
        span_id: 16 hexadecimal digits.
        parent_span_id: Span id of the parent; None for a root.
        name: Its name.
        kind: ``internal``, ``server``, ``client``, ``producer``, ``consumer`` or ``unspecified``.
        service: ``service.name`` of the process that made it.
        attributes: By name; in OpenObserve names have ``_`` in place of each ``.``.
        links: The spans it links to.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    service: str
    attributes: Mapping[str, object] = field(default_factory=dict)
    links: tuple[Link, ...] = ()


class TraceStore(Protocol):
    """A backend that traces can be read from."""

    def trace(self, trace_id: str) -> tuple[Span, ...]:
        """Give the spans that the backend has of a trace by now; none when it does not know it.

        Raises:
            WebError: The backend does not answer, or refuses.
        """

    def page(self, trace_id: str) -> str:
        """Give the address at which a person sees the trace."""
