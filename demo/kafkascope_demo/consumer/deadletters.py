"""Writes what is no event to the dead-letter topic, with where it came from and why."""

import logging
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, Protocol, cast

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafkascope_demo.consumer.settings import ConsumerSettings
from kafkascope_demo.events import NoEventError

_PREFIX: Final = "kafkascope.dead-letter."
_DELIVERY_S: Final = 20.0
_REPORT_S: Final = 5.0
_POLL_S: Final = 0.1
# They belong to the record that was read; the dead letter has its own from its own send span.
_CONTEXT: Final = frozenset({"traceparent", "tracestate", "b3", "baggage"})


class DeadLetterError(Exception):
    """A dead letter is not written."""


class DeadLetters(Protocol):
    """Takes what is no event."""

    def send(self, message: Message, why: NoEventError) -> None:
        """Write a record to the dead-letter topic, and wait until the brokers have it.

        Raises:
            DeadLetterError: They do not.
        """


class KafkaDeadLetters:
    """A topic of dead letters.

    A dead letter has the record's key, value and headers, and these headers of its own, each
    beginning with ``kafkascope.dead-letter.``: ``reason``, ``detail``, ``topic``, ``partition``,
    ``offset``, ``timestamp`` (milliseconds) and ``group``.

    Args:
        make: Makes the client of its configuration.
        settings: Of the service.
    """

    def __init__(
        self, make: Callable[[dict[str, Any]], Producer], settings: ConsumerSettings
    ) -> None:
        self._make = make
        self._settings = settings

    def send(self, message: Message, why: NoEventError) -> None:
        """Write a record to the dead-letter topic, and wait until the brokers have it.

        Raises:
            DeadLetterError: They do not.
        """
        told: list[KafkaError | None] = []
        try:
            self._producer.produce(
                self._settings.dead_letter_topic,
                message.value(),
                message.key(),
                on_delivery=lambda error, _: told.append(error),
                headers=self._headers(message, why),
            )
        except (KafkaException, BufferError) as error:
            raise DeadLetterError(str(error)) from error
        ends_at = time.monotonic() + _DELIVERY_S + _REPORT_S
        while not told and time.monotonic() < ends_at:
            self._producer.poll(_POLL_S)
        if not told:
            raise DeadLetterError("Kafka's client did not tell whether it is delivered")
        if told[0] is not None:
            raise DeadLetterError(told[0].str())

    @cached_property
    def _producer(self) -> Producer:
        """The client, made for the first dead letter: most consumers never see one."""
        return self._make(
            {
                "client.id": "kafka-consumer-dead-letters",
                **self._settings.kafka,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 0,
                "delivery.timeout.ms": int(_DELIVERY_S * 1000),
                "logger": logging.getLogger("librdkafka"),
            }
        )

    def _headers(self, message: Message, why: NoEventError) -> list[tuple[str, str | bytes | None]]:
        own = {
            "reason": why.reason,
            "detail": str(why),
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "timestamp": message.timestamp()[1],
            "group": self._settings.group,
        }
        # The client gives a message's headers as pairs.
        pairs = cast("list[tuple[str, str | bytes | None]]", message.headers() or [])
        kept = [pair for pair in pairs if pair[0] not in _CONTEXT]
        return [*kept, *((f"{_PREFIX}{name}", str(value)) for name, value in own.items())]
