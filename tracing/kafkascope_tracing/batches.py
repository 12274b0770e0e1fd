"""``produce_batch``: a create span for each message, one send span that links to all of them.

librdkafka's batch call drops headers, so messages that are to carry a context are sent one by one.
What the application sees is that of the batch call: how many messages were taken, and ``_error`` in
the dict of each that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Final, TypeGuard

from confluent_kafka.cimpl import KafkaError, KafkaException
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import INVALID_SPAN, Link, Span

from kafkascope_tracing.attributes import (
    BATCH_COUNT,
    CREATE,
    SEND,
    SEND_OF_CREATED,
    SpanAttributes,
)
from kafkascope_tracing.delivery import DeliveryCallback
from kafkascope_tracing.errors import error_type
from kafkascope_tracing.headers import are_sendable
from kafkascope_tracing.interceptors import ProducerRecord
from kafkascope_tracing.sending import Produce, Sending
from kafkascope_tracing.tracer import is_suppressed

_PARAMETERS: Final = ("topic", "messages", "partition", "callback", "on_delivery")


class _BatchSend:
    """The send span of some messages of a batch; the last delivery report ends it.

    Args:
        sending: Of the producer.
        span: Of the messages.
        topic: Of the messages.
        count: How many reports come.
    """

    __slots__ = ("_error", "_missing", "_sending", "_span", "_started", "_topic")

    def __init__(self, sending: Sending, span: Span, topic: str, count: int) -> None:
        self._sending = sending
        self._span = span
        self._topic = topic
        self._missing = count
        self._error: object = None
        self._started = perf_counter()

    def report(self, error: object, message: Any, *, refused: bool = False) -> None:  # noqa: ANN401 - a Message
        """Take what became of one message; never raises."""
        sending = self._sending
        try:
            partition = None if message is None else message.partition()
            failure = "" if error is None else error_type(error)
            metrics = sending.telemetry.metrics
            if metrics.active and not refused:
                metrics.sent(
                    sending.attributes.metric_set(SEND, self._topic, partition, failure).counted
                )
            self._error = self._error or error
            self._missing -= 1
            if self._missing == 0:
                self._end()
        except Exception as fault:  # noqa: BLE001 - the user's callback must still run
            sending.telemetry.spans.log(fault)

    def _end(self) -> None:
        telemetry, error = self._sending.telemetry, self._error
        failure = "" if error is None else error_type(error)
        telemetry.spans.end(self._span, None, failure, str(error) if failure else None)
        if telemetry.metrics.records_durations:
            sets = self._sending.attributes.metric_set(SEND, self._topic, None, failure)
            telemetry.metrics.operation(sets.measured, perf_counter() - self._started)


class _BatchDelivery:
    """The delivery report's callback of one message of a batch."""

    __slots__ = ("_batch", "_callback", "_context", "_sending", "_topic")

    def __init__(
        self,
        batch: _BatchSend,
        sending: Sending,
        topic: str,
        context: Context,
        callback: DeliveryCallback | None,
    ) -> None:
        self._batch: _BatchSend | None = batch
        self._sending = sending
        self._topic = topic
        self._context = context
        self._callback = callback

    def __call__(self, error: object, message: Any) -> None:  # noqa: ANN401 - a Message of the client
        self._report(error, message)
        self._sending.acknowledge(self._topic, error, message)
        if self._callback is not None:
            token = attach(self._context)
            try:
                self._callback(error, message)
            finally:
                detach(token)

    def refuse(self, error: object) -> None:
        """Note that the client did not take the message."""
        self._report(error, None, refused=True)
        self._sending.acknowledge(self._topic, error, None)

    def _report(self, error: object, message: Any, *, refused: bool = False) -> None:  # noqa: ANN401 - the same
        batch, self._batch = self._batch, None
        if batch is not None:
            batch.report(error, message, refused=refused)

    def __del__(self) -> None:
        self._report(None, None)  # a client that reports errors only lets go of it


def produce_batch(
    sending: Sending,
    produce: Produce,
    raw_batch: Callable[..., int],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> int:
    """Send a batch.

    Args:
        sending: Of the producer.
        produce: The client's method for one message.
        raw_batch: The client's method for a batch, which judges arguments that are wrong.
        args: Of the call.
        kwargs: Of the call.

    Returns:
        How many messages the client took.

    Raises:
        Exception: Whatever the client raises.
    """
    given = dict(zip(_PARAMETERS, args, strict=False)) | kwargs
    messages, topic = given.get("messages"), given.get("topic")
    context = get_current()
    quiet = not sending.telemetry.settings.enabled or is_suppressed(context)
    is_plain = len(args) <= len(_PARAMETERS) and set(given) <= set(_PARAMETERS)
    if quiet or not is_plain or not isinstance(topic, str) or not _sendable(messages):
        return raw_batch(*args, **kwargs)
    partition = given.get("partition", -1)
    callback = given["callback"] if "callback" in given else given.get("on_delivery")
    if not isinstance(partition, int):
        return raw_batch(*args, **kwargs)
    taken = 0
    limit = sending.telemetry.settings.link_limit
    for place in range(0, len(messages), limit):
        chunk = messages[place : place + limit]
        taken += _send(sending, produce, context, topic, chunk, partition, callback)
    return taken


def _sendable(messages: object) -> TypeGuard[list[dict[str, Any]]]:
    """Whether the client would take the messages; what it refuses, it refuses as a whole."""
    return isinstance(messages, list) and all(
        isinstance(each, dict)
        and isinstance(each.get("value"), bytes | str | None)
        and isinstance(each.get("key"), bytes | str | None)
        and isinstance(each.get("partition", -1), int)
        and each.get("timestamp") is None
        and are_sendable(each.get("headers"))
        for each in messages
    )


def _send(
    sending: Sending,
    produce: Produce,
    context: Context,
    topic: str,
    messages: Sequence[dict[str, Any]],
    partition: int,
    callback: DeliveryCallback | None,
) -> int:
    """Send as many messages as one span can link to."""
    records = [_record_of(topic, each, partition) for each in messages]
    records = [sending.intercepted(record) for record in records]
    span = _carry(sending, context, topic, records)
    batch = _BatchSend(sending, span, topic, len(records))
    taken = 0
    for message, record in zip(messages, records, strict=True):
        users = message.get("callback") or callback or sending.default_callback
        delivery = _BatchDelivery(batch, sending, record.topic, context, users)
        try:
            produce(
                record.topic,
                record.value,
                record.key,
                record.partition,
                delivery,
                None,
                record.timestamp,
                record.headers,
            )
        except (KafkaException, BufferError) as error:
            refusal = _error_of(error)
            message["_error"] = refusal
            delivery.refuse(refusal)
        else:
            message.pop("_error", None)
            taken += 1
    return taken


def _record_of(topic: str, message: dict[str, Any], partition: int) -> ProducerRecord:
    value, key = message.get("value"), message.get("key")
    place = message.get("partition", partition)
    return ProducerRecord(topic, value, key, place, headers=message.get("headers"))


def _error_of(error: KafkaException | BufferError) -> object:
    if isinstance(error, BufferError):
        return KafkaError(KafkaError._QUEUE_FULL)  # noqa: SLF001 - public, but for its name
    return error.args[0]


def _carry(
    sending: Sending, context: Context, topic: str, records: Sequence[ProducerRecord]
) -> Span:
    """Put contexts into the records' headers, and start the send span; never raises."""
    telemetry = sending.telemetry
    settings, spans = telemetry.settings, telemetry.spans
    span: Span = INVALID_SPAN
    try:
        creates = settings.create_spans and settings.propagation and spans.active
        links = [_created(sending, context, record) for record in records] if creates else []
        operation = SEND_OF_CREATED if creates or not settings.propagation else SEND
        if spans.active:
            base = sending.attributes.span_base(operation, topic)
            attributes: SpanAttributes = base.attributes | {BATCH_COUNT: len(records)}
            valid = [Link(each) for each in links if each is not None]
            span = spans.start(base, context, attributes, valid)
        if settings.propagation and not creates:
            for record in records:
                if telemetry.propagation.existing(record.headers) is None:
                    record.headers = sending.inject(record.headers, span, context)
    except Exception as error:  # noqa: BLE001 - the messages are sent as they would be without us
        spans.log(error)
    return span


def _created(sending: Sending, context: Context, record: ProducerRecord) -> Any:  # noqa: ANN401 - a SpanContext or None
    """Make the create span of one message, or keep the context that it has; return it."""
    telemetry = sending.telemetry
    kept = telemetry.propagation.existing(record.headers)
    if kept is not None:
        return kept
    base = sending.attributes.span_base(CREATE, record.topic)
    attributes = sending.message_attributes(
        CREATE, record.topic, record.value, record.key, record.partition
    )
    span = telemetry.spans.start(base, context, attributes)
    record.headers = sending.inject(record.headers, span, context)
    telemetry.spans.end(span)
    found = span.get_span_context()
    return found if found.is_valid else None
