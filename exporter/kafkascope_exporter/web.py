"""The exporter's pages: metrics, health, readiness, and a landing page."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from html import escape
from typing import Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from kafkascope_exporter.accept import OPENMETRICS, wants_gzip, wants_openmetrics
from kafkascope_exporter.exposition import Page, respond

_TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS_TYPE = f"{OPENMETRICS}; version=1.0.0; charset=utf-8"

# Few chunks make quick scrapes, and a client that does not read holds two (docs/adr/0003).
CHUNK = 256 * 1024


class PageSource(Protocol):
    """What collects (`schedule.Collector`)."""

    def page(self) -> Page | None:
        """Give the newest page that is not stale."""

    def ready(self) -> bool:
        """Tell whether there is one."""

    def collect_now(self) -> None:
        """Collect, and return when that is done."""


class SelfSource(Protocol):
    """What knows how the exporter itself fares (`metrics.self.SelfMetrics`)."""

    def render(self, *, openmetrics: bool) -> bytes:
        """Give the exporter's own metrics."""


class _Pieces(Response):
    """A body that is there already, in pieces, sent as fast as the client reads."""

    def __init__(self, pieces: Sequence[bytes], headers: dict[str, str]) -> None:
        size = str(sum(map(len, pieces)))
        super().__init__(headers={**headers, "Content-Length": size})
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        if scope["method"] != "HEAD":
            for chunk in _chunks(self._pieces):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _chunks(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """Give ``pieces`` in chunks of `CHUNK` bytes, and what is left in a last one."""
    chunk: list[memoryview] = []
    size = 0
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            taken = rest[: CHUNK - size]
            chunk.append(taken)
            size += len(taken)
            rest = rest[len(taken) :]
            if size == CHUNK:
                yield b"".join(chunk)
                chunk, size = [], 0
    if chunk:
        yield b"".join(chunk)


class Pages:
    """Answers requests.

    Args:
        source: where the page of Kafka metrics comes from.
        own: where the exporter's own metrics come from.
        telemetry_path: where both are served.
        on_scrape: whether a scrape collects first (``--collect.on-scrape``).
        version: the exporter's version, for the landing page.
    """

    def __init__(
        self,
        source: PageSource,
        own: SelfSource,
        *,
        telemetry_path: str,
        on_scrape: bool,
        version: str,
    ) -> None:
        self._source = source
        self._own = own
        self._path = telemetry_path
        self._on_scrape = on_scrape
        self._version = version
        self._collected: asyncio.Future[None] | None = None

    def application(self) -> Router:
        """Give the ASGI application."""
        pages = {
            self._path: self.metrics,
            "/-/healthy": self.healthy,
            "/healthz": self.healthy,
            "/-/ready": self.ready,
            "/": self.landing,
        }
        # A redirect would repeat the client's Host header, whatever is in it.
        return Router([Route(path, page) for path, page in pages.items()], redirect_slashes=False)

    async def metrics(self, request: Request) -> Response:
        """Serve the newest page and the exporter's own metrics."""
        if self._on_scrape:
            await asyncio.shield(self._collection())
        openmetrics = wants_openmetrics(",".join(request.headers.getlist("accept")))
        gzip = wants_gzip(",".join(request.headers.getlist("accept-encoding")))
        headers = {
            "Content-Type": _OPENMETRICS_TYPE if openmetrics else _TEXT_TYPE,
            "Cache-Control": "no-store",
            "Vary": "Accept, Accept-Encoding",
        }
        if gzip:
            headers["Content-Encoding"] = "gzip"
        own = self._own.render(openmetrics=openmetrics)
        return _Pieces(respond(self._source.page(), own, gzip=gzip), headers)

    def _collection(self) -> asyncio.Future[None]:
        """Give the collection under way, or begin one.

        It has a thread of its own, because asyncio's pool would run only some of many scrapes'
        at a time, and would keep the process from ending before them.
        """
        if self._collected is None or self._collected.done():
            loop = asyncio.get_running_loop()
            collected: asyncio.Future[None] = loop.create_future()

            def collect() -> None:
                try:
                    self._source.collect_now()
                finally:
                    with suppress(RuntimeError):  # the loop has ended meanwhile
                        loop.call_soon_threadsafe(collected.set_result, None)

            threading.Thread(target=collect, name="collect-on-scrape", daemon=True).start()
            self._collected = collected
        return self._collected

    async def healthy(self, _: Request) -> Response:
        """Say that the process serves requests."""
        return PlainTextResponse("ok\n")

    async def ready(self, _: Request) -> Response:
        """Say whether there are Kafka metrics to serve."""
        if self._on_scrape and not self._source.ready():
            await asyncio.shield(self._collection())  # or nothing would, before the first scrape
        if self._source.ready():
            return PlainTextResponse("ready\n")
        reason = "no collection cycle has succeeded within --collect.staleness; see the log\n"
        return PlainTextResponse(reason, status_code=503)

    async def landing(self, _: Request) -> Response:
        """Serve links to the other pages."""
        path = escape(self._path, quote=True)
        return HTMLResponse(
            "<!doctype html><html lang=en><meta charset=utf-8><title>Kafkascope exporter</title>"
            f"<h1>Kafkascope exporter {escape(self._version)}</h1>"
            f'<ul><li><a href="{path}">Metrics</a></li>'
            '<li><a href="/-/ready">Ready?</a></li><li><a href="/-/healthy">Healthy?</a></li></ul>'
        )
