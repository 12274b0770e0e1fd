"""A message as a consumer gives it: confluent-kafka before 2.12 lets nobody make its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from confluent_kafka import KafkaError


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message consists of."""

    topic: str | None = "orders"
    partition: int = 0
    offset: int = 7
    key: bytes | None = None
    value: bytes | None = b"v"
    headers: Any = None
    error: KafkaError | None = None
    timestamp: tuple[int, int] = (0, -1)


class Message:
    """A message with the methods of ``confluent_kafka.Message`` that read it.

    Args:
        parts: Those of ``Parts`` that differ from its own.
    """

    __slots__ = ("_parts",)

    def __init__(self, **parts: Any) -> None:  # noqa: ANN401 - as the fields of Parts have them
        self._parts = replace(Parts(), **parts)

    def topic(self) -> str | None:
        """Return the topic."""
        return self._parts.topic

    def partition(self) -> int:
        """Return the partition."""
        return self._parts.partition

    def offset(self) -> int:
        """Return the offset."""
        return self._parts.offset

    def key(self) -> bytes | None:
        """Return the key."""
        return self._parts.key

    def value(self) -> bytes | None:
        """Return the value."""
        return self._parts.value

    def headers(self) -> Any:  # noqa: ANN401 - whatever a test puts into them
        """Return the headers."""
        return self._parts.headers

    def error(self) -> KafkaError | None:
        """Return the error, if it is an error message."""
        return self._parts.error

    def timestamp(self) -> tuple[int, int]:
        """Return the timestamp's type and its milliseconds."""
        return self._parts.timestamp
