"""What the receiver's database is asked."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_NS_PER_MS: Final = 1_000_000

_TRACES: Final = """
SELECT trace_id, start_ns, end_ns, spans, errors, ifnull(root_name, (
    SELECT name FROM spans WHERE spans.trace_id = traces.trace_id ORDER BY start_ns LIMIT 1
  )) AS root
FROM traces
WHERE (:service = '' OR EXISTS (
    SELECT 1 FROM trace_services AS found
    WHERE found.service = :service AND found.trace_id = traces.trace_id))
  AND (:min_services < 2 OR :min_services <= (
    SELECT count(*) FROM trace_services AS found WHERE found.trace_id = traces.trace_id))
  AND (NOT :errors OR errors > 0)
  AND end_ns - start_ns >= :min_duration_ns
ORDER BY start_ns DESC, trace_id
LIMIT :limit
"""
_SERVICES_OF: Final = "SELECT service FROM trace_services WHERE trace_id = ? ORDER BY service"
_SPANS: Final = """
SELECT spans.body AS body, origins.body AS origin
FROM spans JOIN origins ON origins.key = spans.origin
WHERE trace_id = ? ORDER BY start_ns, span_id
"""
_LINKING: Final = """
SELECT links.linked_span_id, links.trace_id, links.span_id, spans.name, spans.service
FROM links JOIN spans ON spans.trace_id = links.trace_id AND spans.span_id = links.span_id
WHERE links.linked_trace_id = ? ORDER BY spans.start_ns, links.span_id
"""
_POINTS: Final = """
SELECT points.body AS body, origins.body AS origin
FROM points JOIN origins ON origins.key = points.origin
WHERE (:service = '' OR points.service = :service) AND (:name = '' OR points.name = :name)
ORDER BY points.name, points.service, points.series LIMIT :limit
"""
_LOGS: Final = """
SELECT logs.body AS body, origins.body AS origin
FROM logs JOIN origins ON origins.key = logs.origin
WHERE :trace_id = '' OR logs.trace_id = :trace_id
ORDER BY logs.received DESC, logs.rowid DESC LIMIT :limit
"""
_LOGS_OF_TRACE: Final = _LOGS.replace(":trace_id = '' OR ", "")


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """Which traces are wanted.

    Args:
        service: One that took part; empty for any.
        min_services: How many took part at least.
        errors: Whether only those with a failed span.
        min_duration_ms: Milliseconds they took at least.
        limit: How many, of the newest.
    """

    service: str = ""
    min_services: int = 1
    errors: bool = False
    min_duration_ms: float = 0.0
    limit: int = 20


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """A trace in a list.

    Args:
        trace_id: 32 hexadecimal digits.
        root: Name of the span that began it, as far as is known.
        services: Names of the services that took part, sorted.
        spans: How many it has by now.
        start: When it began, in nanoseconds since 1970.
        duration: Nanoseconds from the first start to the last end; 0 when clocks disagree.
        errors: How many of its spans failed.
    """

    trace_id: str
    root: str
    services: tuple[str, ...]
    spans: int
    start: int
    duration: int
    errors: int


@dataclass(frozen=True, slots=True)
class IncomingLink:
    """A span that links to one of a trace.

    Args:
        target_span_id: The one that is linked to.
        trace_id: Trace of the one that links.
        span_id: The one that links.
        name: Its name.
        service: Its service.
    """

    target_span_id: str
    trace_id: str
    span_id: str
    name: str
    service: str


def traces(database: sqlite3.Connection, wanted: TraceFilter) -> list[TraceSummary]:
    """List traces, the newest first."""
    found = database.execute(
        _TRACES,
        {
            "service": wanted.service,
            "min_services": wanted.min_services,
            "errors": wanted.errors,
            "min_duration_ns": int(wanted.min_duration_ms * _NS_PER_MS),
            "limit": wanted.limit,
        },
    )
    return [_summary(database, row) for row in found]


def _summary(database: sqlite3.Connection, row: sqlite3.Row) -> TraceSummary:
    services = database.execute(_SERVICES_OF, (row["trace_id"],))
    return TraceSummary(
        trace_id=row["trace_id"],
        root=row["root"],
        services=tuple(name for (name,) in services),
        spans=row["spans"],
        start=row["start_ns"],
        duration=max(0, row["end_ns"] - row["start_ns"]),
        errors=row["errors"],
    )


def spans(database: sqlite3.Connection, trace_id: str) -> list[dict[str, Any]]:
    """Give the spans of a trace as the API has them, by start; none when it is not known."""
    return [_joined(row) for row in database.execute(_SPANS, (trace_id,))]


def linking(database: sqlite3.Connection, trace_id: str) -> list[IncomingLink]:
    """Give the spans of any trace that link to one of this trace."""
    return [IncomingLink(*row) for row in database.execute(_LINKING, (trace_id,))]


def services(database: sqlite3.Connection) -> list[str]:
    """Name every service that a span is known of."""
    found = database.execute("SELECT DISTINCT service FROM trace_services ORDER BY service")
    return [name for (name,) in found]


def points(
    database: sqlite3.Connection, service: str, name: str, limit: int
) -> list[dict[str, Any]]:
    """Give the latest point of each series; an empty service or metric name is any."""
    asked = {"service": service, "name": name, "limit": limit}
    return [_joined(row) for row in database.execute(_POINTS, asked)]


def logs(database: sqlite3.Connection, trace_id: str, limit: int) -> list[dict[str, Any]]:
    """Give log records, the newest first; of any trace or none if the trace id is empty."""
    question = _LOGS_OF_TRACE if trace_id else _LOGS
    found = database.execute(question, {"trace_id": trace_id, "limit": limit})
    return [_joined(row) for row in found]


def sizes(database: sqlite3.Connection) -> Mapping[str, int]:
    """Count what is kept: traces, spans, points and logs."""
    return {
        table: int(database.execute(question).fetchone()[0]) for table, question in _COUNTS.items()
    }


_COUNTS: Final = {
    "traces": "SELECT count(*) FROM traces",
    "spans": "SELECT ifnull(sum(spans), 0) FROM traces",
    "points": "SELECT count(*) FROM points",
    "logs": "SELECT count(*) FROM logs",
}


def _joined(row: sqlite3.Row) -> dict[str, Any]:
    return {**json.loads(row["body"]), **json.loads(row["origin"])}
