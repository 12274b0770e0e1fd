"""Sockets that tell kafka-python all they received, and that close when their connection fails.

kafka-python drops what comes in the same breath as the end of a connection: that is where brokers
say why they refuse a login. It drops failed sockets unclosed, in reference cycles: against a
cluster that is down, a process that collects garbage seldom would run out of descriptors. And it
sets no deadline to a TLS handshake, so that one silent broker would keep a collection for ever.
And it resolves names on the thread that serves all connections, and takes the first bytes of
whatever answers for the size of a message, for which it makes room: 352 MB for an alert of TLS.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar

from kafka.errors import KafkaConnectionError, KafkaTimeoutError
from kafka.net.inet import KafkaNetSocket

from kafkascope_exporter.kafka.resolving import Resolver

SCHEME = "direct"
PROXY_URL = f"{SCHEME}://"
"""The config ``proxy_url`` that makes kafka-python connect through `DirectSocket`."""

# kafka-python asks for 4 KiB at a time, in a loop until there is nothing more.
_CHUNK = 1 << 16
_NO_DEADLINE_S = 30.0

_SIZE_BYTES = 4
_LARGEST_GREETING = 1 << 20
_TLS_ALERT = b"\x15\x03"


class PlainSocket(socket.socket):
    """Reports the end of the connection only after a pause behind the last bytes.

    What cannot be a Kafka broker's first words ends the connection.
    """

    secured: "SecureSocket | None" = None
    """What has taken this connection over for TLS."""
    _just_received = False
    _greeted = False

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive, and more at a time than asked for."""
        try:
            received = super().recv(max(bufsize, _CHUNK), flags)
        except OSError:
            self._just_received = False
            raise
        if not received and self._just_received:
            self._just_received = False
            raise BlockingIOError
        if not self._greeted:
            _check_greeting(received)
            self._greeted = True
        self._just_received = bool(received)
        return received


def _check_greeting(received: bytes) -> None:
    """Raise `ConnectionError` unless a small message begins here, as API versions are."""
    if received.startswith(_TLS_ALERT):
        raise ConnectionAbortedError("the listener speaks TLS")
    if int.from_bytes(received[:_SIZE_BYTES], "big") > _LARGEST_GREETING:
        raise ConnectionAbortedError("the listener does not speak Kafka's protocol")


class SecureSocket(PlainSocket, ssl.SSLSocket):  # type: ignore[misc] # recv's arguments differ by name
    """The same with TLS; closes when its handshake fails."""

    _shaken = False
    _given_up = False

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of ssl
        """Shake hands, or close and raise."""
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            self.close()
            if self._given_up:
                raise TimeoutError("the broker did not answer in time") from None
            raise
        self._shaken = True

    def give_up(self) -> None:
        """Make a handshake that is still under way fail."""
        if self._shaken or self.fileno() < 0:
            return
        self._given_up = True
        with suppress(OSError):
            socket.socket.shutdown(self, socket.SHUT_RDWR)


class DirectSocket(KafkaNetSocket):  # type: ignore[misc] # kafka-python is untyped
    """Connects without a proxy; kafka-python knows it by its scheme."""

    SCHEMES = (SCHEME,)
    resolver: ClassVar[Resolver] = Resolver()
    """One for the process, as the names are the same for all connections."""

    def dns_lookup(self, host: str, port: int, raise_error: bool = False) -> list[tuple[str, int]]:  # noqa: FBT001, FBT002, ARG002 - kafka-python's signature
        """Leave the name to `connect`: kafka-python would wait here for the resolver."""
        return [(host, port)]

    async def connect(
        self,
        net: Any,  # noqa: ANN401 - kafka-python is untyped
        addrinfo: tuple[str, int],
        socket_options: Sequence[tuple[int, int, int]] = (),
        timeout_at: float | None = None,
    ) -> PlainSocket:
        """Connect to the first address of the name that lets us."""
        until = time.monotonic() + _NO_DEADLINE_S if timeout_at is None else timeout_at
        last: Exception = KafkaConnectionError("cannot resolve the name: it has no address")
        addresses = await self.resolver.resolve(net, *addrinfo, until)
        for tried, address in enumerate(addresses):
            # An address that says nothing leaves their share of the time to those after it.
            now = time.monotonic()
            share = now + (until - now) / (len(addresses) - tried)
            try:
                connected: PlainSocket = await super().connect(
                    net, address, socket_options, timeout_at=share
                )
            except (OSError, KafkaConnectionError, KafkaTimeoutError) as error:
                last = error
            else:
                return connected
        raise last

    def socket(
        self,
        family: int = socket.AF_UNSPEC,
        sock_type: int = socket.SOCK_STREAM,
        proto: int = socket.IPPROTO_TCP,
    ) -> PlainSocket:
        """Make an unconnected socket."""
        return PlainSocket(family, sock_type, proto)

    async def sock_connect(
        self,
        net: Any,  # noqa: ANN401 - kafka-python is untyped
        sock: PlainSocket,
        sockaddr: Any,  # noqa: ANN401
        timeout_at: float | None = None,
    ) -> PlainSocket:
        """Connect, or close the socket and raise; a handshake has the same deadline."""
        try:
            await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise

        def give_up() -> None:
            if sock.secured:
                sock.secured.give_up()

        if timeout_at is not None:
            net.call_at(timeout_at, give_up)
        return sock
