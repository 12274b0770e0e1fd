"""Network addresses as they are written in settings: bootstrap servers and the listener."""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

_KAFKA_PORT = 9092
_HIGHEST_PORT = 65535
_PARTS = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[^:]*))?")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?")


class Listen(NamedTuple):
    """Where to listen; an empty host means every interface, port 0 any free port."""

    host: str
    port: int


def parse_server(text: str) -> str:
    """Read one bootstrap server.

    Args:
        text: ``host``, ``host:port``, ``[IPv6]`` or ``[IPv6]:port``; the port defaults to 9092.

    Returns:
        ``host:port`` or ``[IPv6]:port``.

    Raises:
        ValueError: ``text`` is not such an address; the message says why.
    """
    if "://" in text:
        raise ValueError(f"{text!r} has a protocol: write only host:port")
    host, port = _split(text, "host:port")
    if not host:
        raise ValueError(f"{text!r} names no host: write host:port")
    number = _port(text, port, lowest=1) if port is not None else _KAFKA_PORT
    return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"


def parse_listen(text: str) -> Listen:
    """Read a listen address as Go's ``net.Listen`` does.

    Args:
        text: ``:9308``, ``0.0.0.0:9308``, ``[::]:9308`` or ``host:9308``.

    Raises:
        ValueError: ``text`` is not such an address; the message says why.
    """
    host, port = _split(text, ":9308 or 127.0.0.1:9308")
    if port is None:
        raise ValueError(f"{text!r} has no port: write it as :9308 or 127.0.0.1:9308")
    return Listen(host, _port(text, port, lowest=0))


def _split(text: str, form: str) -> tuple[str, str | None]:
    """Split off the port; the host is checked, and an IPv6 address loses its brackets."""
    parts = _PARTS.fullmatch(text)
    if parts is None:
        hint = ", an IPv6 address in brackets" if text.count(":") > 1 else ""
        raise ValueError(f"{text!r} is not an address: write it as {form}{hint}")
    if parts["six"] is not None:
        return _ipv6(text, parts["six"]), parts["port"]
    if parts["name"] and not _NAME.fullmatch(parts["name"]):
        raise ValueError(f"{text!r} has no valid host name: write it as {form}")
    return parts["name"], parts["port"]


def _ipv6(text: str, host: str) -> str:
    try:
        return str(IPv6Address(host))
    except AddressValueError:
        raise ValueError(f"{text!r} has no IPv6 address between the brackets") from None


def _port(text: str, port: str, lowest: int) -> int:
    if not re.fullmatch("[0-9]{1,5}", port) or not lowest <= int(port) <= _HIGHEST_PORT:
        raise ValueError(f"{text!r}: the port must be a number from {lowest} to {_HIGHEST_PORT}")
    return int(port)
