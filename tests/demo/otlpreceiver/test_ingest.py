"""Export requests are answered as the OTLP/HTTP specification says."""

import gzip
import json
import zlib
from typing import Any

import pytest
from flask.testing import FlaskClient
from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from werkzeug.test import TestResponse

from kafkascope_demo.otlpreceiver.ingest import LARGEST_BODY
from kafkascope_demo.otlpreceiver.storage import Storage
from tests.demo.otlpreceiver.receivers import START, add_span, request_of, span_id, trace_id

PROTOBUF = "application/x-protobuf"
JSON = "application/json"


def rich_request() -> ExportTraceServiceRequest:
    """Give a request with all that a span can have."""
    request = request_of("shop")
    add_span(request, 7, 1, name="parent", lasts=5_000_000)
    span = add_span(request, 7, 2, parent=1, name="child")
    span.kind = span.SPAN_KIND_CONSUMER
    span.flags = 0x301
    span.trace_state = "vendor=1"
    span.status.code = span.status.STATUS_CODE_ERROR
    span.status.message = "broken"
    link = span.links.add(trace_id=(9).to_bytes(16, "big"), span_id=(3).to_bytes(8, "big"))
    link.attributes.add(key="why").value.string_value = "batch"
    event = span.events.add(name="exception", time_unix_nano=START + 5)
    event.attributes.add(key="line").value.int_value = 2**62
    span.attributes.add(key="tags").value.array_value.values.add().string_value = "a"
    span.attributes.add(key="raw").value.bytes_value = b"\0\xff"
    request.resource_spans[0].scope_spans[0].scope.version = "2"
    return request


def otlp_json(request: ExportTraceServiceRequest) -> Any:  # noqa: ANN401 - JSON is anything
    """Write a request as OTLP's JSON, with ids in hexadecimal, as SDKs of other languages do."""
    written = MessageToDict(request, use_integers_for_enums=True)
    resources = zip(written["resourceSpans"], request.resource_spans, strict=True)
    for resource_json, resource in resources:
        scopes = zip(resource_json["scopeSpans"], resource.scope_spans, strict=True)
        for scope_json, scope in scopes:
            for span_json, span in zip(scope_json["spans"], scope.spans, strict=True):
                span_json["traceId"] = span.trace_id.hex().upper()
                span_json["spanId"] = span.span_id.hex()
                if span.parent_span_id:
                    span_json["parentSpanId"] = span.parent_span_id.hex()
                for link_json, link in zip(span_json.get("links", []), span.links, strict=True):
                    link_json["traceId"] = link.trace_id.hex()
                    link_json["spanId"] = link.span_id.hex()
    return written


def send(
    client: FlaskClient, body: bytes, content_type: str = PROTOBUF, encoding: str = ""
) -> TestResponse:
    """Send spans."""
    headers = {"Content-Encoding": encoding} if encoding else {}
    return client.post("/v1/traces", data=body, content_type=content_type, headers=headers)


def read(answer: TestResponse) -> Any:  # noqa: ANN401 - JSON is anything
    """Give the JSON of an answer."""
    return answer.json


def spans_of(client: FlaskClient, number: int) -> list[dict[str, Any]]:
    """Give the spans of a trace; none when it is not known."""
    found = read(client.get(f"/api/traces/{trace_id(number)}"))
    return list(found["spans"])


def test_a_span_is_given_back_with_all_that_it_had(client: FlaskClient) -> None:
    """Nothing of a span is lost on the way through the database."""
    assert send(client, rich_request().SerializeToString()).status_code == 200
    parent, child = spans_of(client, 7)
    assert parent["parentSpanId"] is None
    assert child == {
        "traceId": trace_id(7),
        "spanId": span_id(2),
        "parentSpanId": span_id(1),
        "name": "child",
        "kind": "CONSUMER",
        "service": "shop",
        "startTimeUnixNano": START,
        "endTimeUnixNano": START + 1_000_000,
        "attributes": {"tags": ["a"], "raw": "AP8="},
        "events": [{"name": "exception", "timeUnixNano": START + 5, "attributes": {"line": 2**62}}],
        "links": [
            {
                "traceId": trace_id(9),
                "spanId": span_id(3),
                "attributes": {"why": "batch"},
                "traceState": "",
                "flags": 0,
            }
        ],
        "status": {"code": "ERROR", "message": "broken"},
        "traceState": "vendor=1",
        "flags": 0x301,
        "droppedAttributesCount": 0,
        "droppedEventsCount": 0,
        "droppedLinksCount": 0,
        "scope": {"name": "tests", "version": "2", "attributes": {}},
        "resource": {"service.name": "shop"},
    }


def test_json_says_the_same_as_protobuf(client: FlaskClient) -> None:
    """With ids in hexadecimal, of either case, and fields that are not known yet left alone."""
    assert send(client, rich_request().SerializeToString()).status_code == 200
    by_protobuf = spans_of(client, 7)
    other = request_of("shop")
    other.CopyFrom(rich_request())
    for span in other.resource_spans[0].scope_spans[0].spans:
        span.trace_id = (8).to_bytes(16, "big")
    written = otlp_json(other)
    written["resourceSpans"][0]["notKnownYet"] = {"spanId": "of the future"[:0]}
    answer = send(client, json.dumps(written).encode(), f"{JSON}; charset=utf-8")
    assert (answer.status_code, answer.content_type, answer.json) == (200, JSON, {})
    by_json = [{**span, "traceId": trace_id(7)} for span in spans_of(client, 8)]
    assert by_json == by_protobuf


def test_an_answer_is_in_the_format_of_its_request(client: FlaskClient) -> None:
    """Full success in protobuf is an empty message."""
    answer = send(client, rich_request().SerializeToString())
    assert (answer.content_type, answer.data) == (PROTOBUF, b"")


def test_a_request_without_anything_is_taken(client: FlaskClient) -> None:
    """The specification wants success for it."""
    for signal in ("traces", "metrics", "logs"):
        assert client.post(f"/v1/{signal}", data=b"", content_type=PROTOBUF).status_code == 200
        assert client.post(f"/v1/{signal}", data=b"{}", content_type=JSON).status_code == 200


@pytest.mark.parametrize(
    ("compress", "encoding"),
    [
        (gzip.compress, "gzip"),
        (zlib.compress, "deflate"),
        (
            lambda body: gzip.compress(body[:50], mtime=0) + gzip.compress(body[50:], mtime=0),
            "GZIP",
        ),
    ],
)
def test_compressed_requests_are_taken(
    client: FlaskClient,
    compress: Any,  # noqa: ANN401 - signatures of the two modules differ
    encoding: str,
) -> None:
    """Gzip, of several members too, and deflate."""
    assert (
        send(client, compress(rich_request().SerializeToString()), encoding=encoding).status_code
        == 200
    )
    assert len(spans_of(client, 7)) == 2


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "status", "message"),
    [
        (b"\xff\xff", PROTOBUF, "", 400, "the body is no ExportTraceServiceRequest"),
        (b"{", JSON, "", 400, "the body is no ExportTraceServiceRequest"),
        (b"[]", JSON, "", 400, "the body is no ExportTraceServiceRequest"),
        (b'{"resourceSpans": 7}', JSON, "", 400, "the body is no ExportTraceServiceRequest"),
        (b"[" * 100_000, JSON, "", 400, "the body is no ExportTraceServiceRequest"),
        (
            b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}',
            JSON,
            "",
            400,
            "traceId 'xyz' is not hexadecimal",
        ),
        (b"no gzip", PROTOBUF, "gzip", 400, "the body is no gzip"),
        (gzip.compress(b"12345678", mtime=0)[:-6], PROTOBUF, "gzip", 400, "ends too early"),
        (gzip.compress(b"", mtime=0) + b"junk", PROTOBUF, "gzip", 400, "the body is no gzip"),
        (b"", PROTOBUF, "br", 415, "send gzip, deflate or none"),
        (b"", "text/plain", "", 415, "send application/x-protobuf or application/json"),
    ],
)
def test_bad_requests_are_refused_with_the_reason(
    client: FlaskClient, body: bytes, content_type: str, encoding: str, status: int, message: str
) -> None:
    """The reason is a Status message, in JSON where the request's format is not known."""
    answer = send(client, body, content_type, encoding)
    assert answer.status_code == status
    if content_type == PROTOBUF:
        assert answer.content_type == PROTOBUF
        told = Status.FromString(answer.data)
        assert (told.code, message in told.message) == (3, True), told
    else:
        assert answer.content_type == JSON
        in_json = read(answer)
        assert in_json["code"] == 3
        assert message in in_json["message"]


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(client: FlaskClient) -> None:
    """What is unpacked is bounded, so that a zip bomb takes no memory."""
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join(bomb.compress(bytes(2**20)) for _ in range(256)) + bomb.flush()
    assert len(packed) < 2**19
    answer = send(client, packed, encoding="gzip")
    assert answer.status_code == 413
    assert "has more than" in Status.FromString(answer.data).message


def test_a_body_that_is_too_large_is_refused(client: FlaskClient) -> None:
    """413, which tells exporters not to send it again."""
    assert send(client, bytes(LARGEST_BODY + 1)).status_code == 413


def test_spans_that_cannot_be_kept_are_rejected_and_the_others_kept(client: FlaskClient) -> None:
    """Partial success: the count, and a reason that names the span."""
    request = rich_request()
    add_span(request, 7, 0, name="without an id")
    add_span(request, 0, 5, name="of no trace")
    add_span(request, 7, 6, name="of a far future", start=2**64 - 1, lasts=0)
    answer = send(client, request.SerializeToString())
    assert answer.status_code == 200
    partial = ExportTraceServiceResponse.FromString(answer.data).partial_success
    assert partial.rejected_spans == 3
    assert "of a far future" in partial.error_message
    assert len(spans_of(client, 7)) == 2
    in_json = send(client, json.dumps(otlp_json(request)).encode(), JSON)
    assert read(in_json)["partialSuccess"]["rejectedSpans"] == "3"
    metrics = client.get("/metrics").text
    assert 'kafkascope_demo_otlp_receiver_rejected_total{signal="traces"} 6.0' in metrics
    assert 'kafkascope_demo_otlp_receiver_received_total{signal="traces"} 4.0' in metrics


def test_an_overloaded_receiver_says_when_to_try_again(
    client: FlaskClient, storage: Storage
) -> None:
    """503 with Retry-After, which exporters obey; afterwards it takes the request."""
    body = rich_request().SerializeToString()
    with storage._lock:
        answer = send(client, body)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert Status.FromString(answer.data).code == 14
    assert send(client, body).status_code == 200


def test_points_of_every_kind_are_kept(client: FlaskClient) -> None:
    """The latest of each series, with its exemplars."""
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    gauge = metrics.add(name="gauge", unit="s")
    gauge.gauge.data_points.add(as_double=1.5, time_unix_nano=2)
    counter = metrics.add(name="sum")
    counter.sum.is_monotonic = True
    counter.sum.aggregation_temporality = 2
    point = counter.sum.data_points.add(as_int=7)
    exemplar = point.exemplars.add(as_int=1, trace_id=b"\1" * 16, span_id=b"\2" * 8)
    exemplar.time_unix_nano = 3
    histogram = metrics.add(name="histogram").histogram.data_points.add(count=3, sum=4.5, max=2)
    histogram.bucket_counts.extend([1, 2])
    histogram.explicit_bounds.append(1.0)
    exponential = metrics.add(name="exponential").exponential_histogram.data_points.add(scale=2)
    exponential.positive.bucket_counts.append(5)
    summary = metrics.add(name="summary").summary.data_points.add(count=2, sum=3)
    summary.quantile_values.add(quantile=0.5, value=1)
    body = request.SerializeToString()
    for _ in range(2):  # a second time: the same series
        assert client.post("/v1/metrics", data=body, content_type=PROTOBUF).status_code == 200
    found = read(client.get("/api/metrics"))
    by_name = {metric["name"]: metric for metric in found["metrics"]}
    assert len(found["metrics"]) == len(by_name) == 5
    assert (by_name["gauge"]["value"], by_name["gauge"]["unit"]) == (1.5, "s")
    assert (by_name["sum"]["value"], by_name["sum"]["temporality"]) == (7, "CUMULATIVE")
    assert by_name["sum"]["exemplars"][0]["traceId"] == "01" * 16
    assert by_name["histogram"]["bucketCounts"] == [1, 2]
    assert (by_name["histogram"]["min"], by_name["histogram"]["max"]) == (None, 2.0)
    assert by_name["exponential"]["positive"] == {"offset": 0, "bucketCounts": [5]}
    assert by_name["summary"]["quantiles"] == [{"quantile": 0.5, "value": 1.0}]


def test_log_records_are_found_by_their_trace(client: FlaskClient) -> None:
    """And those of no trace are listed, too."""
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    records.add(time_unix_nano=5).body.string_value = "of no trace"
    of_trace = records.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, severity_text="INFO")
    of_trace.body.string_value = "of a trace"
    body = request.SerializeToString()
    assert client.post("/v1/logs", data=body, content_type=PROTOBUF).status_code == 200
    everything = read(client.get("/api/logs"))
    assert [log["body"] for log in everything["logs"]] == ["of a trace", "of no trace"]
    found = read(client.get(f"/api/logs?traceId={'01' * 16}"))
    assert [(log["body"], log["spanId"]) for log in found["logs"]] == [("of a trace", "02" * 8)]


def test_only_posts_are_taken(client: FlaskClient) -> None:
    """A person who opens the address in a browser is told so."""
    assert client.get("/v1/traces").status_code == 405
