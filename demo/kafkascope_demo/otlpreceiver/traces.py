"""Spans out of an export request."""

from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from kafkascope_demo.otlpreceiver.records import (
    Batch,
    Origin,
    SpanRecord,
    span_id_of,
    time_of,
    to_json,
    trace_id_of,
)
from kafkascope_demo.otlpreceiver.values import Json, attributes_of

_KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_CODES: Final = ("UNSET", "OK", "ERROR")


def read_spans(request: ExportTraceServiceRequest) -> Batch:
    """Give the spans of a request; those whose ids or times are invalid are rejected."""
    batch = Batch()
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            origin = Origin.of(resource.resource, scope.scope)
            for span in scope.spans:
                try:
                    batch.spans.append(_record(origin, span))
                except ValueError as error:
                    batch.reject(f"span {span.name!r}: {error}")
    return batch


def _record(origin: Origin, span: Span) -> SpanRecord:
    links = list(filter(None, map(_link, span.links)))
    trace_id, span_id = trace_id_of(span.trace_id), span_id_of(span.span_id)
    parent = span_id_of(span.parent_span_id) if any(span.parent_span_id) else None
    start, end = time_of(span.start_time_unix_nano), time_of(span.end_time_unix_nano)
    body: dict[str, Json] = {
        "traceId": trace_id,
        "spanId": span_id,
        "parentSpanId": parent,
        "name": span.name,
        "kind": _named(_KINDS, span.kind),
        "startTimeUnixNano": start,
        "endTimeUnixNano": end,
        "attributes": attributes_of(span.attributes),
        "events": [_event(event) for event in span.events],
        "links": [link[2] for link in links],
        "status": {"code": _named(_CODES, span.status.code), "message": span.status.message},
        "traceState": span.trace_state,
        "flags": span.flags,
        "droppedAttributesCount": span.dropped_attributes_count,
        "droppedEventsCount": span.dropped_events_count,
        "droppedLinksCount": span.dropped_links_count,
    }
    return SpanRecord(
        origin=origin,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=parent,
        name=span.name,
        start=start,
        end=end,
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        links=tuple((link[0], link[1]) for link in links),
        body=to_json(body),
    )


def _event(event: Span.Event) -> Json:
    return {
        "name": event.name,
        "timeUnixNano": event.time_unix_nano,
        "attributes": attributes_of(event.attributes),
    }


def _link(link: Span.Link) -> tuple[str, str, Json] | None:
    """Give ids and body of a link; None when it points nowhere, which the span need not pay for."""
    try:
        trace_id, span_id = trace_id_of(link.trace_id), span_id_of(link.span_id)
    except ValueError:
        return None
    body: dict[str, Json] = {
        "traceId": trace_id,
        "spanId": span_id,
        "attributes": attributes_of(link.attributes),
        "traceState": link.trace_state,
        "flags": link.flags,
    }
    return trace_id, span_id, body


def _named(names: tuple[str, ...], number: int) -> str:
    """Name a member of an enumeration; what a newer OTLP may add is as if it was not set."""
    return names[number] if 0 <= number < len(names) else names[0]
