"""Users that write events to Kafka themselves; Kafka's client is loaded when there is one of them.

librdkafka's threads know nothing of gevent: what they have to tell is fetched by one greenlet, and
a user waits for its delivery in gevent's own way. A process has one client for all of its users.
"""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent.event import AsyncResult
from locust import User, constant_throughput, task

from kafkascope_demo.environment import Environment
from kafkascope_demo.load.options import Load
from kafkascope_demo.load.talks import choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kafkascope_demo.events import PayloadFormat
    from kafkascope_tracing import Producer

_POLLED_EVERY_S: Final = 0.005
_FLUSHED_WITHIN_S: Final = 5.0
_FORMATS: Final[tuple[PayloadFormat, ...]] = ("json", "java-tostring")


class DeliveryError(Exception):
    """An event did not get into Kafka."""


class KafkaClient:
    """Writes events, and says when the brokers have them.

    Args:
        variables: Settings as the services have them: ``KAFKA_BOOTSTRAP_SERVERS``,
            ``KAFKA_PROPERTIES_FILE``, ``TOPIC``, ``PAYLOAD_FORMAT``.

    Raises:
        SettingError: A setting is not what it can be.
        KafkaException: The client refuses one.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        from kafkascope_tracing import Producer  # noqa: PLC0415 - users of HTTP do without Kafka

        settings = Environment(variables)
        self.topic = settings.text("TOPIC", "ochacafe-event")
        self._format = settings.choice("PAYLOAD_FORMAT", _FORMATS, "json")
        self._producer: Producer = Producer(
            {"linger.ms": 5, "enable.idempotence": True, "client.id": "locust", **settings.kafka()}
        )
        self._polling = gevent.spawn(self._poll)

    def send(self, chance: random.Random, timeout_s: float | None) -> int:
        """Write an event, and wait until the brokers have it; give the bytes of its value.

        Raises:
            DeliveryError: They do not get it.
        """
        delivered: AsyncResult = AsyncResult()

        def told(error: object, _: object) -> None:
            delivered.set(error)

        value = choose(chance).encode(self._format)
        try:
            self._producer.produce(self.topic, value, on_delivery=told)
        except BufferError as error:
            raise DeliveryError("the client's queue is full") from error
        try:
            failed = delivered.get(timeout=timeout_s)
        except gevent.Timeout as error:
            raise DeliveryError("not delivered in time") from error
        if failed is not None:
            raise DeliveryError(str(failed))
        return len(value)

    def close(self) -> None:
        """Deliver what is left, and end."""
        self._polling.kill()
        ends_at = time.monotonic() + _FLUSHED_WITHIN_S
        while self._producer.flush(0) and time.monotonic() < ends_at:
            gevent.sleep(_POLLED_EVERY_S)

    def _poll(self) -> None:
        while True:
            self._producer.poll(0)
            gevent.sleep(_POLLED_EVERY_S)


_client: KafkaClient | None = None


def shared_client() -> KafkaClient:
    """Give the client of this process; the first call makes it.

    Raises:
        SettingError: A setting is not what it can be.
        KafkaException: The client refuses one.
    """
    global _client  # noqa: PLW0603 - one client for all users of a process
    if _client is None:
        _client = KafkaClient(os.environ)
    return _client


def close_client() -> None:
    """Close the client of this process, if it has one."""
    if _client is not None:
        _client.close()


class KafkaEventUser(User):
    """Writes one event after the other to Kafka; each must be delivered."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - Locust's own
        super().__init__(*arguments, **named)
        load = Load.read(self.environment.parsed_options)
        self._timeout_s = load.timeout_s or None
        self._pace = constant_throughput(load.user_rate) if load.user_rate else None
        self._chance = random.Random()  # noqa: S311 - no secret
        self._client = shared_client()

    def wait_time(self) -> float:
        """Give the seconds until the next event."""
        return self._pace(self) if self._pace else 0.0

    @task
    def produce(self) -> None:
        """Write an event."""
        began, began_at = time.perf_counter(), time.time()
        size, failed = 0, None
        try:
            size = self._client.send(self._chance, self._timeout_s)
        except DeliveryError as error:
            failed = error
        self.environment.events.request.fire(
            request_type="KAFKA",
            name=self._client.topic,
            response_time=(time.perf_counter() - began) * 1000,
            response_length=size,
            exception=failed,
            context=self.context(),
            start_time=began_at,
        )
