"""The verifier's check of the dashboards, against a Prometheus that tells what the test wants."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest

from kafkascope_demo.dashboards import Asked, Span, all_listed, filled, read
from kafkascope_demo.verify.dashboards import excused, outcome

Answer = Callable[[str], tuple[int, object]]
SPAN: Final = Span(0, 900)


@pytest.fixture
def prometheus() -> Iterator[Callable[[Answer], str]]:
    """Start a Prometheus that answers by a function of the request's path."""
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, data = answer(self.path)
                body = json.dumps({"status": "told", "data": data}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def full(path: str) -> tuple[int, object]:
    """Find something for everything."""
    return 200, ["one"] if "/label/" in path else {"result": [{"metric": {}, "values": [[0, "1"]]}]}


def empty(path: str) -> tuple[int, object]:
    """Find nothing."""
    return 200, [] if "/label/" in path else {"result": []}


def test_data_for_every_query_passes(prometheus: Callable[[Answer], str]) -> None:
    """And says of how many."""
    told = outcome(prometheus(full), patience_s=0)

    assert told.passed
    assert "queries, 0 of them rightly empty" in told.evidence


def test_a_query_without_data_fails_and_is_named(prometheus: Callable[[Answer], str]) -> None:
    """Those that are rightly empty are not."""
    told = outcome(prometheus(empty), patience_s=0)

    assert not told.passed
    assert "Consumer groups: Lag: nothing" in told.evidence
    assert "Alerts" not in told.evidence
    assert told.fix


def test_a_query_that_prometheus_refuses_fails(prometheus: Callable[[Answer], str]) -> None:
    """With its reason."""
    told = outcome(prometheus(lambda _: (400, "parse error")), patience_s=0)

    assert not told.passed
    assert "HTTP 400" in told.evidence


def test_variables_are_filled_as_grafana_does() -> None:
    """All of them where nothing is given; times by their meaning."""
    expr = 'a{b=~"$b", c="$c"}[$__rate_interval] + x[$__range]'

    assert filled(expr, SPAN) == 'a{b=~".*", c=~".*"}[20s] + x[900s]'
    assert filled(expr, SPAN, {"c": "one"}) == 'a{b=~".*", c="one"}[20s] + x[900s]'


def test_a_reason_counts_for_its_dashboard_or_for_all() -> None:
    """By name, or by ``*``."""
    asked = Asked("Demo", "Load", "a")

    assert excused(asked, {"Demo: Load": "no load"})
    assert excused(asked, {"*: Load": "no load"})
    assert not excused(asked, {"Other: Load": "no load"})


def test_all_of_a_listed_variable_is_the_list_of_its_values(
    prometheus: Callable[[Answer], str],
) -> None:
    """Escaped twice, for the regular expression and for PromQL's string."""
    (board,) = [board for board in read() if board["title"] == "Exporter health"]
    url = prometheus(lambda _: (200, ["a.b:1", "c"]))

    assert all_listed(board, url, SPAN) == {"job": r"a\\.b:1|c", "instance": r"a\\.b:1|c"}
