"""Loopback ports for brokers and controllers."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka.distribution import cache_directory, exclusive
from kafkascope_demo.localkafka.errors import LocalKafkaError

# Below every platform's ephemeral range: while a broker is stopped, no client's outgoing
# connection can be given its port.
_FIRST: Final = 20_000
_LAST: Final = 30_000
_TRIES: Final = 200


def taken(port: int) -> bool:
    """Whether something listens on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def free_ports(count: int, avoid: range = range(0)) -> list[int]:
    """Find a block of consecutive free ports.

    Blocks are given out in turn to all processes of a user, so that two clusters that start at
    once get different ones, and a stopped broker's ports are not given away.

    Args:
        count: How many.
        avoid: Ports that are spoken for.

    Raises:
        LocalKafkaError: No such block was found.
    """
    turn = cache_directory() / "next-port"
    with exclusive(turn.with_suffix(".lock")):
        first = _next(turn)
        for _ in range(_TRIES):
            if first + count > _LAST:
                first = _FIRST
            block = list(range(first, first + count))
            first += count
            if not any(port in avoid or taken(port) for port in block):
                turn.write_text(f"{first}\n", encoding="utf-8")
                return block
    raise LocalKafkaError(f"no {count} free consecutive ports between {_FIRST} and {_LAST}")


def _next(turn: Path) -> int:
    """The port at which the search goes on: a random one at a user's first, away from others'."""
    try:
        first = int(turn.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        first = 0
    within = _FIRST <= first < _LAST
    return first if within else random.randrange(_FIRST, _LAST)  # noqa: S311 - guards nothing


def require_free(ports: list[int]) -> None:
    """Refuse ports that something else listens on.

    Raises:
        LocalKafkaError: Names the taken ports.
    """
    busy = [str(port) for port in ports if taken(port)]
    if busy:
        noun = "port is" if len(busy) == 1 else "ports are"
        raise LocalKafkaError(
            f"{noun} taken by another program: {', '.join(busy)}; "
            "choose others with --first-port, or 0 for free ones"
        )
