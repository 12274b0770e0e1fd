"""Serves a WSGI application by waitress, and ends without breaking off an answer."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from waitress import wasyncore
from waitress.server import create_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_BACKLOG: Final = 1024
_CONNECTIONS: Final = 2000
_MOST_BYTES: Final = 8 * 1024 * 1024
_PAUSE_S: Final = 0.02

# It warns of every request that waits for a thread; the latency histogram says that better.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class HttpServer:
    """A WSGI application on a port.

    Args:
        application: What answers.
        host: Address to listen on.
        port: Port to listen on.
        threads: How many requests it works on at a time.
        most_bytes: What it buffers of a request for an application, which has a lower limit and a
            better answer of its own.

    Raises:
        OSError: The address cannot be listened on.
    """

    def __init__(
        self,
        application: WSGIApplication,
        host: str,
        port: int,
        threads: int,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._application = application
        self._under_way = 0
        self._lock = threading.Lock()
        self._server = create_server(
            self._count,
            sockets=[_listen(host, port)],
            threads=threads,
            backlog=_BACKLOG,
            connection_limit=_CONNECTIONS,
            asyncore_use_poll=True,
            max_request_body_size=most_bytes,
            ident="kafkascope-demo",
        )
        # A daemon: what is left of its connections after close() ends with the process.
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.effective_port)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Take no connection any more, and wait until the requests under way are answered.

        Args:
            timeout_s: Seconds to wait for them.
        """
        self._server.trigger.pull_trigger(lambda: wasyncore.dispatcher.close(self._server))
        ends_at = time.monotonic() + timeout_s
        while self._is_busy() and time.monotonic() < ends_at:
            time.sleep(_PAUSE_S)
        self._server.task_dispatcher.shutdown(timeout=1)

    def _is_busy(self) -> bool:
        with self._lock:
            if self._under_way:
                return True
        channels = list(self._server.active_channels.values())
        return any(channel.requests or channel.total_outbufs_len for channel in channels)

    def _count(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            self._under_way += 1
        try:
            return self._application(environ, start_response)
        finally:
            with self._lock:
                self._under_way -= 1


def _listen(host: str, port: int) -> socket.socket:
    """Bind the first address of a host; waitress would serve each one of them by a server apart."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError:
        with contextlib.suppress(OSError):
            listening.close()
        raise
    return listening
