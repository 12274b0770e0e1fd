"""Measure what the OTLP receiver costs: its CPU time per span, and what it answers.

`python -m tests.bench.otlp_receiver` starts it as a process on an empty database and sends it
spans, five to a trace, with ten attributes each: once in requests of 512 spans, which is what an
SDK's batches are, and once in requests of 5. The sender shares the machine.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.console import Console
from rich.table import Table

from kafkascope_demo.localkafka.ports import free_ports
from tests.bench.processes import Meter
from tests.waiting import wait_until

_SPANS_OF_TRACE: Final = 5
_ATTRIBUTES: Final = 10
_SENDERS: Final = 4


@dataclass(frozen=True, slots=True)
class _Load:
    """So many requests of so many spans each."""

    requests: int
    spans: int


_LOADS: Final = (_Load(300, 512), _Load(3_000, 5))


def main() -> None:
    """Measure each load on a receiver of its own, and print a table."""
    table = Table("spans a request", "requests/s", "spans/s", "p50 ms", "p99 ms", "CPU µs a span")
    for load in _LOADS:
        with TemporaryDirectory() as folder, _receiver(Path(folder)) as (url, meter):
            begun, used = time.monotonic(), meter.cpu_seconds()
            seconds = sorted(_send(url, load))
            lasted, used = time.monotonic() - begun, meter.cpu_seconds() - used
        spans = load.requests * load.spans
        table.add_row(
            str(load.spans),
            f"{load.requests / lasted:.0f}",
            f"{spans / lasted:,.0f}",
            f"{seconds[len(seconds) // 2] * 1e3:.1f}",
            f"{seconds[len(seconds) * 99 // 100] * 1e3:.1f}",
            f"{used / spans * 1e6:.0f}",
        )
    Console().print(table)


@contextmanager
def _receiver(folder: Path) -> Iterator[tuple[str, Meter]]:
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "kafkascope_demo", "otlp-receiver", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--database", str(folder / "otlp.sqlite3")], stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url), 30, "the receiver answers")
        yield url, Meter([process.pid])
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def _send(url: str, load: _Load) -> list[float]:
    """Send a load, and give the seconds that each answer took."""
    sessions = threading.local()

    def send(_: int) -> float:
        if not hasattr(sessions, "session"):
            sessions.session = requests.Session()
        body = _request(load.spans)
        begun = time.monotonic()
        answer = sessions.session.post(
            f"{url}/v1/traces", data=body, headers={"Content-Type": "application/x-protobuf"}
        )
        answer.raise_for_status()
        return time.monotonic() - begun

    with ThreadPoolExecutor(_SENDERS) as senders:
        return list(senders.map(send, range(load.requests)))


def _request(spans: int) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "bench"
    scope = resource.scope_spans.add()
    for number in range(spans):
        if number % _SPANS_OF_TRACE == 0:
            trace, parent = os.urandom(16), b""
        span = scope.spans.add(trace_id=trace, span_id=os.urandom(8), parent_span_id=parent)
        parent = span.span_id
        span.name = "POST /kafka/produce"
        span.start_time_unix_nano = time.time_ns()
        span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000
        for attribute in range(_ATTRIBUTES):
            value = span.attributes.add(key=f"messaging.attribute.{attribute}").value
            value.string_value = f"value {attribute}"
    return bytes(request.SerializeToString())


if __name__ == "__main__":
    main()
