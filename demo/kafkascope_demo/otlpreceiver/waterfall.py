"""A trace as a waterfall: which span goes in which row, how deep, and where its bar is."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kafkascope_demo.otlpreceiver.reading import IncomingLink

MOST_ROWS: Final = 2_000
"""How many spans are drawn; the API gives all of them."""

_TICKS: Final = 4
_WHOLE: Final = 100.0
_LEAST_WIDTH: Final = 0.2

SpanJson = Mapping[str, Any]
"""A span as the API gives it."""


@dataclass(frozen=True, slots=True)
class Relation:
    """The other end of a link, as seen from a span of this trace.

    Args:
        trace_id: Its trace.
        span_id: It.
        label: What to call it: service and name, or the span id where it is not known.
        here: Whether it is a span of this trace.
    """

    trace_id: str
    span_id: str
    label: str
    here: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A span's row.

    Args:
        span: It, as the API gives it.
        depth: How many of its ancestors are known.
        orphan: Whether it names a parent that has not come.
        service: Number of its service in ``Waterfall.services``.
        left: Where its bar begins, in percent of the trace's duration.
        width: How wide its bar is, in percent.
        offset: Nanoseconds from the trace's start to its own.
        duration: Nanoseconds; 0 when it ended before it began.
        links: The spans it links to.
        linked_from: The spans that link to it.
        logs: Log records written in it, the oldest first.
    """

    span: SpanJson
    depth: int
    orphan: bool
    service: int
    left: float
    width: float
    offset: int
    duration: int
    links: tuple[Relation, ...]
    linked_from: tuple[Relation, ...]
    logs: tuple[SpanJson, ...]


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A drawn trace.

    Args:
        rows: Parents before children, siblings by start; ``MOST_ROWS`` at most.
        services: Names, in the order of first appearance.
        start: Nanoseconds since 1970.
        duration: Nanoseconds.
        spans: How many spans the trace has, drawn or not.
        errors: How many of them failed.
        ticks: Nanoseconds after the start at which the ruler has its marks, evenly spread.
    """

    rows: tuple[Row, ...]
    services: tuple[str, ...]
    start: int
    duration: int
    spans: int
    errors: int
    ticks: tuple[int, ...]


@dataclass(slots=True)
class _Drawing:
    by_id: Mapping[str, SpanJson]
    start: int
    duration: int
    services: Sequence[str]
    incoming: dict[str, list[Relation]] = field(default_factory=lambda: defaultdict(list))
    logs: dict[str, list[SpanJson]] = field(default_factory=lambda: defaultdict(list))

    def row(self, span: SpanJson, depth: int) -> Row:
        offset = span["startTimeUnixNano"] - self.start
        lasted = max(0, span["endTimeUnixNano"] - span["startTimeUnixNano"])
        width = max(_LEAST_WIDTH, _WHOLE * lasted / self.duration)
        return Row(
            span=span,
            depth=depth,
            orphan=span["parentSpanId"] is not None and span["parentSpanId"] not in self.by_id,
            service=self.services.index(span["service"]),
            left=min(_WHOLE * offset / self.duration, _WHOLE - _LEAST_WIDTH),
            width=min(width, _WHOLE),
            offset=offset,
            duration=lasted,
            links=tuple(self._outgoing(span)),
            linked_from=tuple(self.incoming.get(span["spanId"], ())),
            logs=tuple(self.logs.get(span["spanId"], ())),
        )

    def _outgoing(self, span: SpanJson) -> Iterable[Relation]:
        for link in span["links"]:
            here = link["traceId"] == span["traceId"]
            target = self.by_id.get(link["spanId"]) if here else None
            label = f"{target['service']}: {target['name']}" if target else link["spanId"]
            yield Relation(link["traceId"], link["spanId"], label, target is not None)


def waterfall(
    spans: Sequence[SpanJson],
    incoming: Iterable[IncomingLink] = (),
    logs: Iterable[SpanJson] = (),
) -> Waterfall:
    """Lay a trace out.

    Args:
        spans: Its spans as the API gives them, one at least, in any order.
        incoming: The spans that link to one of it.
        logs: Its log records as the API gives them, the newest first.
    """
    spans = sorted(spans, key=lambda span: (span["startTimeUnixNano"], span["spanId"]))
    start = spans[0]["startTimeUnixNano"]
    duration = max(1, max(span["endTimeUnixNano"] for span in spans) - start)
    services = tuple(dict.fromkeys(span["service"] for span in spans))
    drawing = _Drawing({span["spanId"]: span for span in spans}, start, duration, services)
    trace_id = spans[0]["traceId"]
    for link in incoming:
        label = f"{link.service}: {link.name}"
        relation = Relation(link.trace_id, link.span_id, label, link.trace_id == trace_id)
        drawing.incoming[link.target_span_id].append(relation)
    for record in sorted(logs, key=lambda record: int(record["timeUnixNano"])):
        drawing.logs[record["spanId"]].append(record)
    return Waterfall(
        rows=tuple(drawing.row(span, depth) for span, depth in _tree(spans)[:MOST_ROWS]),
        services=services,
        start=start,
        duration=duration,
        spans=len(spans),
        errors=sum(span["status"]["code"] == "ERROR" for span in spans),
        ticks=tuple(duration * tick // _TICKS for tick in range(_TICKS + 1)),
    )


def _tree(spans: Sequence[SpanJson]) -> list[tuple[SpanJson, int]]:
    """Put spans, given by start, in the order of a tree, each with its depth.

    Spans that are each other's parents would never be reached from a root: the earliest of such a
    ring is taken for one.
    """
    known = {span["spanId"] for span in spans}
    children: dict[str, list[SpanJson]] = defaultdict(list)
    roots: list[SpanJson] = []
    for span in spans:
        if span["parentSpanId"] in known:
            children[span["parentSpanId"]].append(span)
        else:
            roots.append(span)
    placed: list[tuple[SpanJson, int]] = []
    seen: set[str] = set()
    for root in (*roots, *spans):
        waiting = [(root, 0)]
        while waiting:
            span, depth = waiting.pop()
            if span["spanId"] in seen:
                continue
            seen.add(span["spanId"])
            placed.append((span, depth))
            waiting += [(child, depth + 1) for child in reversed(children[span["spanId"]])]
    return placed
