"""`kafkascope-exporter` as a process of its own, as its users run it."""

import http.client
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PORT: Final = 9308
_GRACE_S: Final = 10
_SCRAPE_TIMEOUT_S: Final = 10


class ExporterError(Exception):
    """The exporter does not run; the text is one line that names its log."""


class ExporterProcess:
    """Starts the exporter against a cluster and scrapes it.

    Args:
        bootstrap_servers: the cluster's brokers, comma-separated.
        log: the file that the exporter's log goes to.
        arguments: more flags.
        port: where it listens; if None, `PORT`, or a free one when that is taken.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        log: Path,
        arguments: Sequence[str] = (),
        port: int | None = None,
    ) -> None:
        self.port: Final = port or (PORT if _is_free(PORT) else free_port())
        self._log = log
        self._command = [
            *(sys.executable, "-m", "kafkascope_exporter"),
            f"--kafka.server={bootstrap_servers}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            *arguments,
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves its pages."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; in a session of its own, so that Ctrl-C reaches it only through `stop`."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def stop(self) -> None:
        """Stop it and wait until it is gone."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def scrape(self) -> str | None:
        """Give `/metrics` as text, or None while it is not up yet.

        Raises:
            ExporterError: Its process has ended.
        """
        if self._process is None or self._process.poll() is not None:
            raise ExporterError(f"the exporter has ended; its log: {self._log}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SCRAPE_TIMEOUT_S)
        try:
            connection.request("GET", "/metrics")
            return str(connection.getresponse().read(), "utf-8")
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port() -> int:
    """Find a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
