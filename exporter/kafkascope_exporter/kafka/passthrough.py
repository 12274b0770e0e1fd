"""Properties of librdkafka that ``--kafka.property`` gives, as far as kafka-python has them."""

import socket
from collections.abc import Callable, Mapping
from typing import Any

from kafkascope_exporter.kafka.tls import HONOURED

_NEVER_MS = 2**31 - 1


def _idle(value: str) -> int:
    return int(value) or _NEVER_MS  # 0 means never in librdkafka, and at once in kafka-python


_CONFIGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "client.dns.lookup": ("client_dns_lookup", str),
    "connections.max.idle.ms": ("connections_max_idle_ms", _idle),
    "max.in.flight": ("max_in_flight_requests_per_connection", int),
    "max.in.flight.requests.per.connection": ("max_in_flight_requests_per_connection", int),
    "metadata.max.age.ms": ("metadata_max_age_ms", int),
    "receive.message.max.bytes": ("receive_message_max_bytes", int),
    "reconnect.backoff.max.ms": ("reconnect_backoff_max_ms", int),
    "reconnect.backoff.ms": ("reconnect_backoff_ms", int),
    "socket.connection.setup.timeout.ms": ("socket_connection_setup_timeout_ms", int),
    "socket.timeout.ms": ("request_timeout_ms", int),
}
_BUFFERS = {
    "socket.receive.buffer.bytes": socket.SO_RCVBUF,
    "socket.send.buffer.bytes": socket.SO_SNDBUF,
}


def kafka_python_counterparts(properties: Mapping[str, str]) -> dict[str, Any]:
    """Translate the properties that kafka-python knows by another name.

    Raises:
        ValueError: a value is not a number where one is needed; the message names the property.
    """
    configs = {}
    for name, value in properties.items():
        if name in _CONFIGS:
            config, read = _CONFIGS[name]
            configs[config] = _read(name, value, read)
    return configs


def socket_buffers(properties: Mapping[str, str]) -> list[tuple[int, int, int]]:
    """Give the socket options of the properties that size the buffers.

    Raises:
        ValueError: a value is not a number; the message names the property.
    """
    sizes = [
        (_BUFFERS[name], _read(name, properties[name], int))
        for name in _BUFFERS
        if name in properties
    ]
    return [(socket.SOL_SOCKET, option, size) for option, size in sizes if size]


def for_librdkafka_only(properties: Mapping[str, str]) -> list[str]:
    """List the properties that kafka-python has nothing like."""
    return sorted(set(properties) - set(_CONFIGS) - set(_BUFFERS) - HONOURED)


def _read(name: str, value: str, read: Callable[[str], Any]) -> Any:  # noqa: ANN401 - a config's value
    try:
        return read(value)
    except ValueError:
        raise ValueError(f"--kafka.property {name}={value} is not a number") from None
