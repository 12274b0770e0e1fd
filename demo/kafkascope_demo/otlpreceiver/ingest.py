"""The addresses that OpenTelemetry exporters send to."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response, request
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from kafkascope_demo.otlpreceiver import decoding
from kafkascope_demo.otlpreceiver.counters import Counters
from kafkascope_demo.otlpreceiver.decoding import JSON, BadRequestError
from kafkascope_demo.otlpreceiver.logs import read_logs
from kafkascope_demo.otlpreceiver.metrics import read_points
from kafkascope_demo.otlpreceiver.records import Batch
from kafkascope_demo.otlpreceiver.storage import BatchTooLargeError, OverloadedError, Storage
from kafkascope_demo.otlpreceiver.traces import read_spans

LARGEST_BODY: Final = 16 * 2**20
"""Bytes of an unpacked request that are read at most, whatever the database's size."""

_SHARE_OF_DATABASE: Final = 8
_RETRY_AFTER_S: Final = "1"
_CODES: Final = {  # google.rpc.Code, by HTTP status
    HTTPStatus.BAD_REQUEST: 3,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: 3,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: 3,
    HTTPStatus.SERVICE_UNAVAILABLE: 14,
}


@dataclass(frozen=True, slots=True)
class _Signal:
    """One of OpenTelemetry's signals: its messages, and how its requests are read."""

    name: str
    request: type[Message]
    response: type[Message]
    rejected: str
    read: Callable[[Any], Batch]


_SIGNALS: Final = (
    _Signal(
        "traces",
        ExportTraceServiceRequest,
        ExportTraceServiceResponse,
        "rejected_spans",
        read_spans,
    ),
    _Signal(
        "metrics",
        ExportMetricsServiceRequest,
        ExportMetricsServiceResponse,
        "rejected_data_points",
        read_points,
    ),
    _Signal(
        "logs",
        ExportLogsServiceRequest,
        ExportLogsServiceResponse,
        "rejected_log_records",
        read_logs,
    ),
)


def ingest(storage: Storage, counters: Counters) -> Blueprint:
    """Give `/v1/traces`, `/v1/metrics` and `/v1/logs`.

    Args:
        storage: Where what comes is kept.
        counters: Where it is counted.
    """
    pages = Blueprint("ingest", __name__, url_prefix="/v1")
    for signal in _SIGNALS:
        taking = _Taking(signal, storage, counters)
        pages.add_url_rule(f"/{signal.name}", signal.name, taking.take, methods=["POST"])
    return pages


@dataclass(frozen=True, slots=True)
class _Taking:
    signal: _Signal
    storage: Storage
    counters: Counters

    def take(self) -> Response:
        """Answer an export request."""
        answer = self._answer()
        self.counters.requests.labels(self.signal.name, str(answer.status_code)).inc()
        return answer

    def _answer(self) -> Response:
        try:
            content_format = decoding.format_of(request.content_type)
        except BadRequestError as error:
            return _refuse(error.status, str(error), JSON)
        try:
            batch = self.signal.read(self._message(content_format))
            dropped = self.storage.write(batch)
        except BadRequestError as error:
            return _refuse(error.status, str(error), content_format)
        except BatchTooLargeError as error:
            return _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(error), content_format)
        except OverloadedError as error:
            return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(error), content_format)
        self._count(batch, dropped)
        return _respond(HTTPStatus.OK, self._response(batch), content_format)

    def _message(self, content_format: str) -> Message:
        limit = min(LARGEST_BODY, self.storage.max_bytes // _SHARE_OF_DATABASE)
        body = decoding.decompress(
            request.get_data(), request.headers.get("Content-Encoding"), limit
        )
        return decoding.decode(self.signal.request, body, content_format)

    def _response(self, batch: Batch) -> Message:
        message = self.signal.response()
        if batch.rejected:
            partial = getattr(message, "partial_success")  # noqa: B009 - each of the three has it
            setattr(partial, self.signal.rejected, batch.rejected)
            partial.error_message = batch.reason
        return message

    def _count(self, batch: Batch, dropped: dict[str, int]) -> None:
        self.counters.received.labels(self.signal.name).inc(len(batch))
        self.counters.rejected.labels(self.signal.name).inc(batch.rejected)
        for what, number in dropped.items():
            self.counters.dropped.labels(what).inc(number)


def _refuse(status: HTTPStatus, reason: str, content_format: str) -> Response:
    answer = _respond(status, Status(code=_CODES[status], message=reason), content_format)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = _RETRY_AFTER_S
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        answer.headers["Accept-Encoding"] = "gzip, deflate"
    return answer


def _respond(status: HTTPStatus, message: Message, content_format: str) -> Response:
    return Response(
        decoding.encode(message, content_format), status=status, content_type=content_format
    )
