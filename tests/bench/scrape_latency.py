"""Measure how long scrapes take beside a busy collector, by what the server could do about it.

`python -m tests.bench.scrape_latency [--seconds N]` needs no Kafka: a made-up cluster of 10,000
partitions is rendered for about half of every second, in a thread of the server's process or in a
process of its own, while the real server is scraped over loopback. It prints the percentiles of
the scrapes that overlapped a rendering. docs/adr/0003 stands on it.
"""

import argparse
import http.client
import json
import math
import multiprocessing
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

from kafkascope_exporter import server, web
from kafkascope_exporter.config import Web
from kafkascope_exporter.exposition import Page, Renderer
from kafkascope_exporter.garbage import GarbageCollection
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.metrics.self import SelfMetrics
from tests.bench.rendering import cluster

_REPOSITORY = Path(__file__).parents[2]
_BUSY_S = 0.5
_PERIOD_S = 1.0
_PAUSE_S = 0.025
_KIB = 1024

Interval = tuple[float, float]
"""When something began and ended, in Unix seconds."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What is tried.

    ``collector`` is where the rendering goes on, ``switch_s`` the interpreter's switch interval,
    ``chunk`` how many bytes are handed to the transport at once, ``send_buffer`` the size of the
    kernel's buffer per connection (0: as the kernel likes).
    """

    collector: Literal["none", "thread", "process"] = "thread"
    switch_s: float = 0.0001
    chunk: int = web.CHUNK
    send_buffer: int = 0


VARIANTS = (
    Variant(collector="none"),
    Variant(collector="process", switch_s=0.005),
    *(Variant(switch_s=seconds) for seconds in (0.005, 0.001, 0.0005, 0.0002, 0.0001)),
    *(Variant(chunk=kib * _KIB) for kib in (64, 1024)),
    Variant(send_buffer=256 * _KIB),
)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of scrapes that overlapped an interval, in seconds."""

    scrapes: int
    p50: float
    p99: float


def main() -> None:
    """Print the table, or serve one variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="per variant and encoding")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        _serve(Variant(**json.loads(given.serve)))
        return
    print(f"{'collector':10}{'switch ms':>10}{'chunk KiB':>10}{'buffer KiB':>11}", end="")
    print(f"{'gzip p50':>10}{'p99 ms':>8}{'plain p50':>11}{'p99 ms':>8}{'scrapes':>9}")
    for variant in VARIANTS:
        one, other = (measure(variant, coding, given.seconds) for coding in ("gzip", "identity"))
        print(
            f"{variant.collector:10}{variant.switch_s * 1e3:10}{variant.chunk // _KIB:10}"
            f"{variant.send_buffer // _KIB or 'kernel':>11}"
            f"{one.p50 * 1e3:10.1f}{one.p99 * 1e3:8.1f}{other.p50 * 1e3:11.1f}"
            f"{other.p99 * 1e3:8.1f}{one.scrapes + other.scrapes:9}",
            flush=True,
        )


def measure(variant: Variant, coding: str, seconds: float) -> Percentiles:
    """Scrape a server for a while."""
    with _serving(variant) as (process, port):
        scrapes = scrape_for(port, coding, seconds)
        process.terminate()
        output, _ = process.communicate(timeout=30)
    busy = [(float(began), float(ended)) for began, ended in map(str.split, output.splitlines())]
    if variant.collector == "none":
        busy = [(0, math.inf)]
    return overlapping(scrapes, busy)


def scrape_for(port: int, coding: str, seconds: float) -> list[Interval]:
    """Scrape over one connection, with a short pause after each, and give when each went on."""
    scrapes = []
    until = time.monotonic() + seconds
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        while time.monotonic() < until:
            began = time.time()
            client.request("GET", "/metrics", headers={"Accept-Encoding": coding})
            client.getresponse().read()
            scrapes.append((began, time.time()))
            time.sleep(_PAUSE_S)
    return scrapes


def overlapping(scrapes: Sequence[Interval], busy: Sequence[Interval]) -> Percentiles:
    """Give the percentiles of the ``scrapes`` that overlap one of ``busy``."""
    took = sorted(
        ended - began
        for began, ended in scrapes
        if any(began < busy_until and ended > busy_from for busy_from, busy_until in busy)
    )
    return Percentiles(len(took), statistics.median(took), took[math.ceil(0.99 * len(took)) - 1])


@contextmanager
def _serving(variant: Variant) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.bench.scrape_latency",
            "--serve",
            json.dumps(asdict(variant)),
        ],
        cwd=_REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


class _Busy:
    """Has a newest page, and renders the next one for half of every second."""

    def __init__(self, variant: Variant) -> None:
        self._snapshot = cluster(10_000)
        self._renderer = Renderer(Rendering())
        self._newest: Page = self._renderer.render([self._snapshot])
        self.intervals: list[Interval] = []
        if variant.collector == "thread":
            threading.Thread(target=self._render, daemon=True).start()
        elif variant.collector == "process":
            receiving, sending = multiprocessing.Pipe(duplex=False)
            multiprocessing.Process(target=_render_elsewhere, args=(sending,), daemon=True).start()
            threading.Thread(target=self._receive, args=(receiving,), daemon=True).start()

    def page(self) -> Page:
        return self._newest

    def ready(self) -> bool:
        return True

    def collect_now(self) -> None:
        raise NotImplementedError

    def _render(self) -> None:
        while True:
            began = time.time()
            while time.time() < began + _BUSY_S:
                self._newest = self._renderer.render([self._snapshot])
            self.intervals.append((began, time.time()))
            time.sleep(_PERIOD_S - _BUSY_S)

    def _receive(self, receiving: Connection) -> None:
        with suppress(EOFError):  # at the end of the process
            while True:
                began, self._newest = receiving.recv()
                self.intervals.append((began, time.time()))


def _render_elsewhere(sending: Connection) -> None:
    snapshot, renderer = cluster(10_000), Renderer(Rendering())
    while True:
        began = time.time()
        while time.time() < began + _BUSY_S:
            page = renderer.render([snapshot])
        sending.send((began, page))
        time.sleep(_PERIOD_S - _BUSY_S)


def _serve(variant: Variant) -> None:
    """Serve until a signal; print the port, and at the end when it rendered."""
    web.CHUNK = variant.chunk
    listener = socket.create_server(("127.0.0.1", 0))
    if variant.send_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, variant.send_buffer)
    busy = _Busy(variant)
    sys.setswitchinterval(variant.switch_s)
    GarbageCollection()
    print(listener.getsockname()[1], flush=True)
    pages = web.Pages(
        busy, SelfMetrics("0"), telemetry_path="/metrics", on_scrape=False, version="0"
    )
    server.serve(pages.application(), Web(), [listener])
    for began, ended in busy.intervals:
        print(began, ended)


if __name__ == "__main__":
    main()
