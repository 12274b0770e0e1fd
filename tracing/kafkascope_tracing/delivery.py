"""What a producer calls with the delivery report of a message."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Span

from kafkascope_tracing.attributes import SEND
from kafkascope_tracing.errors import error_type

if TYPE_CHECKING:
    from kafkascope_tracing.sending import Sending

DeliveryCallback: TypeAlias = Callable[[Any, Any], object]


class Delivery:
    """Ends the span, then runs the user's callback.

    A client lets go of it without a call when it reports errors only: then the message arrived.

    Args:
        sending: Of the producer; None when only the user's callback is to be run.
        span: Of the message; None when it is not traced.
        context: The caller's, which the user's callback has as the current one.
        topic: Of the message.
        callback: The user's.
    """

    __slots__ = ("_callback", "_context", "_sending", "_span", "_started", "_topic")

    def __init__(
        self,
        sending: Sending | None,
        span: Span | None,
        context: Context,
        topic: str,
        callback: DeliveryCallback | None,
    ) -> None:
        self._sending = sending
        self._span = span
        self._context = context
        self._topic = topic
        self._callback = callback
        self._started = perf_counter()

    def __call__(self, error: object, message: Any) -> None:  # noqa: ANN401 - a Message of the client
        """Take the delivery report.

        Raises:
            Exception: Whatever the user's callback raises.
        """
        self._finish(error, message)
        if self._callback is not None:
            token = attach(self._context)
            try:
                self._callback(error, message)
            finally:
                detach(token)

    def refuse(self, error: object) -> None:
        """Note that the client did not take the message."""
        self._finish(error, None, refused=True)

    def _finish(self, error: object, message: Any, *, refused: bool = False) -> None:  # noqa: ANN401
        sending, self._sending = self._sending, None
        if sending is None:
            return
        try:
            if self._span is not None:
                self._report(sending, self._span, error, message, refused=refused)
            sending.acknowledge(self._topic, error, message)
        except Exception as failure:  # noqa: BLE001 - the user's callback must still run
            sending.telemetry.spans.log(failure)

    def _report(
        self,
        sending: Sending,
        span: Span,
        error: object,
        message: Any,  # noqa: ANN401 - a Message of the client, or None
        *,
        refused: bool,
    ) -> None:
        """End the send span with what became of its message, and count and measure it."""
        failure = "" if error is None else error_type(error)
        partition = None if message is None else message.partition()
        if span.is_recording():
            offset = None if message is None or failure else message.offset()
            position = sending.attributes.position(partition, offset)
            sending.telemetry.spans.end(span, position, failure, str(error) if failure else None)
        metrics = sending.telemetry.metrics
        if metrics.active:
            sets = sending.attributes.metric_set(SEND, self._topic, partition, failure)
            if not refused:
                metrics.sent(sets.counted)
            if metrics.records_durations:
                metrics.operation(sets.measured, perf_counter() - self._started)

    def __del__(self) -> None:
        if self._sending is not None:
            self._finish(None, None)
