"""Log records out of an export request."""

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1 import logs_pb2

from kafkascope_demo.otlpreceiver.records import (
    Batch,
    LogRecord,
    Origin,
    span_id_of,
    time_of,
    to_json,
    trace_id_of,
)
from kafkascope_demo.otlpreceiver.values import Json, attributes_of, value_of


def read_logs(request: ExportLogsServiceRequest) -> Batch:
    """Give the log records of a request; those whose ids or times are invalid are rejected."""
    batch = Batch()
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            origin = Origin.of(resource.resource, scope.scope)
            for log in scope.log_records:
                try:
                    batch.logs.append(_record(origin, log))
                except ValueError as error:
                    batch.reject(f"log record: {error}")
    return batch


def _record(origin: Origin, log: logs_pb2.LogRecord) -> LogRecord:
    trace_id = trace_id_of(log.trace_id) if any(log.trace_id) else None
    time = time_of(log.time_unix_nano or log.observed_time_unix_nano)
    body: dict[str, Json] = {
        "timeUnixNano": time,
        "observedTimeUnixNano": time_of(log.observed_time_unix_nano),
        "severityNumber": log.severity_number,
        "severityText": log.severity_text,
        "body": value_of(log.body),
        "attributes": attributes_of(log.attributes),
        "eventName": getattr(log, "event_name", ""),  # since opentelemetry-proto 1.5
        "traceId": trace_id,
        "spanId": span_id_of(log.span_id) if any(log.span_id) else None,
        "flags": log.flags,
    }
    return LogRecord(origin, trace_id, time, to_json(body))
