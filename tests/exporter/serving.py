"""The real server with made-up pages, as a process of its own.

``python -m tests.exporter.serving`` prints the port that it listens on, and serves until
a signal ends it.
"""

import argparse
import resource
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafkascope_exporter import logs, server
from kafkascope_exporter.config import ServerTls, Web
from kafkascope_exporter.exposition import Page
from kafkascope_exporter.metrics.self import SelfMetrics
from kafkascope_exporter.web import Pages

_REPOSITORY = Path(__file__).parents[2]
_PIECE = 1_000_000
_IDLE_SOCKETS = 3  # the listener, and the event loop's own pair


def page_of(size: int) -> Page:
    """Make a page of at least ``size`` bytes."""
    line = b'kafka_topic_partition_current_offset{topic="orders",partition="0"} 42\n'
    pieces = tuple(line * (_PIECE // len(line)) for _ in range(size // _PIECE + 1))
    crc = 0
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    for piece in pieces:
        crc = zlib.crc32(piece, crc)
    deflated = b"".join(map(deflate.compress, pieces)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return Page(
        taken_at=1_800_000_000.0,
        seconds=0.1,
        cpu_seconds=0.1,
        identity=pieces,
        deflated=deflated,
        crc=crc,
        size=sum(map(len, pieces)),
        series={},
        failed_groups=(),
    )


@dataclass
class FixedPages:
    """A source that has the same page always; ``collecting`` holds up `collect_now` until set."""

    fixed: Page | None
    collecting: threading.Event
    collections: int = 0

    def page(self) -> Page | None:
        """Give it."""
        return self.fixed

    def ready(self) -> bool:
        """Tell whether there is one."""
        return self.fixed is not None

    def collect_now(self) -> None:
        """Count a collection, and let it take until it is released."""
        self.collections += 1
        assert self.collecting.wait(30)


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that runs."""

    process: subprocess.Popen[str]
    port: int

    def resident_bytes(self) -> int:
        """Give the memory that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def connections(self) -> int:
        """Count the connections that are open; one that the client has closed is for a moment."""
        sockets = 0
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                sockets += descriptor.readlink().name.startswith("socket:")
            except FileNotFoundError:
                continue
        return sockets - _IDLE_SOCKETS


@contextmanager
def serving(log: Path, arguments: Sequence[str] = ()) -> Iterator[Serving]:
    """Run this module with ``arguments`` and its log in ``log``, and end it afterwards."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.exporter.serving", *arguments],
            cwd=_REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    with closing(process.stdout):
        try:
            yield Serving(process, int(process.stdout.readline()))
        finally:
            process.kill()
            process.wait()


def main(arguments: Sequence[str]) -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=1_000)
    parser.add_argument("--headers", type=float, default=10.0)
    parser.add_argument("--response", type=float, default=30.0)
    parser.add_argument("--drain", type=int, default=5)
    parser.add_argument("--send-buffer", type=int)
    parser.add_argument("--descriptors", type=int)
    parser.add_argument("--on-scrape", action="store_true")
    parser.add_argument("--cert-file", type=Path)
    parser.add_argument("--key-file", type=Path)
    parser.add_argument("--ca-file", type=Path)
    given = parser.parse_args(arguments)
    if given.descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (given.descriptors, given.descriptors))
    tls = ServerTls(
        enabled=given.cert_file is not None,
        cert_file=given.cert_file,
        key_file=given.key_file,
        ca_file=given.ca_file,
        mutual_auth_enabled=given.ca_file is not None,
    )
    web = Web(listen_host="127.0.0.1", listen_port=0, tls=tls)
    sockets = server.listen(web)
    if given.send_buffer:
        sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, given.send_buffer)
    logs.set_up("info", "logfmt")
    pages = Pages(
        FixedPages(page_of(given.size), threading.Event()),
        SelfMetrics("1.2.3"),
        telemetry_path="/metrics",
        on_scrape=given.on_scrape,
        version="1.2.3",
    )
    print(sockets[0].getsockname()[1], flush=True)  # noqa: T201 - the parent reads it
    deadlines = server.Deadlines(given.headers, given.response, given.drain)
    server.serve(pages.application(), web, sockets, deadlines)


if __name__ == "__main__":
    main(sys.argv[1:])
