"""Serves the application: listeners, TLS, deadlines for slow clients, and a clean end."""

import asyncio
import logging
import resource
import signal
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from kafkascope_exporter.config import Web

log = logging.getLogger(__name__)

HEADERS_WITHIN = 10.0
"""Seconds that a client has to send the headers of a request that it has begun or announced."""
READS_WITHIN = 30.0
"""Seconds after which a client is dropped that reads nothing of its response."""
_KEEP_ALIVE = 125  # Prometheus scrapes once a minute by default and keeps its connection
_DRAIN = 5
_MAX_HEADERS = 16 * 1024
_BACKLOG = 1024


class ServerError(Exception):
    """The listener cannot be set up; the text names the flag and the reason."""


class DeadlineProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which by itself waits forever for headers and for slow readers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's own signature
        super().__init__(*args, **kwargs)
        self._headers_due = _Deadline(HEADERS_WITHIN)
        self._reading_due = _Deadline(READS_WITHIN)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Expect a request's headers from the first moment."""
        super().connection_made(transport)
        self._headers_due.start(self.loop, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Expect the rest of headers that have begun, until they are complete."""
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if self.transport.is_closing() or (cycle and not cycle.response_complete):
            self._headers_due.stop()
        else:
            self._headers_due.start(self.loop, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget all deadlines."""
        self._headers_due.stop()
        self._reading_due.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Expect the client to read on."""
        super().pause_writing()
        self._reading_due.start(self.loop, self.transport.abort)

    def resume_writing(self) -> None:
        """See that the client has read."""
        self._reading_due.stop()
        super().resume_writing()


class _Deadline:
    """Calls back ``seconds`` after its start, unless it is stopped before."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
        """Begin, unless it has begun already."""
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, call)

    def stop(self) -> None:
        """End without the call."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Server(uvicorn.Server):
    """uvicorn's server; a second signal of either kind ends it at once."""

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ANN401 - uvicorn's own signature
        self.force_exit = self.should_exit
        super().handle_exit(sig, frame)


def listen(web: Web) -> list[socket.socket]:
    """Bind ``--web.listen-address``; no host means IPv4 and IPv6.

    Raises:
        ServerError: it cannot be bound.
    """
    _allow_many_connections()
    host, port = web.listen_host, web.listen_port
    try:
        if not host or host == "::":
            both = socket.has_dualstack_ipv6()
            family = socket.AF_INET6 if both else socket.AF_INET
            bound = socket.create_server(
                ("", port), family=family, dualstack_ipv6=both, backlog=_BACKLOG
            )
            return [bound]
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = {address: family for family, _, _, _, address in found}
        return [
            socket.create_server((str(address[0]), port), family=family, backlog=_BACKLOG)
            for address, family in addresses.items()
        ]
    except OSError as error:
        shown = f"[{host}]" if ":" in host else host
        reason = error.strerror or str(error)
        raise ServerError(f"--web.listen-address={shown}:{port}: {reason}") from error


def serve(application: Starlette, web: Web, sockets: list[socket.socket]) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests under way.

    Args:
        application: what answers.
        web: TLS settings.
        sockets: bound by `listen`.

    Raises:
        ServerError: a TLS file cannot be used.
    """
    config = uvicorn.Config(
        application,
        http=DeadlineProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_DRAIN,
        h11_max_incomplete_event_size=_MAX_HEADERS,
    )
    config.load()
    config.ssl = _tls(web) if web.tls.enabled else None
    # uvicorn raises the signal that ended it once more when it is done: these make that harmless.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _nothing)
    signal.signal(signal.SIGHUP, _not_reloading)
    for bound in sockets:
        address, port = bound.getsockname()[:2]
        scheme = "https" if web.tls.enabled else "http"
        shown = f"[{address}]" if ":" in address else address
        log.info("serving %s://%s:%d%s", scheme, shown, port, web.telemetry_path)
    _Server(config).run(sockets)


def _tls(web: Web) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    tls = web.tls
    try:
        context.load_cert_chain(str(tls.cert_file), str(tls.key_file))
    except (OSError, ssl.SSLError) as error:
        raise ServerError(f"--server.tls.cert-file, --server.tls.key-file: {error}") from error
    if tls.mutual_auth_enabled:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(str(tls.ca_file))
        except (OSError, ssl.SSLError) as error:
            raise ServerError(f"--server.tls.ca-file={tls.ca_file}: {error}") from error
    return context


def _allow_many_connections() -> None:
    """Let connections have as many descriptors as the system allows this process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _nothing(*_: object) -> None:
    """Take a signal and do nothing."""


def _not_reloading(*_: object) -> None:
    log.info("SIGHUP: settings are read at start only; restart to change them")
