"""When is a cluster ready: when each of its brokers says that all of them are there."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

_SILENT: Final = logging.getLogger("kafkascope_demo.localkafka.silent")
_SILENT.setLevel(logging.CRITICAL + 1)  # a broker that is not there yet is no news
_PAUSE_S: Final = 0.1
_ANSWER_S: Final = 2.0
_CONNECT_S: Final = 0.5


def brokers_seen(address: str, security: Mapping[str, str]) -> frozenset[int]:
    """Ask one broker which brokers there are; empty when it does not answer.

    Args:
        address: The broker's ``host:port``.
        security: Client properties of the listener, in librdkafka's names.
    """
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_S).close()
    except OSError:
        return frozenset()
    client = AdminClient(
        {**security, "bootstrap.servers": address, "socket.timeout.ms": 2000}, logger=_SILENT
    )
    try:
        return frozenset(client.list_topics(timeout=_ANSWER_S).brokers)
    except KafkaException:
        return frozenset()


def wait_until_ready(
    addresses: Mapping[int, str],
    security: Mapping[str, str],
    *,
    deadline_s: float,
    check: Callable[[], None],
    answered: Callable[[Collection[int]], None],
) -> frozenset[int]:
    """Wait until each of some brokers lists all of them.

    Args:
        addresses: ``host:port`` by broker id.
        security: Client properties of the listener, in librdkafka's names.
        deadline_s: Seconds to wait at most.
        check: Called between the questions; raises when waiting has become pointless.
        answered: Told which brokers are ready, each time one more is.

    Returns:
        The brokers that are not ready: none when all went well.
    """
    ends_at = time.monotonic() + deadline_s
    missing = frozenset(addresses)
    while missing and time.monotonic() < ends_at:
        check()
        ready = {
            number
            for number in sorted(missing)
            if brokers_seen(addresses[number], security) >= frozenset(addresses)
        }
        if ready:
            missing -= ready
            answered(frozenset(addresses) - missing)
        if missing:
            time.sleep(_PAUSE_S)
    return missing
