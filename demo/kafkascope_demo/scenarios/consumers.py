"""Faults of the consumers: stuck, slow, dead, fed with poison, made to rebalance."""

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses, Parts
from kafkascope_demo.scenarios.kafkaclients import (
    join_and_leave,
    repeating,
    send,
    trickle,
)

_EXPIRES_S: Final = 60
_RENEW_S: Final = 15.0
_SLOW_S: Final = 1.0
_EVENTS_PER_SECOND: Final = 20.0
"""Ten times what two slow consumers manage."""
_COMMITS_S: Final = 60.0
_MEMBER_S: Final = 4.0
_PAUSE_S: Final = 4.0
_BACK_S: Final = 60.0


@contextlib.contextmanager
def stuck(parts: Parts) -> Iterator[None]:
    """Let every consumer poll without processing, once the group has committed anything at all."""
    _let_commit(parts.addresses())
    with _processing(parts.addresses(), "stuck"):
        yield


def _let_commit(addresses: Addresses) -> None:
    """Send events until the group has a commit: without one it has no lag to be seen."""
    name, group = "kafka_consumergroup_current_offset_sum", addresses.group
    ends_at = time.monotonic() + _COMMITS_S
    with trickle(addresses, _EVENTS_PER_SECOND):
        while time.monotonic() < ends_at:
            if web.get_metrics(addresses.exporter).select(name, consumergroup=group):
                return
            time.sleep(1)


@contextlib.contextmanager
def slow(parts: Parts) -> Iterator[None]:
    """Let every consumer take its time."""
    with _processing(parts.addresses(), "slow"):
        yield


@contextlib.contextmanager
def _processing(addresses: Addresses, how: str) -> Iterator[None]:
    """Set the consumers' fault switch, and renew it: it expires if this process ends."""
    body: dict[str, str | float] = {
        "processing": how,
        "delay_seconds": _SLOW_S,
        "expires_seconds": _EXPIRES_S,
    }

    def switch() -> None:
        for consumer in addresses.consumers:
            web.request("PUT", f"{consumer}/faults", json=body)

    switch()
    try:
        with trickle(addresses, _EVENTS_PER_SECOND), repeating(switch, _RENEW_S):
            yield
    finally:
        for consumer in addresses.consumers:
            web.request("DELETE", f"{consumer}/faults")


@contextlib.contextmanager
def dead(parts: Parts) -> Iterator[None]:
    """Stop every consumer."""
    names = [name for name in parts.names() if name.startswith("consumer")]
    try:
        for name in names:
            parts.stop(name)
        with trickle(parts.addresses()):
            yield
    finally:
        for name in names:
            parts.start(name)


@contextlib.contextmanager
def poison(parts: Parts) -> Iterator[None]:
    """Write what is no event, every second."""
    addresses = parts.addresses()
    send(addresses, addresses.topic, [b"\xff not an event"])
    with repeating(lambda: send(addresses, addresses.topic, [b"\xff not an event"]), 1.0):
        yield


@contextlib.contextmanager
def storm(parts: Parts) -> Iterator[None]:
    """Let one more member come and go."""
    addresses = parts.addresses()
    with repeating(lambda: join_and_leave(addresses, _MEMBER_S), _PAUSE_S):
        yield
    _wait_for_assignment(addresses)


def _wait_for_assignment(addresses: Addresses) -> None:
    """Wait until the consumers have partitions again, as the next scenario expects them."""
    ends_at = time.monotonic() + _BACK_S
    while time.monotonic() < ends_at:
        with contextlib.suppress(web.WebError):
            held = [web.get_json(f"{url}/assignment")["partitions"] for url in addresses.consumers]
            if held and all(held):
                return
        time.sleep(0.5)
