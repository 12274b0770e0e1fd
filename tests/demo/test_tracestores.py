"""Each trace backend's answers become the same spans."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from kafkascope_demo.addresses import TraceBackend
from kafkascope_demo.tracestores import Link, Span, open_store
from kafkascope_demo.web import WebError

TRACE = "0af7651916cd43dd8448eb211c80319c"
SEND, PROCESS = "b7ad6b7169203331", "00f067aa0ba902b7"
EXPECTED = Span(
    TRACE,
    PROCESS,
    SEND,
    "process ochacafe-event",
    "consumer",
    "kafka-consumer",
    links=(Link(TRACE, SEND),),
)
JAEGER = {
    "result": {
        "resourceSpans": [
            {
                "resource": {
                    "attributes": [
                        {"key": "service.name", "value": {"stringValue": "kafka-consumer"}}
                    ]
                },
                "scopeSpans": [
                    {
                        "scope": {"name": "kafkascope-tracing"},
                        "spans": [
                            {
                                "traceId": TRACE,
                                "spanId": PROCESS,
                                "parentSpanId": SEND,
                                "name": "process ochacafe-event",
                                "kind": 5,
                                "attributes": [
                                    {"key": "messaging.system", "value": {"stringValue": "kafka"}}
                                ],
                                "links": [{"traceId": TRACE, "spanId": SEND}],
                            }
                        ],
                    }
                ],
            }
        ]
    }
}
OPENOBSERVE = {
    "hits": [
        {
            "trace_id": TRACE,
            "span_id": PROCESS,
            "reference_parent_span_id": SEND,
            "operation_name": "process ochacafe-event",
            "span_kind": "5",
            "service_name": "kafka-consumer",
            "messaging_system": "kafka",
            "links": json.dumps([{"context": {"traceId": TRACE, "spanId": SEND}}]),
        }
    ]
}
RECEIVER = {
    "traceId": TRACE,
    "spans": [
        {
            "traceId": TRACE,
            "spanId": PROCESS,
            "parentSpanId": SEND,
            "name": "process ochacafe-event",
            "kind": "CONSUMER",
            "service": "kafka-consumer",
            "attributes": {"messaging.system": "kafka"},
            "links": [{"traceId": TRACE, "spanId": SEND}],
        }
    ],
}


@contextmanager
def backend(status: int, answer: object, asked: list[tuple[str, str | None]]) -> Iterator[str]:
    """An HTTP server on loopback that gives one answer to everything, and notes what was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


BACKENDS: list[tuple[Callable[[str], TraceBackend], object, str, str]] = [
    (
        lambda url: TraceBackend("receiver", url, None),
        RECEIVER,
        f"/api/traces/{TRACE}",
        "messaging.system",
    ),
    (
        lambda url: TraceBackend("jaeger", url, None),
        JAEGER,
        f"/api/v3/traces/{TRACE}",
        "messaging.system",
    ),
    (
        lambda url: TraceBackend("openobserve", f"{url}/api/default", "Basic abc"),
        OPENOBSERVE,
        f"/api/default/default/traces/{TRACE}/details",
        "messaging_system",
    ),
]


@pytest.mark.parametrize(
    ("describe", "answer", "path", "attribute"), BACKENDS, ids=["receiver", "jaeger", "openobserve"]
)
def test_a_span_is_the_same_from_every_backend(
    describe: Callable[[str], TraceBackend], answer: object, path: str, attribute: str
) -> None:
    """Ids, parent, kind, service, links; attributes by the names that the backend keeps."""
    asked: list[tuple[str, str | None]] = []
    with backend(200, answer, asked) as url:
        described = describe(url)
        (span,) = open_store(described).trace(TRACE)
    assert span.attributes[attribute] == "kafka"
    assert {
        name: getattr(span, name) for name in Span.__dataclass_fields__ if name != "attributes"
    } == {
        name: getattr(EXPECTED, name) for name in Span.__dataclass_fields__ if name != "attributes"
    }
    assert asked[0][0].partition("?")[0] == path
    assert asked[0][1] == described.authorization


@pytest.mark.parametrize("kind", ["receiver", "jaeger"])
def test_a_trace_that_is_not_there_yet_has_no_spans(kind: str) -> None:
    """404 means: ask again."""
    with backend(404, {}, []) as url:
        described = TraceBackend("jaeger" if kind == "jaeger" else "receiver", url, None)
        assert open_store(described).trace(TRACE) == ()


def test_a_refusal_names_the_address_and_the_status() -> None:
    """A wrong password must not look like a missing trace."""
    with (
        backend(401, {"error": "unauthorized"}, []) as url,
        pytest.raises(WebError, match=r"/details\S*: HTTP 401"),
    ):
        open_store(TraceBackend("openobserve", f"{url}/api/default", None)).trace(TRACE)
