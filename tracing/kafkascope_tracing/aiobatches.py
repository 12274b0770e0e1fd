"""Headers, timestamps and delivery reports through the batches of an ``AIOProducer``.

It collects messages and sends them by ``produce_batch`` in a worker thread. That call drops headers
and refuses timestamps, and so the client refuses headers itself. Here a message that has any is
sent by a ``produce`` of its own in that same thread, in its place among the others. The parts of
the client that this relies on are private: ``add_message`` of its batch processor, and the producer
of its batch executor (2.12 to 2.16, at least).
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from confluent_kafka.cimpl import KafkaError, KafkaException

from kafkascope_tracing.delivery import Delivery, DeliveryCallback
from kafkascope_tracing.headers import Header, Headers, are_sendable, pairs_of

_PARCEL: Final = "kafkascope.parcel"
"""The key in a message of the client's buffer; ``produce_batch`` does not look at it."""


class Parcel:
    """What goes with one message through the buffer.

    A message whose parcel is let go of before it was sent was not sent: the buffer was purged, or
    the producer is gone.

    Args:
        headers: Of the message; copied.
        report: Called with the delivery report; None when nobody needs it.
    """

    __slots__ = ("_report", "headers", "is_posted", "is_sent")

    def __init__(self, headers: object, report: DeliveryCallback | None) -> None:
        self.headers: list[Header] | None = None if headers is None else pairs_of(headers)
        self._report = report
        self.is_posted = False
        self.is_sent = False

    def reporting(self, callback: DeliveryCallback) -> DeliveryCallback:
        """Return what tells a delivery report to this parcel and then to the client's callback."""

        def report(error: object, message: Any) -> None:  # noqa: ANN401 - a Message
            receiver, self._report = self._report, None
            if receiver is not None:
                receiver(error, message)
            callback(error, message)

        return report

    def refuse(self, error: object) -> None:
        """Note that the client does not take the message."""
        receiver, self._report = self._report, None
        if isinstance(receiver, Delivery):
            receiver.refuse(error)

    def __del__(self) -> None:
        if not self.is_sent:
            self.refuse(KafkaError(KafkaError._PURGE_QUEUE))  # noqa: SLF001 - public, but for its name


posting: Final[ContextVar[Parcel | None]] = ContextVar("kafkascope-parcel", default=None)
"""What goes with the message that the client is putting into its buffer."""


def carries(producer: Any) -> bool:  # noqa: ANN401 - an AIOProducer of any release
    """Make an ``AIOProducer`` carry parcels; whether its release has the parts that it takes."""
    processor = getattr(producer, "_batch_processor", None)
    executor = getattr(producer, "_kafka_executor", None)
    if not (hasattr(processor, "add_message") and hasattr(executor, "_producer")):
        return False
    found: Any = processor
    found.__class__ = _packing(type(found))  # type: ignore[arg-type]  # classes are hashable
    return True


def checked(headers: Any) -> Headers:  # noqa: ANN401 - whatever the caller gave
    """Return headers that a client takes; a wrong one must not come to the others' batch.

    Raises:
        TypeError: They are no dict and no list of pairs of a name and bytes, text or None.
    """
    if not are_sendable(headers):
        raise TypeError(
            "headers must be a dict or a list of (name, value) tuples;"
            " a name is text, a value bytes, text or None"
        )
    return headers


@lru_cache(maxsize=8)
def _packing(processor_class: type[Any]) -> type:
    """Return the class of batch processors that put the parcel into a message."""

    def add_message(self: Any, msg_data: dict[str, Any], future: Any) -> None:  # noqa: ANN401 - the client's
        parcel = posting.get()
        if parcel is not None and not parcel.is_posted:
            parcel.is_posted = True
            msg_data = {**msg_data, _PARCEL: parcel}
            if parcel.headers is not None:
                msg_data["headers"] = parcel.headers
        processor_class.add_message(self, msg_data, future)

    return type(processor_class.__name__, (processor_class,), {"add_message": add_message})


class SingleSender:
    """Takes the place of the producer to which the batch executor gives its batches.

    Args:
        producer: The client's own.
    """

    def __init__(self, producer: Any) -> None:  # noqa: ANN401 - any producer
        self._producer = producer
        self.before_batch: Callable[[], None] | None = None
        """Called in the worker thread, outside of the producer's callbacks."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the producer's
        return getattr(self._producer, name)

    def produce_batch(self, topic: str, messages: list[dict[str, Any]], partition: int = -1) -> int:
        """Send messages of one topic and partition.

        Returns:
            How many messages the client took; the others have ``_error``.

        Raises:
            Exception: What the client raises of a batch, of which nothing is sent then.
        """
        if self.before_batch is not None:
            self.before_batch()
        parcels = [message.get(_PARCEL) for message in messages]
        for message, parcel in zip(messages, parcels, strict=True):
            if parcel is not None:
                message["callback"] = parcel.reporting(message["callback"])
        try:
            if _is_for_batch(topic, messages, partition):
                taken = self._producer.produce_batch(topic, messages, partition=partition)
            else:
                taken = sum(self._produce(topic, message, partition) for message in messages)
        except Exception as error:
            _settle(parcels, [error] * len(parcels))
            raise
        _settle(parcels, [message.get("_error") for message in messages])
        return int(taken)

    def _produce(self, topic: str, message: dict[str, Any], partition: int) -> bool:
        """Send one message; whether the client took it."""
        message.pop("_error", None)
        try:
            self._producer.produce(
                topic,
                message.get("value"),
                message.get("key"),
                partition,
                message["callback"],
                timestamp=message.get("timestamp") or 0,
                headers=message.get("headers"),
            )
        except BufferError as error:
            message["_error"] = KafkaError(KafkaError._QUEUE_FULL, str(error))  # noqa: SLF001 - public, but for its name
        except KafkaException as error:
            message["_error"] = error.args[0]
        except Exception as error:  # noqa: BLE001 - it is this message's; the others are sent
            message["_error"] = KafkaError(KafkaError._INVALID_ARG, str(error))  # noqa: SLF001 - as above
        return "_error" not in message


def _is_for_batch(topic: object, messages: list[dict[str, Any]], partition: object) -> bool:
    """Whether the client's own batch call does it, or refuses it as a whole."""
    singles = any("headers" in each or each.get("timestamp") is not None for each in messages)
    return not (
        singles
        and isinstance(topic, str)
        and isinstance(partition, int)
        and all(
            isinstance(each.get("value"), bytes | str | None)
            and isinstance(each.get("key"), bytes | str | None)
            for each in messages
        )
    )


def _settle(parcels: list[Parcel | None], errors: list[Any]) -> None:
    """Tell parcels whether the client took their messages."""
    for parcel, error in zip(parcels, errors, strict=True):
        if parcel is not None:
            if error is None:
                parcel.is_sent = True
            else:
                parcel.refuse(error)
