"""Serves the application: listeners, TLS, deadlines for slow clients, and a clean end."""

import asyncio
import errno
import logging
import os
import resource
import signal
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any, cast

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from kafkascope_exporter.config import Web

log = logging.getLogger(__name__)

_KEEP_ALIVE = 125  # Prometheus scrapes once a minute by default and keeps its connection
_MAX_HEADERS = 16 * 1024
_BACKLOG = 1024
# Left to itself, Linux grows the send buffer of a connection to 3.3 MB, which makes scrapes quick,
# but would let each client that does not read pin so much: only some may (docs/adr/0003).
_ROOMY_CONNECTIONS = 32
_SEND_BUFFER = 256 * 1024


class ServerError(Exception):
    """The listener cannot be set up; the text names the flag and the reason."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long clients may take, in seconds.

    ``headers`` is for the whole head of a request, from its first byte or from the connection;
    ``response`` for reading a whole response, from the moment at which the client falls behind;
    ``drain`` for the responses under way when the exporter is asked to end.
    """

    headers: float = 10.0
    response: float = 30.0
    drain: int = 5


_DEADLINES = Deadlines()


class DeadlineProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which by itself waits forever for headers and for slow readers.

    Args:
        deadlines: for its clients.
        uvicorns: what uvicorn gives to a protocol.
    """

    def __init__(self, deadlines: Deadlines, **uvicorns: Any) -> None:  # noqa: ANN401 - uvicorn's own signature
        super().__init__(**uvicorns)
        self._headers_due = _Deadline(deadlines.headers)
        self._response_due = _Deadline(deadlines.response)

    @property
    def _responding(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Expect a request's headers from the first moment."""
        super().connection_made(transport)
        # asyncio does so only for sockets whose protocol number is set, and create_server leaves
        # it 0; without, the end of a response waits for the client's delayed acknowledgement.
        connection = transport.get_extra_info("socket")
        with suppress(OSError):  # macOS refuses when the client is gone already
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if len(self.connections) > _ROOMY_CONNECTIONS:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        # Paused then means that the client has not taken everything, however little is left:
        # without that, closing would wait forever for a client that never reads the rest. Not 0,
        # which TLS transports reach with nothing in the buffer: they would pause, and stay so.
        transport.set_write_buffer_limits(high=1, low=0)
        self._headers_due.start(self.loop, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Expect the rest of headers that have begun, until they are complete."""
        super().data_received(data)
        if self._responding:
            self._headers_due.stop()
        else:
            self._headers_due.start(self.loop, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Answer garbage; hang up if it follows a request whose answer has begun."""
        answerable = self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}
        if self._responding:
            self.cycle.disconnected = True
        if answerable:
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Expect the client to read on."""
        super().pause_writing()
        self._response_due.start(self.loop, self.transport.abort)

    def resume_writing(self) -> None:
        """See that the client has read what there was."""
        super().resume_writing()
        if not self._responding:
            self._response_due.stop()

    def on_response_complete(self) -> None:
        """See that nothing but the unread rest is left of a response."""
        if not self.flow.write_paused:
            self._response_due.stop()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget all deadlines."""
        super().connection_lost(exc)
        self._headers_due.stop()
        self._response_due.stop()


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
    """uvicorn's server, which by itself lets slow clients keep it from ending.

    Args:
        config: uvicorn's.
        drain: seconds for the responses under way; a second signal takes them away.
    """

    def __init__(self, config: uvicorn.Config, drain: float) -> None:
        super().__init__(config)
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note a signal; the second one, of either kind, forces the end."""
        self.force_exit = self.should_exit
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, with the connections that are left after the drain cut off."""
        log.info("stopping: responses under way have %s s", self._drain)
        cutting = asyncio.create_task(self._cut_off())
        await super().shutdown(sockets)
        cutting.cancel()

    async def _cut_off(self) -> None:
        ends_at = time.monotonic() + self._drain
        while not self.force_exit and time.monotonic() < ends_at:  # noqa: ASYNC110 - a signal sets it
            await asyncio.sleep(0.05)
        for connection in list(self.server_state.connections):
            if isinstance(connection, DeadlineProtocol):
                connection.transport.abort()


def listen(web: Web) -> list[socket.socket]:
    """Bind ``--web.listen-address``; no host means IPv4 and IPv6.

    Raises:
        ServerError: it cannot be bound.
    """
    _allow_many_connections()
    host, port = web.listen_host, web.listen_port
    try:
        return _bind_each(host, port) if host not in {"", "::"} else [_bind_all(port)]
    except OSError as error:
        shown = f"[{host}]" if ":" in host else host
        raise ServerError(f"--web.listen-address={shown}:{port}: {_reason(error)}") from error


def _bind_all(port: int) -> socket.socket:
    """Bind all addresses of this machine, by one socket where it has IPv6."""
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    return socket.create_server(("", port), family=family, dualstack_ipv6=both, backlog=_BACKLOG)


def _bind_each(host: str, port: int) -> list[socket.socket]:
    """Bind all addresses of ``host`` that this machine has: a container may lack ``::1``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    bound, absent = [], OSError()
    for address, family in {address: family for family, _, _, _, address in found}.items():
        try:
            there = (str(address[0]), port)
            bound.append(socket.create_server(there, family=family, backlog=_BACKLOG))
        except OSError as error:
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                raise
            absent = error
    if not bound:
        raise absent
    return bound


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno is None:
        return str(error.strerror or error)
    return os.strerror(error.errno)  # socket.create_server's own text repeats the address


def serve(
    application: ASGIApp,
    web: Web,
    sockets: Sequence[socket.socket],
    deadlines: Deadlines = _DEADLINES,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the responses under way.

    Args:
        application: what answers.
        web: TLS settings and the path to log.
        sockets: bound by `listen`; closed at the end.
        deadlines: for clients.

    Raises:
        ServerError: a TLS file cannot be used.
    """
    config = uvicorn.Config(
        application,
        http=cast("type[asyncio.Protocol]", partial(DeadlineProtocol, deadlines)),
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=deadlines.drain + 1,  # the connections are cut off before
        h11_max_incomplete_event_size=_MAX_HEADERS,
    )
    config.load()
    config.ssl = _tls(web) if web.tls.enabled else None
    server = _Server(config, deadlines.drain)
    # uvicorn sets the same for as long as it runs; before that a signal must not be lost, and
    # after that it raises the signal once more.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    signal.signal(signal.SIGHUP, _not_reloading)
    for bound in sockets:
        log.info("serving %s", _url(bound, web))
    server.run(list(sockets))


def _url(bound: socket.socket, web: Web) -> str:
    address, port = bound.getsockname()[:2]
    scheme = "https" if web.tls.enabled else "http"
    shown = f"[{address}]" if ":" in address else address
    return f"{scheme}://{shown}:{port}{web.telemetry_path}"


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


def _not_reloading(*_: object) -> None:
    log.info("SIGHUP: settings are read at start only; restart to change them")
