"""Names of brokers to addresses, without ever holding up the network thread.

The system's resolver blocks, for 5 to 30 seconds when its servers are silent, and kafka-python
calls it on the thread that serves all connections: one broker that reconnects would stall the
calls to all others.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from kafka.errors import KafkaConnectionError, KafkaTimeoutError

from kafkascope_exporter.kafka.offthread import settled

Addresses = list[tuple[Any, ...]]
"""What `socket.getaddrinfo` gives."""

GOOD_FOR = 300.0
"""Seconds for which an address may stand in for an answer that the resolver does not give."""

_PATIENCE = 1.0


def look_up(host: str, port: int) -> Addresses:
    """Ask the system's resolver; blocks."""
    return socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)


class Resolver:
    """Looks each name up on a thread of its own, one at a time for a name.

    When the resolver is silent for a second, or says that it cannot tell for now, the addresses
    that it gave last are good for another `GOOD_FOR` seconds. When it says that there is no such
    name they are not: another cluster's broker may have got the address.

    Args:
        lookup: host and port → addresses; raises `OSError`.
    """

    def __init__(self, lookup: Callable[[str, int], Addresses] = look_up) -> None:
        self._lookup = lookup
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[Addresses]] = {}
        self._last: dict[tuple[str, int], tuple[float, Addresses]] = {}

    async def resolve(self, net: Any, host: str, port: int, until: float) -> Addresses:  # noqa: ANN401 - kafka-python is untyped
        """Give the addresses of ``host``; for kafka-python's event loop ``net``.

        Args:
            net: the loop, which goes on meanwhile.
            host: a name, or an address, which needs no looking up.
            port: goes into the addresses.
            until: when to give up, on the clock of `time.monotonic`.

        Raises:
            KafkaConnectionError: there is no such name, or the resolver cannot tell.
            KafkaTimeoutError: the resolver did not answer in time.
        """
        if _is_address(host):
            return look_up(host, port)
        lookup = self._begin(host, port)
        last = self._last_good(host, port)
        await settled(net, lookup, min(until, time.monotonic() + _PATIENCE) if last else until)
        if not lookup.done():
            if last:
                return last
            raise KafkaTimeoutError("the name was not resolved in time")
        try:
            return lookup.result()
        except (OSError, UnicodeError) as error:
            if last and isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                return last
            why = getattr(error, "strerror", None) or error
            raise KafkaConnectionError(f"cannot resolve the name: {why}") from None

    def _last_good(self, host: str, port: int) -> Addresses:
        at, addresses = self._last.get((host, port), (0.0, []))
        return addresses if time.monotonic() - at < GOOD_FOR else []

    def _begin(self, host: str, port: int) -> "Future[Addresses]":
        with self._lock:
            if (host, port) not in self._under_way:
                lookup: Future[Addresses] = Future()
                threading.Thread(
                    target=self._run, args=[host, port, lookup], name="resolve", daemon=True
                ).start()
                self._under_way[host, port] = lookup
            return self._under_way[host, port]

    def _run(self, host: str, port: int, lookup: "Future[Addresses]") -> None:
        try:
            addresses = self._lookup(host, port)
        except Exception as error:  # noqa: BLE001 - whatever it is, the name must not stay under way
            self._end(host, port)
            lookup.set_exception(error)
        else:
            self._last[host, port] = time.monotonic(), addresses
            self._end(host, port)
            lookup.set_result(addresses)

    def _end(self, host: str, port: int) -> None:
        with self._lock:
            del self._under_way[host, port]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
