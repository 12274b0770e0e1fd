"""Whether Kafka answers, asked so rarely that probes may ask as often as they like."""

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from confluent_kafka import KafkaException

_KEEP_S: Final = 5.0
_TIMEOUT_S: Final = 2.0


class _Client(Protocol):
    def list_topics(self, topic: str, timeout: float) -> object:
        """Ask for a topic's metadata."""


class KafkaReachable:
    """Asks for the metadata of one topic, at most every five seconds, one request at a time.

    Args:
        client: Makes the request.
        topic: Whose metadata; it must be there, or the brokers may make it.
        clock: Seconds that only grow.
    """

    def __init__(
        self, client: _Client, topic: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._topic = topic
        self._clock = clock
        self._asking = threading.Lock()
        self._asked_at: float | None = None
        self._problem: str | None = None

    def problem(self) -> str | None:
        """Say why Kafka does not answer; None when it does."""
        if self._asking.acquire(blocking=self._asked_at is None):
            try:
                if self._asked_at is None or self._clock() - self._asked_at >= _KEEP_S:
                    self._problem = self._ask()
                    self._asked_at = self._clock()
            finally:
                self._asking.release()
        return self._problem

    def _ask(self) -> str | None:
        try:
            self._client.list_topics(self._topic, timeout=_TIMEOUT_S)
        except KafkaException as error:
            return f"Kafka does not answer: {error.args[0].str()}"
        except RuntimeError:  # the client is closed
            return "the service is stopping"
        return None
