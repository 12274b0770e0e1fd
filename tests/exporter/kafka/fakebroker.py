"""A broker on a local socket that knows just enough to be connected to, and that can be rude."""

import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from kafka.protocol.metadata import ApiVersionsResponse, MetadataResponse
from kafka.protocol.sasl import SaslAuthenticateResponse, SaslHandshakeResponse

_METADATA: Final = 3
_SASL_HANDSHAKE: Final = 17
_API_VERSIONS: Final = 18
_SASL_AUTHENTICATE: Final = 36
OFFSET_FETCH: Final = 9

_NEWEST: Final = {_METADATA: 9, _SASL_HANDSHAKE: 1, _API_VERSIONS: 3, _SASL_AUTHENTICATE: 1}
_UNSUPPORTED_MECHANISM: Final = 33
_ILLEGAL_STATE: Final = 34
_FAILED: Final = 58
_LARGEST_REQUEST: Final = 100 << 20


class FakeBroker:
    """Answers ApiVersions, a login by PLAIN or OAUTHBEARER, and Metadata.

    Args:
        mechanisms: what it offers; nothing when it takes no login.
        tls: makes it speak TLS.
        versions: newest versions of more APIs, by key.
        host: the name under which metadata tell it.

    Attributes:
        refuses: whether it refuses every login.
        connections: how many it has accepted.
        logins: how many have sent credentials.
        peers: whom metadata name, by id.
    """

    def __init__(
        self,
        mechanisms: Sequence[str] = (),
        tls: ssl.SSLContext | None = None,
        versions: Mapping[int, int] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.mechanisms = list(mechanisms)
        self.tls = tls
        self.versions = {**_NEWEST, **(versions or {})}
        self.host = host
        self.refuses = False
        self.connections = 0
        self.logins = 0
        self.peers: dict[int, FakeBroker] = {1: self}
        self._open: list[socket.socket] = []
        broker = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError, struct.error):
                    broker.serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self.address = f"{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05])
        self._thread.start()

    def serve(self, connection: socket.socket) -> None:
        """Answer until either side has enough."""
        self.connections += 1
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        self._open.append(connection)
        logged_in = not self.mechanisms
        with connection, connection.makefile("rb") as stream:
            while True:
                (size,) = struct.unpack(">i", stream.read(4))
                if size > _LARGEST_REQUEST:
                    return
                key, version, correlation = struct.unpack(">hhi", stream.read(size)[:8])
                if key == _METADATA and not logged_in:
                    return
                response = self._respond(key, version)
                response.with_header(correlation_id=correlation)
                connection.sendall(response.encode(framed=True, header=True))
                logged_in = logged_in or (key == _SASL_AUTHENTICATE and not response.error_code)
                if key != _API_VERSIONS and response.error_code:
                    return

    def drop_connections(self) -> None:
        """Close all that are open."""
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self.drop_connections()
        self._server.server_close()
        self._thread.join()

    def _respond(self, key: int, version: int) -> Any:  # noqa: ANN401 - kafka-python is untyped
        if key == _API_VERSIONS:
            keys = [ApiVersionsResponse.ApiVersion(k, 0, v) for k, v in self.versions.items()]
            return ApiVersionsResponse(version=version, error_code=0, api_keys=keys)
        if key == _SASL_HANDSHAKE:
            code = _UNSUPPORTED_MECHANISM if self.mechanisms else _ILLEGAL_STATE
            good = "PLAIN" in self.mechanisms or "OAUTHBEARER" in self.mechanisms
            return SaslHandshakeResponse(
                version=version, error_code=0 if good else code, mechanisms=self.mechanisms
            )
        if key == _SASL_AUTHENTICATE:
            self.logins += 1
            return SaslAuthenticateResponse(
                version=version,
                error_code=_FAILED if self.refuses else 0,
                error_message="Authentication failed" if self.refuses else None,
                auth_bytes=b"",
                session_lifetime_ms=0,
            )
        return self._metadata(version)

    def _metadata(self, version: int) -> Any:  # noqa: ANN401 - kafka-python is untyped
        made = MetadataResponse.MetadataResponseBroker
        brokers = [made(i, peer.host, peer.port, None) for i, peer in self.peers.items()]
        response = MetadataResponse(
            version=version, throttle_time_ms=0, brokers=brokers, cluster_id="c", controller_id=1
        )
        response.topics = []
        response.error_code = 0
        return response


@contextmanager
def brokers(*made: FakeBroker, peers: Mapping[int, FakeBroker] | None = None) -> Iterator[None]:
    """Let them know each other, as 1, 2 and so on if not given, and end them."""
    for broker in made:
        broker.peers = dict(peers or enumerate(made, start=1))
    try:
        yield
    finally:
        for broker in made:
            broker.close()
