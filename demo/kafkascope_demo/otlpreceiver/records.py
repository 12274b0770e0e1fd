"""What the receiver keeps: spans, latest points of metrics, and log records."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from kafkascope_demo.otlpreceiver.values import Json, attributes_of

LATEST_TIME: Final = 2**63 - 1
"""The latest time that can be kept, in nanoseconds since 1970 (in the year 2262)."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_TRACE_ID_BYTES: Final = 16
_SPAN_ID_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Origin:
    """Where telemetry comes from: a resource and an instrumentation scope.

    Args:
        key: Tells it from all others.
        service: The resource's ``service.name``; empty where it has none.
        body: JSON with ``service``, ``resource`` (its attributes) and ``scope``.
    """

    key: str
    service: str
    body: str

    @classmethod
    def of(cls, resource: Resource, scope: InstrumentationScope) -> Self:
        """Give the origin of all that one resource's one scope sent."""
        about = attributes_of(resource.attributes)
        service = str(about.get("service.name") or "")
        named: dict[str, Json] = {
            "name": scope.name,
            "version": scope.version,
            "attributes": attributes_of(scope.attributes),
        }
        body = to_json({"service": service, "resource": about, "scope": named})
        return cls(digest(body), service, body)


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """A span as it is kept; ids in lower-case hexadecimal, times in nanoseconds since 1970.

    Args:
        origin: What sent it.
        trace_id: 32 digits.
        span_id: 16 digits.
        parent_span_id: 16 digits; None for a root.
        name: Its name.
        start: When it began.
        end: When it ended.
        failed: Whether its status is an error.
        links: Trace id and span id of each span it links to.
        body: JSON of all the API gives of it, without its origin.
    """

    origin: Origin
    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    start: int
    end: int
    failed: bool
    links: tuple[tuple[str, str], ...]
    body: str


@dataclass(frozen=True, slots=True)
class PointRecord:
    """A point of a metric.

    Args:
        origin: What sent it.
        series: Tells the series it belongs to from all others.
        name: The metric's name.
        time: When it was measured, in nanoseconds since 1970.
        body: JSON of all the API gives of it, without its origin.
    """

    origin: Origin
    series: str
    name: str
    time: int
    body: str


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log record.

    Args:
        origin: What sent it.
        trace_id: The trace it belongs to, 32 digits; None for none.
        time: When it was written, or else observed, in nanoseconds since 1970.
        body: JSON of all the API gives of it, without its origin.
    """

    origin: Origin
    trace_id: str | None
    time: int
    body: str


@dataclass(slots=True)
class Batch:
    """What an export request brought.

    Args:
        spans: Its spans.
        points: Its points.
        logs: Its log records.
        rejected: How many more it had that cannot be kept.
        reason: Why the last of them cannot.
    """

    spans: list[SpanRecord] = field(default_factory=list)
    points: list[PointRecord] = field(default_factory=list)
    logs: list[LogRecord] = field(default_factory=list)
    rejected: int = 0
    reason: str = ""

    def reject(self, reason: object) -> None:
        """Count one that cannot be kept."""
        self.rejected += 1
        self.reason = str(reason)

    def __len__(self) -> int:
        return len(self.spans) + len(self.points) + len(self.logs)

    def size(self) -> int:
        """Give the bytes of text in it, about; each origin counts once."""
        bodies = [record.body for record in self.records()]
        bodies += [origin.body for origin in self.origins()]
        return sum(len(body.encode()) for body in bodies)

    def records(self) -> list[SpanRecord | PointRecord | LogRecord]:
        """Give all of it."""
        return [*self.spans, *self.points, *self.logs]

    def origins(self) -> Collection[Origin]:
        """Give what sent it, each once."""
        return {record.origin.key: record.origin for record in self.records()}.values()


def to_json(value: Mapping[str, Json] | list[Json]) -> str:
    """Render JSON without spaces; what is not ASCII stays as it is."""
    return _ENCODER.encode(value)


def digest(text: str) -> str:
    """Give 32 hexadecimal digits that stand for a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def trace_id_of(given: bytes) -> str:
    """Give a trace id in hexadecimal.

    Raises:
        ValueError: It is not one.
    """
    return _id_of(given, _TRACE_ID_BYTES, "trace id")


def span_id_of(given: bytes) -> str:
    """Give a span id in hexadecimal.

    Raises:
        ValueError: It is not one.
    """
    return _id_of(given, _SPAN_ID_BYTES, "span id")


def time_of(given: int) -> int:
    """Give a time.

    Raises:
        ValueError: It is later than can be kept.
    """
    if given > LATEST_TIME:
        raise ValueError(f"a time is later than can be kept: {given} ns")
    return given


def _id_of(given: bytes, length: int, what: str) -> str:
    if len(given) != length:
        raise ValueError(f"a {what} has {len(given)} bytes, not {length}")
    if not any(given):
        raise ValueError(f"a {what} is all zeros")
    return given.hex()
