"""Writes events to Kafka, and tells what became of each."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafkascope_demo.events import Event
from kafkascope_demo.kafkareachable import KafkaReachable
from kafkascope_demo.producer.settings import Key, ProducerSettings

_log = logging.getLogger(__name__)

_POLL_S: Final = 0.2
# After its delivery timeout the client reports within a second or so.
_REPORT_S: Final = 5.0
# A request that comes while the service starts waits instead of failing.
_TOPIC_S: Final = 3.0


class PublishError(Exception):
    """An event is not in Kafka, or nobody can tell."""


class QueueFullError(PublishError):
    """The client's queue is full: the brokers take less than comes in."""


class DeliveryFailedError(PublishError):
    """The brokers did not take the event in time, or refused it."""


class TooLargeError(PublishError):
    """The event is larger than the client or the brokers allow."""


class Publisher(Protocol):
    """Writes events."""

    def publish(self, event: Event) -> None:
        """Write an event; return when it counts as written.

        Raises:
            PublishError: It is not written.
        """

    def problem(self) -> str | None:
        """Say why nothing can be written at present; None when it can."""


class _Delivery:
    """What becomes of one message."""

    __slots__ = ("_told", "error")

    def __init__(self) -> None:
        self._told = threading.Event()
        self.error: KafkaError | None = None

    def report(self, error: KafkaError | None, _message: Message) -> None:
        """Take the client's delivery report."""
        self.error = error
        self._told.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the report; False when none came."""
        return self._told.wait(timeout_s)


class KafkaPublisher:
    """Writes events to a topic by one client, whose reports one thread serves.

    Args:
        make: Makes the client of its configuration.
        settings: Of the service.
        wait_ready: Waits for the topic for some seconds, and tells whether it is there.
        on_fatal: Called when the client can never write again.
        on_lost: Called for each event that is lost although it was acknowledged at submit.
    """

    def __init__(
        self,
        make: Callable[[dict[str, Any]], Producer],
        settings: ProducerSettings,
        wait_ready: Callable[[float], bool],
        on_fatal: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._wait_ready = wait_ready
        self._on_fatal = on_fatal
        self._on_lost = on_lost
        self._producer = make(self._configuration())
        self._reachable = KafkaReachable(self._producer, settings.topic)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve_reports, name="reports", daemon=True)
        self._thread.start()

    def publish(self, event: Event) -> None:
        """Write an event.

        Raises:
            PublishError: It is not written.
        """
        if not self._wait_ready(_TOPIC_S):
            raise DeliveryFailedError(f"topic {self._settings.topic} is not there yet")
        if self._settings.ack == "submitted":
            self._produce(event, self._report_loss)
            return
        delivery = _Delivery()
        self._produce(event, delivery.report)
        if not delivery.wait(self._settings.delivery_timeout_s + _REPORT_S):
            raise DeliveryFailedError("Kafka's client did not tell whether it is delivered")
        if delivery.error is not None:
            raise _why(delivery.error)

    def problem(self) -> str | None:
        """Say why nothing can be written at present; None when it can."""
        if not self._wait_ready(0):
            return f"topic {self._settings.topic} is not there yet"
        return self._reachable.problem()

    def close(self) -> None:
        """Wait for what is under way, and end the client."""
        left = self._producer.flush(self._settings.delivery_timeout_s)
        if left:
            _log.error("%d events are not delivered", left)
        self._stopping.set()
        self._thread.join()

    def _configuration(self) -> dict[str, Any]:
        timeout_ms = self._settings.delivery_timeout_s * 1000
        return {
            "client.id": "kafka-producer",
            # Room for what a slow broker holds up, and no more than the machine has.
            "queue.buffering.max.kbytes": 65536,
            **self._settings.kafka,
            "acks": "all",
            "enable.idempotence": True,
            # Some events in one request: the brokers bear a third more of them than at 2 ms.
            "linger.ms": 10,
            "delivery.timeout.ms": timeout_ms,
            "logger": logging.getLogger("librdkafka"),
            "error_cb": self._take_error,
        }

    def _produce(self, event: Event, report: Callable[[KafkaError | None, Message], None]) -> None:
        try:
            self._producer.produce(
                self._settings.topic,
                event.encode(self._settings.payload_format),
                _key(event, self._settings.key),
                on_delivery=report,
            )
        except BufferError as error:
            raise QueueFullError("the queue to Kafka is full") from error
        except KafkaException as error:
            raise _why(error.args[0]) from error

    def _report_loss(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._on_lost()
            _log.error("an event is lost that was acknowledged at submit: %s", error.str())

    def _serve_reports(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(_POLL_S)

    def _take_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._FATAL:  # noqa: SLF001 - so the client calls it
            _log.critical("Kafka's client has failed for good: %s", error.str())
            self._on_fatal()


def _key(event: Event, key: Key) -> bytes | None:
    return None if key == "none" else str(getattr(event, key)).encode()


def _why(error: KafkaError) -> PublishError:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return TooLargeError("the event is larger than Kafka takes")
    if error.code() == KafkaError._QUEUE_FULL:  # noqa: SLF001 - so the client calls it
        return QueueFullError("the queue to Kafka is full")
    return DeliveryFailedError(f"Kafka did not take the event: {error.str()}")
