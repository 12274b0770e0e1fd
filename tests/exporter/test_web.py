import asyncio
import gzip
import threading
from collections.abc import Coroutine, Mapping
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from kafkascope_exporter.metrics.self import SelfMetrics
from kafkascope_exporter.web import Pages
from tests.exporter.exposed import parsed
from tests.exporter.serving import FixedPages, page_of
from tests.exporter.test_accept import PROMETHEUS_3

OPENMETRICS = {"Accept": PROMETHEUS_3}


class Client:
    """Asks an application without a network.

    Args:
        source: the Kafka metrics.
        telemetry_path: where they are served.
        on_scrape: whether a scrape collects.
    """

    def __init__(
        self,
        source: FixedPages,
        telemetry_path: str = "/metrics",
        *,
        on_scrape: bool = False,
    ) -> None:
        pages = Pages(
            source,
            SelfMetrics("1.2.3"),
            telemetry_path=telemetry_path,
            on_scrape=on_scrape,
            version="1.2.3 <rc>",
        )
        self._application = pages.application()

    async def ask(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> httpx.Response:
        """Send one request; without headers that httpx would add."""
        transport = httpx.ASGITransport(self._application)
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            client.headers.clear()
            return await client.request(method, path, headers=headers)

    def answer(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> httpx.Response:
        """Send one request from outside of an event loop."""
        return asyncio.run(self.ask(path, headers, method))


def fixed(size: int | None = 1_000) -> FixedPages:
    """Give a source whose collections end at once, with a page of ``size`` bytes or without."""
    released = threading.Event()
    released.set()
    return FixedPages(None if size is None else page_of(size), released)


def test_a_scrape_gets_the_kafka_metrics_and_the_exporters_own_as_text() -> None:
    """Without an Accept header, as from curl, the text format is 0.0.4."""
    response = Client(fixed()).answer("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.text.startswith("kafka_topic_partition_current_offset{")
    assert "\nkafka_exporter_up 0.0\n" in response.text
    assert "# EOF" not in response.text


def test_prometheus_gets_openmetrics() -> None:
    """Its Accept header prefers it; the body ends with the mark that the format asks for."""
    response = Client(fixed(None)).answer("/metrics", OPENMETRICS)
    kind = response.headers["Content-Type"]
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert response.text.endswith("# EOF\n")
    assert "kafka_exporter_up" in {
        family.name for family in parsed(response.text, openmetrics=True)
    }


@pytest.mark.parametrize("headers", [{}, OPENMETRICS])
def test_a_gzip_body_is_one_member_with_the_same_text(headers: dict[str, str]) -> None:
    """Its length is announced, and caches are told what the body depends on."""
    client = Client(fixed(3_000_000))
    compressed = client.answer("/metrics", {**headers, "Accept-Encoding": "gzip"})
    plain = client.answer("/metrics", headers)
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    for response in (compressed, plain):
        assert response.headers["Vary"] == "Accept, Accept-Encoding"
        assert response.headers["Cache-Control"] == "no-store"
    kafka = b"".join(page_of(3_000_000).identity)
    assert compressed.content.startswith(kafka)
    assert plain.content.startswith(kafka)


def test_the_announced_length_is_that_of_the_body_as_sent() -> None:
    """Clients that keep the connection rely on it."""

    class Raw(httpx.AsyncBaseTransport):
        """Keeps the body as it was sent."""

        def __init__(self, inner: httpx.ASGITransport) -> None:
            self._inner = inner
            self.body = b""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await self._inner.handle_async_request(request)
            self.body = b"".join([part async for part in response.aiter_raw()])
            return httpx.Response(response.status_code, headers=response.headers, content=self.body)

    async def lengths() -> tuple[int, int, bytes]:
        pages = Pages(
            fixed(2_000_000),
            SelfMetrics("1"),
            telemetry_path="/metrics",
            on_scrape=False,
            version="1",
        )
        transport = Raw(httpx.ASGITransport(pages.application()))
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            response = await client.get("/metrics", headers={"Accept-Encoding": "gzip"})
        return int(response.headers["Content-Length"]), len(transport.body), transport.body

    announced, sent, body = asyncio.run(lengths())
    assert announced == sent
    assert gzip.decompress(body).endswith(b"\n")


def test_head_gives_the_headers_of_get_without_a_body() -> None:
    """Load balancers ask so."""
    response = Client(fixed()).answer("/metrics", method="HEAD")
    assert response.status_code == 200
    assert int(response.headers["Content-Length"]) > 1_000
    assert response.content == b""


def test_self_metrics_are_served_without_a_page() -> None:
    """Kafka may be absent; the scrape succeeds all the same."""
    response = Client(fixed(None)).answer("/metrics", {"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert "kafka_exporter_up 0.0\n" in response.text
    assert "kafka_topic" not in response.text


@pytest.mark.parametrize("path", ["/-/healthy", "/healthz"])
def test_health_does_not_depend_on_kafka(path: str) -> None:
    """A liveness probe must not restart the exporter because Kafka is down."""
    assert Client(fixed(None)).answer(path).status_code == 200


def test_readiness_needs_a_page() -> None:
    """Without one it says why not."""
    assert Client(fixed()).answer("/-/ready").status_code == 200
    unready = Client(fixed(None)).answer("/-/ready")
    assert unready.status_code == 503
    assert "--collect.staleness" in unready.text


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/metrics/x", "/-/", "/Metrics"])
def test_other_paths_are_not_found(path: str) -> None:
    """Nor is anybody redirected, which would repeat the client's Host header."""
    assert Client(fixed()).answer(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_not_allowed(method: str) -> None:
    """And the answer names those that are."""
    response = Client(fixed()).answer("/metrics", method=method)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if tag == "a" and name == "href"]


def test_the_landing_page_links_to_pages_that_exist() -> None:
    """The telemetry path may be another one; what is shown is escaped."""
    client = Client(fixed(), "/kafka/metrics")
    landing = client.answer("/")
    links = _Links()
    links.feed(landing.text)
    assert landing.headers["Content-Type"].startswith("text/html")
    assert "/kafka/metrics" in links.found
    assert {client.answer(link).status_code for link in links.found} == {200}
    assert "1.2.3 &lt;rc&gt;" in landing.text
    assert client.answer("/metrics").status_code == 404


def run_with_deadline(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it, for 20 seconds at most."""

    async def limited() -> None:
        async with asyncio.timeout(20):
            await coroutine

    asyncio.run(limited())


async def begun(source: FixedPages) -> None:
    """Wait for the first collection to begin."""
    while source.collections == 0:  # noqa: ASYNC110 - it begins in another thread
        await asyncio.sleep(0.01)


def test_scrapes_at_the_same_time_share_one_collection() -> None:
    """With --collect.on-scrape, however many there are; the next scrape collects anew."""
    source = FixedPages(page_of(1_000), threading.Event())
    client = Client(source, on_scrape=True)

    async def scrape() -> None:
        scrapes = [asyncio.create_task(client.ask("/metrics")) for _ in range(50)]
        await begun(source)
        healthy = await client.ask("/healthz")
        assert healthy.status_code == 200
        assert not any(scrape.done() for scrape in scrapes)
        source.collecting.set()
        assert {(await scrape).status_code for scrape in scrapes} == {200}
        assert source.collections == 1
        assert (await client.ask("/metrics")).status_code == 200
        assert source.collections == 2

    run_with_deadline(scrape())


def test_a_client_that_gives_up_takes_no_collection_from_the_others() -> None:
    """The collection goes on for who still waits."""
    source = FixedPages(page_of(1_000), threading.Event())
    client = Client(source, on_scrape=True)

    async def scrape() -> None:
        gives_up = asyncio.create_task(client.ask("/metrics"))
        waits = asyncio.create_task(client.ask("/metrics"))
        await begun(source)
        gives_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gives_up
        source.collecting.set()
        assert (await waits).status_code == 200

    run_with_deadline(scrape())


def test_readiness_collects_when_nothing_else_would() -> None:
    """With --collect.on-scrape, a Pod that is not ready gets no scrape that could make it so."""
    source = fixed(None)
    client = Client(source, on_scrape=True)
    assert client.answer("/-/ready").status_code == 503
    assert source.collections == 1
    source.fixed = page_of(1_000)
    assert client.answer("/-/ready").status_code == 200
    assert source.collections == 1


def test_without_on_scrape_nobody_collects_but_the_schedule() -> None:
    """A scrape takes what is there."""
    source = fixed()
    assert Client(source).answer("/metrics").status_code == 200
    assert source.collections == 0
