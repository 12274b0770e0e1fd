"""The exporters that are measured: ours, and the peers on PATH, each as a process of its own."""

import contextlib
import gzip
import http.client
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kafkascope_demo.exporterprocess import free_port

OURS = "kafkascope-exporter"
PEERS = ("kafka_exporter", "kminion")
_START_S = 120
_GRACE_S = 10
_VERSION = re.compile(
    r'^(?:kafka_exporter_build_info|kminion_exporter_up){(?:[^}]*,)?version="([^"]*)"', re.MULTILINE
)


class BenchError(Exception):
    """The bench cannot go on; the text is one line that says why."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """How an exporter is run against a cluster."""

    name: str
    command: tuple[str, ...]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)


def ours(bootstrap_servers: str, interval_s: float) -> Exporter:
    """Run ours as it comes, but for the interval."""
    port = free_port()
    return Exporter(
        OURS,
        (
            str(Path(sys.executable).with_name(OURS)),
            f"--kafka.server={bootstrap_servers}",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--collect.interval={interval_s}s",
        ),
        port,
    )


def peers(bootstrap_servers: str) -> tuple[list[Exporter], list[str]]:
    """Give the peers that are on PATH, ready to run, and the names of those that are not.

    Both collect when they are scraped. kminion asks for the size of all logs too, unless told
    not to; neither ours nor danielqsj's exporter does.
    """
    found, absent = [], []
    for name in PEERS:
        path = shutil.which(name)
        if path is None:
            absent.append(name)
        else:
            found.append(_peer(name, path, bootstrap_servers))
    return found, absent


def _peer(name: str, path: str, bootstrap_servers: str) -> Exporter:
    port = free_port()
    if name == "kminion":
        environment = {
            "KAFKA_BROKERS": bootstrap_servers,
            "EXPORTER_HOST": "127.0.0.1",
            "EXPORTER_PORT": str(port),
            "MINION_CONSUMERGROUPS_SCRAPEMODE": "adminApi",
            "MINION_LOGDIRS_ENABLED": "false",
            "LOGGER_LEVEL": "error",
        }
        return Exporter(name, (path,), port, environment)
    servers = (f"--kafka.server={server}" for server in bootstrap_servers.split(","))
    return Exporter(name, (path, *servers, f"--web.listen-address=127.0.0.1:{port}"), port)


@dataclass(frozen=True, slots=True)
class Running:
    """An exporter that runs."""

    pid: int
    port: int

    def page(self, *, timeout_s: float = 10) -> str:
        """Scrape it as Prometheus does, and give the text.

        Raises:
            BenchError: it does not answer, or with an error.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        with contextlib.closing(connection):
            try:
                connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                raise BenchError(f"no scrape of port {self.port}: {error!r}") from error
        if response.status != http.HTTPStatus.OK:
            raise BenchError(f"a scrape of port {self.port} gave status {response.status}")
        if response.getheader("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return body.decode()


@contextlib.contextmanager
def running(exporter: Exporter, log: Path) -> Iterator[Running]:
    """Run an exporter until its port answers, and end it afterwards.

    Raises:
        BenchError: it ends by itself, or does not listen in two minutes; or what is done with it
            fails. Either way its last words are in the text.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            exporter.command,
            env={**os.environ, **exporter.environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for_port(exporter, process)
        yield Running(process.pid, exporter.port)
    except BenchError as error:
        last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
        raise BenchError(f"{exporter.name}: {error}; its last words: {last[0]}") from error
    finally:
        process.terminate()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_port(exporter: Exporter, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + _START_S
    while time.monotonic() < ends_at:
        if process.poll() is not None:
            raise BenchError(f"it ended with {process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.connect()
            return
        time.sleep(0.1)
    raise BenchError(f"it does not listen after {_START_S} s")


def version(page: str) -> str:
    """Find the exporter's version in its own page."""
    found = _VERSION.search(page)
    return found[1] if found else "unknown version"


def samples(page: str) -> int:
    """Count the samples of a page."""
    return sum(1 for line in page.splitlines() if line and not line.startswith("#"))
