import gzip
import http.server
import shutil
import subprocess
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_exporter.exposition import Page, Renderer, respond
from kafkascope_exporter.metrics import METRICS
from kafkascope_exporter.metrics.family import Family, MetricGroup
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.metrics.self import SelfMetrics
from kafkascope_exporter.model import Snapshot
from tests.exporter.exposed import parsed
from tests.exporter.snapshots import HOSTILE_GROUP, group, healthy, partial_failure, report

# danielqsj's names, which dashboards and alerts rely on, and what promtool says of them.
LINT_FORCED_BY_NAMES = {
    f'{name} non-histogram and non-summary metrics should not have "_sum" suffix'
    for name in ("kafka_consumergroup_current_offset_sum", "kafka_consumergroup_lag_sum")
}


def render(snapshot: Snapshot, rendering: Rendering | None = None) -> Page:
    """Render one cluster."""
    return Renderer(rendering or Rendering()).render([snapshot])


def text_of(page: Page) -> str:
    """Give the text of a page."""
    return b"".join(page.identity).decode()


def tail(page: Page, *, openmetrics: bool) -> bytes:
    """Give what a scrape adds to ``page``."""
    metrics = SelfMetrics("1.2.3")
    metrics.record(report(healthy()), page)
    return metrics.render(openmetrics=openmetrics)


def body(page: Page, *, openmetrics: bool) -> str:
    """Give the whole body of a scrape."""
    return b"".join(respond(page, tail(page, openmetrics=openmetrics), gzip=False)).decode()


def test_each_family_has_its_help_and_type_before_its_samples() -> None:
    """All Kafka families are gauges, and each is written once and in one piece."""
    lines = text_of(render(healthy())).splitlines()
    heads = [line for line in lines if line.startswith("#")]
    names = [line.split()[2] for line in heads[::2]]
    assert len(names) == len(set(names)) == 22
    assert heads[1::2] == [f"# TYPE {name} gauge" for name in names]
    current = ""
    for line in lines:
        if line.startswith("# TYPE"):
            current = line.split()[2]
        elif not line.startswith("#"):
            assert line.split("{")[0].split(" ")[0] == current


def test_a_family_without_samples_is_left_out() -> None:
    """As danielqsj's exporter does."""
    text = text_of(render(replace(healthy(), groups={}, start={})))
    assert "kafka_consumergroup" not in text
    assert "kafka_topic_partition_oldest_offset" not in text


def test_the_body_is_valid_text_format() -> None:
    """Prometheus' parser for Python reads every sample of it."""
    page = render(healthy())
    lag = {
        s.labels["consumergroup"]: s.value
        for s in parsed(body(page, openmetrics=False), openmetrics=False)
        if s.name == "kafka_consumergroup_lag_sum" and s.labels["topic"] == "payments"
    }
    assert lag == {"audit": 0, HOSTILE_GROUP: 7}


def test_the_body_is_valid_openmetrics() -> None:
    """The strict parser reads the same samples from the same text."""
    page = render(healthy())
    body_ = body(page, openmetrics=True)
    assert body_.startswith(text_of(page))
    both = [parsed(body_, openmetrics=True), parsed(text_of(page), openmetrics=False)]
    assert both[0][: len(both[1])] == both[1]
    assert len(both[1]) == sum(page.series.values())


@given(st.lists(st.text(st.characters()), unique=True, max_size=5))
def test_no_group_name_breaks_the_page(names: list[str]) -> None:
    """Whatever a consumer calls its group, both parsers find as many groups as there are."""
    groups = {name: group(name, members=1, commits={"orders": {0: 1}}) for name in names}
    page = render(replace(healthy(), groups=groups))
    for openmetrics in (False, True):
        found = {
            sample.labels["consumergroup"]
            for sample in parsed(body(page, openmetrics=openmetrics), openmetrics=openmetrics)
            if sample.name == "kafka_consumergroup_members"
        }
        assert len(found) == len(names)


@given(data=st.lists(st.binary(max_size=200), min_size=1), with_page=st.booleans())
def test_the_gzip_body_is_one_member_of_the_plain_body(
    data: list[bytes],
    with_page: bool,  # noqa: FBT001 - hypothesis passes it by name
) -> None:
    """Whatever the tail; gzip checks length and check sum."""
    page = render(healthy()) if with_page else None
    for tail_ in data:
        plain = b"".join(respond(page, tail_, gzip=False))
        packed = b"".join(respond(page, tail_, gzip=True))
        assert gzip.decompress(packed) == plain
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        assert member.decompress(packed) == plain
        assert member.eof
        assert member.unused_data == b""


def test_the_size_in_the_gzip_trailer_wraps_at_four_gigabytes() -> None:
    """RFC 1952 gives the length modulo 2**32."""
    page = replace(render(healthy()), size=2**32 + 5)
    assert respond(page, b"tail", gzip=True)[-1][4:] == (9).to_bytes(4, "little")


def test_without_a_page_the_tail_is_the_body() -> None:
    """Before the first snapshot, and when it is stale."""
    assert respond(None, b"up 0\n", gzip=False) == [b"up 0\n"]


@contextmanager
def served(packed: bytes) -> Iterator[str]:
    """Serve a gzip body over HTTP on loopback, and give its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(packed)))
            self.end_headers()
            self.wfile.write(packed)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Keep quiet."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/metrics"
        finally:
            server.shutdown()
            thread.join()


def test_curl_unpacks_the_gzip_body() -> None:
    """A client that is not Python's zlib agrees."""
    page = render(healthy())
    tail_ = tail(page, openmetrics=False)
    with served(b"".join(respond(page, tail_, gzip=True))) as url:
        curl = ["curl", "--silent", "--show-error", "--noproxy", "*", "--compressed", url]
        got = subprocess.run(curl, check=True, capture_output=True, timeout=30).stdout
    assert got == b"".join(respond(page, tail_, gzip=False))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")
@pytest.mark.parametrize("snapshot", [healthy(), partial_failure()])
def test_promtool_accepts_the_page(snapshot: Snapshot) -> None:
    """It finds fault only with two names that are danielqsj's."""
    text = body(render(snapshot), openmetrics=False)
    check = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert set(filter(None, (check.stdout + check.stderr).splitlines())) == LINT_FORCED_BY_NAMES


def broken(snapshot: Snapshot, labels: Labels) -> Iterable[Family]:
    """Give one family, then raise."""
    yield Family("kafka_broken", "Never shown.", [f"kafka_broken{labels.of()}1"])
    raise KeyError(snapshot.taken_at)


def test_a_metric_group_that_raises_loses_only_itself(caplog: pytest.LogCaptureFixture) -> None:
    """All others are there; the page names the one that failed, and the log has its traceback."""
    metrics = (METRICS[0], MetricGroup("broken", broken), *METRICS[1:])
    page = Renderer(Rendering(), metrics).render([healthy()])
    assert text_of(page) == text_of(render(healthy()))
    assert page.failed_groups == ("broken",)
    assert page.series["broken"] == 0
    assert "metric group broken failed" in caplog.text
    assert "KeyError" in caplog.text


def test_several_clusters_merge_family_by_family() -> None:
    """Each family is written once, and the page is as old as the oldest cluster in it."""
    older = replace(
        healthy(), taken_at=1.0, groups={"other": group("other", members=5, commits=None)}
    )
    page = Renderer(Rendering()).render([healthy(), older])
    text = text_of(page)
    assert page.taken_at == 1.0
    assert text.count("# TYPE kafka_consumergroup_members gauge") == 1
    assert page.series["groups"] == 8
    assert 'kafka_consumergroup_members{consumergroup="audit"} 0' in text
    assert 'kafka_consumergroup_members{consumergroup="other"} 5' in text


def test_a_new_topology_is_seen_at_once() -> None:
    """Label strings are kept for the same topology only."""
    renderer = Renderer(Rendering())
    before = renderer.render([healthy()])
    grown = healthy()
    topics = {**grown.topology.topics, "new": replace(grown.topology.topics["orders"], name="new")}
    after = renderer.render([replace(grown, topology=replace(grown.topology, topics=topics))])
    assert 'topic="new"' not in text_of(before)
    assert 'kafka_topic_partition_leader{partition="2",topic="new"} 3' in text_of(after)
    assert text_of(renderer.render([healthy()])) == text_of(before)


def test_a_long_family_is_whole() -> None:
    """Text is made in pieces; no line is lost or doubled where they meet."""
    names = [f"g{number:05}" for number in range(20_001)]
    groups = {name: group(name, members=1, commits=None) for name in names}
    page = render(replace(healthy(), groups=groups))
    shown = [
        line for line in text_of(page).splitlines() if line.startswith("kafka_consumergroup_m")
    ]
    assert shown == [f'kafka_consumergroup_members{{consumergroup="{name}"}} 1' for name in names]
    assert page.size == len(b"".join(page.identity))
