"""The JSON API that the verifier and scripts read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from flask import Blueprint, Response, request

from kafkascope_demo.otlpreceiver import reading
from kafkascope_demo.otlpreceiver.reading import TraceFilter, TraceSummary
from kafkascope_demo.otlpreceiver.records import to_json
from kafkascope_demo.otlpreceiver.storage import Storage

MOST: Final = 1_000
"""How many traces, points or log records a request gets at most."""

_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_TRUE: Final = frozenset({"1", "true", "on"})
_FALSE: Final = frozenset({"", "0", "false", "off"})

N = TypeVar("N", int, float)


class BadQueryError(ValueError):
    """A parameter of an address has no meaning; says which and what it may be."""


def api(storage: Storage) -> Blueprint:
    """Give `/api/traces`, `/api/traces/ID`, `/api/services`, `/api/metrics` and `/api/logs`."""
    pages = Blueprint("api", __name__, url_prefix="/api")
    answers = _Answers(storage)
    pages.add_url_rule("/traces", "traces", answers.traces)
    pages.add_url_rule("/traces/<trace_id>", "trace", answers.trace)
    pages.add_url_rule("/services", "services", answers.services)
    pages.add_url_rule("/metrics", "metrics", answers.metrics)
    pages.add_url_rule("/logs", "logs", answers.logs)

    @pages.errorhandler(BadQueryError)
    def refuse(error: BadQueryError) -> Response:
        return _json({"error": str(error)}, 400)

    return pages


@dataclass(frozen=True, slots=True)
class _Answers:
    storage: Storage

    def traces(self) -> Response:
        with self.storage.reading() as database:
            found = reading.traces(database, trace_filter())
        return _json({"traces": [_listed(trace) for trace in found]})

    def trace(self, trace_id: str) -> Response:
        known = trace_id.lower()
        with self.storage.reading() as database:
            spans = reading.spans(database, known)
        if not spans:
            return _json({"error": f"trace {trace_id} is not known"}, 404)
        return _json({"traceId": known, "spans": spans})

    def services(self) -> Response:
        with self.storage.reading() as database:
            return _json({"services": reading.services(database)})

    def metrics(self) -> Response:
        service, name = request.args.get("service", ""), request.args.get("name", "")
        limit = _limit(MOST)
        with self.storage.reading() as database:
            return _json({"metrics": reading.points(database, service, name, limit)})

    def logs(self) -> Response:
        trace_id = request.args.get("traceId", "").lower()
        if trace_id and not _TRACE_ID.fullmatch(trace_id):
            raise BadQueryError("traceId must have 32 hexadecimal digits")
        limit = _limit(100)
        with self.storage.reading() as database:
            return _json({"logs": reading.logs(database, trace_id, limit)})


def trace_filter() -> TraceFilter:
    """Give the filter that the current request's parameters say.

    Raises:
        BadQueryError: One of them has no meaning.
    """
    errors = request.args.get("errors", "").lower()
    if errors not in _TRUE | _FALSE:
        raise BadQueryError(f"errors must be true or false, not {errors!r}")
    return TraceFilter(
        service=request.args.get("service", ""),
        min_services=_number("minServices", 1, int, 1, MOST),
        errors=errors in _TRUE,
        min_duration_ms=_number("minDurationMs", 0.0, float, 0, 1e9),
        limit=_limit(20),
    )


def _limit(default: int) -> int:
    return _number("limit", default, int, 1, MOST)


def _number(name: str, default: N, kind: Callable[[str], N], least: float, most: float) -> N:
    text = request.args.get(name, "").strip()
    if not text:
        return default
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        raise BadQueryError(f"{name} must be a number from {least:g} to {most:g}, not {text!r}")
    return number


def _listed(trace: TraceSummary) -> dict[str, Any]:
    return {
        "traceId": trace.trace_id,
        "root": trace.root,
        "services": list(trace.services),
        "spans": trace.spans,
        "startTimeUnixNano": trace.start,
        "durationNano": trace.duration,
        "errors": trace.errors,
    }


def _json(value: dict[str, Any], status: int = 200) -> Response:
    return Response(to_json(value), status=status, content_type="application/json")
