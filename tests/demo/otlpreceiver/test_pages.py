"""The pages show what was received, and nothing in it is taken for HTML."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from kafkascope_demo.otlpreceiver.storage import Storage
from kafkascope_demo.otlpreceiver.traces import read_spans
from tests.demo.otlpreceiver.receivers import START, add_span, request_of, trace_id

HOSTILE = "<script>alert('x')</script>\"'&{{7*7}}"


def read(client: FlaskClient, path: str) -> Any:  # noqa: ANN401 - JSON is anything
    """Give the JSON at a path."""
    return client.get(path).json


def test_hostile_text_is_escaped_wherever_it_stands(client: FlaskClient, storage: Storage) -> None:
    """Names, services, attributes, events, status, scope, trace state and resources."""
    request = request_of(HOSTILE)
    span = add_span(request, 1, 1, name=HOSTILE)
    span.attributes.add(key=HOSTILE).value.string_value = HOSTILE
    nested = span.attributes.add(key="nested").value.kvlist_value.values.add(key=HOSTILE)
    nested.value.string_value = HOSTILE
    span.events.add(name=HOSTILE).attributes.add(key=HOSTILE).value.string_value = HOSTILE
    span.status.code = span.status.STATUS_CODE_ERROR
    span.status.message = span.trace_state = HOSTILE
    request.resource_spans[0].scope_spans[0].scope.name = HOSTILE
    storage.write(read_spans(request))
    for path in ("/", f"/traces/{trace_id(1)}", "/traces/<script>alert('x')<b>"):
        page = client.get(path).text
        assert "<script>alert" not in page, path
        assert "&lt;script&gt;alert" in page, path
        assert "49" not in page or "{{7*7}}" in page, path
    assert client.get(f"/traces/{trace_id(1)}").text.count("&lt;script&gt;alert") >= 10


def test_the_pages_forbid_all_that_is_not_served_by_the_receiver(client: FlaskClient) -> None:
    """No script and no style in the page, nothing from elsewhere."""
    answer = client.get("/")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert 'style="' not in answer.text
    assert "For development only" in answer.text


def test_an_empty_receiver_says_how_to_send(client: FlaskClient) -> None:
    """With its own address."""
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost" in client.get("/").text


def test_an_unknown_trace_is_not_found(client: FlaskClient) -> None:
    """On the page and in the API."""
    for path in (f"/traces/{trace_id(1)}", f"/api/traces/{trace_id(1)}", "/api/traces/x"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("limit=0", "limit must be a number from 1 to 1000"),
        ("limit=x", "limit must be a number from 1 to 1000"),
        ("minDurationMs=nan", "minDurationMs must be a number from 0"),
        ("errors=perhaps", "errors must be true or false"),
    ],
)
def test_a_parameter_without_meaning_is_refused(
    client: FlaskClient, query: str, reason: str
) -> None:
    """The API says which and what it may be; the page says so above the whole list."""
    answer = client.get(f"/api/traces?{query}")
    assert answer.status_code == 400
    assert reason in answer.text
    page = client.get(f"/?{query}")
    assert page.status_code == 400
    assert reason in page.text


def test_the_list_and_the_api_filter_alike(client: FlaskClient, storage: Storage) -> None:
    """A filter's form has what was asked."""
    request = request_of("shop")
    add_span(request, 1, 1, lasts=2_000_000)
    add_span(request, 2, 1, start=START + 1, lasts=9_000_000)
    storage.write(read_spans(request))
    query = "service=shop&minDurationMs=5&errors=false&limit=5"
    listed = read(client, f"/api/traces?{query}")["traces"]
    assert [(trace["traceId"], trace["durationNano"]) for trace in listed] == [
        (trace_id(2), 9_000_000)
    ]
    page = client.get(f"/?{query}").text
    assert (trace_id(2) in page, trace_id(1) in page) == (True, False)
    assert '<option value="shop" selected>' in page
    assert read(client, "/api/services") == {"services": ["shop"]}


def test_the_list_loads_itself_again_when_asked_to(client: FlaskClient) -> None:
    """At the offered times only."""
    assert '<meta http-equiv="refresh" content="5">' in client.get("/?refresh=5").text
    for query in ("", "refresh=0", "refresh=0.001", "refresh=x"):
        assert "http-equiv" not in client.get(f"/?{query}").text


def test_a_link_to_another_trace_is_shown_at_both_ends(
    client: FlaskClient, storage: Storage
) -> None:
    """As with tracing that links instead of continuing the trace."""
    sent = request_of("producer")
    add_span(sent, 1, 1, name="send")
    storage.write(read_spans(sent))
    processed = request_of("consumer")
    span = add_span(processed, 2, 2, name="process")
    span.links.add(trace_id=(1).to_bytes(16, "big"), span_id=(1).to_bytes(8, "big"))
    storage.write(read_spans(processed))
    assert (
        f'href="/traces/{trace_id(2)}#span-{2:016x}"' in client.get(f"/traces/{trace_id(1)}").text
    )
    assert (
        f'href="/traces/{trace_id(1)}#span-{1:016x}"' in client.get(f"/traces/{trace_id(2)}").text
    )


def test_health_and_metrics_tell_what_is_kept(client: FlaskClient, storage: Storage) -> None:
    """For probes and Prometheus."""
    request = request_of()
    add_span(request, 1, 1)
    storage.write(read_spans(request))
    assert client.get("/healthz").status_code == 200
    page = client.get("/metrics").text
    assert 'kafkascope_demo_otlp_receiver_kept{what="spans"} 1.0' in page
    assert "kafkascope_demo_otlp_receiver_database_max_bytes 6.7108864e+07" in page


def test_a_database_that_is_gone_is_told_everywhere(client: FlaskClient, storage: Storage) -> None:
    """503 with the file and the reason, instead of an error without one."""
    storage.path.rename(storage.path.with_suffix(".elsewhere"))
    for path in ("/healthz", "/", "/api/traces", "/metrics", f"/traces/{trace_id(1)}"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert f"the database {storage.path} cannot be read" in answer.text
