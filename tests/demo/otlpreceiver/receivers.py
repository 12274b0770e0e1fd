"""A receiver that serves on loopback, and requests of spans to send it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from kafkascope_demo.httpserver import HttpServer
from kafkascope_demo.otlpreceiver.application import application
from kafkascope_demo.otlpreceiver.storage import Storage

START: Final = 1_780_000_000_000_000_000
"""When spans of ``add_span`` begin, in nanoseconds since 1970, if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver that serves, and where what it keeps is."""

    url: str
    storage: Storage


@contextmanager
def serving(database: Path, max_bytes: int = 2**26) -> Iterator[Receiver]:
    """Serve on a free port of loopback, as the command does."""
    with closing(Storage(database, max_bytes)) as storage:
        server = HttpServer(application(storage), "127.0.0.1", 0, threads=4)
        server.start()
        try:
            yield Receiver(f"http://127.0.0.1:{server.port}", storage)
        finally:
            server.close(5)


def request_of(service: str = "shop") -> ExportTraceServiceRequest:
    """Give a request with one resource and one scope, without spans."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    attribute = resource.resource.attributes.add()
    attribute.key = "service.name"
    attribute.value.string_value = service
    resource.scope_spans.add().scope.name = "tests"
    return request


def add_span(
    request: ExportTraceServiceRequest,
    trace: int,
    span: int,
    *,
    parent: int = 0,
    name: str = "work",
    start: int = START,
    lasts: int = 1_000_000,
) -> Span:
    """Add a span to a request and return it, for its other fields; ids are given as numbers."""
    added: Span = request.resource_spans[0].scope_spans[0].spans.add()
    added.trace_id = trace.to_bytes(16, "big")
    added.span_id = span.to_bytes(8, "big")
    if parent:
        added.parent_span_id = parent.to_bytes(8, "big")
    added.name = name
    added.start_time_unix_nano = start
    added.end_time_unix_nano = start + lasts
    return added


def trace_id(number: int) -> str:
    """Give the id that ``add_span`` makes of a number."""
    return f"{number:032x}"


def span_id(number: int) -> str:
    """Give the id that ``add_span`` makes of a number."""
    return f"{number:016x}"
