"""Acknowledging messages of share groups (KIP-932): a settle span for each step.

``acknowledge`` only notes what is to become of a message; the broker hears of it with the next
poll or commit, and its answer comes to the client's acknowledgement callback. Both are reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter, time_ns
from typing import Any, NamedTuple, TypeAlias

from confluent_kafka import AcknowledgeType
from confluent_kafka.cimpl import TopicPartition
from opentelemetry.context import Context, get_current
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    get_current_span,
    set_span_in_context,
)

from kafkascope_tracing.attributes import (
    ACKNOWLEDGE,
    ACKNOWLEDGE_TYPE,
    BATCH_COUNT,
    COMMIT,
    Operation,
    SpanAttributes,
)
from kafkascope_tracing.errors import error_type
from kafkascope_tracing.links import creation_links
from kafkascope_tracing.receiving import Receiving
from kafkascope_tracing.tracer import is_suppressed

Offsets: TypeAlias = Mapping[TopicPartition, set[int]]
UsersCallback: TypeAlias = Callable[[Any, Any], object]


class _Began(NamedTuple):
    """When something began."""

    at: int
    """Nanoseconds since the epoch."""
    clock: float
    """By ``perf_counter``."""


def _now() -> _Began:
    return _Began(time_ns(), perf_counter())


class Acknowledgements:
    """Reports what a share consumer acknowledges; is its acknowledgement callback.

    Args:
        receiving: Of the consumer.
    """

    __slots__ = ("_answered", "_asked", "_gathered", "_receiving", "users")

    def __init__(self, receiving: Receiving) -> None:
        self._receiving = receiving
        self._asked: _Began | None = None
        self._answered = False
        self._gathered: dict[TopicPartition, set[int]] | None = None
        self.users: UsersCallback | None = None
        """The application's own callback."""

    def acknowledge(
        self,
        call: Callable[[], Any],
        message: Any,  # noqa: ANN401 - a Message, or None
        place: tuple[Any, Any, Any],
        kind: Any,  # noqa: ANN401 - a number, or what the client refuses
    ) -> None:
        """Acknowledge one message.

        Args:
            call: The client's own method with its arguments.
            message: Which; None when only its place is known.
            place: Its topic, partition and offset.
            kind: The acknowledge type; None for the client's default.

        Raises:
            Exception: Whatever the client raises.
        """
        began = _now()
        failure: Exception | None = None
        try:
            call()
        except Exception as error:
            failure = error
            raise
        finally:
            self._guard(self._acknowledged, message, place, kind, began, failure)

    def _acknowledged(
        self,
        message: Any,  # noqa: ANN401 - a Message, or None
        place: tuple[Any, Any, Any],
        kind: Any,  # noqa: ANN401 - a number, or what the client refuses
        began: _Began,
        failure: Exception | None,
    ) -> None:
        receiving = self._receiving
        topic, partition, offset = place
        told = receiving.attributes.position(partition, offset)
        told[ACKNOWLEDGE_TYPE] = AcknowledgeType(1 if kind is None else kind).name.lower()
        links = (
            []
            if message is None
            else creation_links(receiving.telemetry, receiving.attributes, [message], batch=False)
        )
        group = receiving.attributes.group
        found = receiving.telemetry.processed.at(topic, partition, offset, group)
        self._report(ACKNOWLEDGE, topic, told, [found], links, began, failure)

    def commit_sync(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the client returns
        """Commit what is acknowledged, and wait for the broker's answers.

        Raises:
            Exception: Whatever the client raises.
        """
        began = _now()
        self._gathered = {}
        try:
            result = call()
        except Exception as error:
            self._committed(self._gather(), began, error)
            raise
        errors = (error for error in result.values() if error is not None)
        offsets = {partition: set[int]() for partition in result} | self._gather()
        if offsets:
            self._committed(offsets, began, next(errors, None))
        return result

    def _gather(self) -> dict[TopicPartition, set[int]]:
        gathered, self._gathered = self._gathered, None
        return gathered or {}

    def commit_async(self, call: Callable[[], Any]) -> None:
        """Commit what is acknowledged; the answers come to the callback.

        Raises:
            Exception: Whatever the client raises.
        """
        began = _now()
        try:
            call()
        except Exception as error:
            self._committed({}, began, error)
            raise
        self._asked, self._answered = began, False

    def polled(self) -> None:
        """Note that a poll returned: it brought the answers to an asynchronous commit."""
        if self._answered:
            self._asked, self._answered = None, False

    def __call__(self, offsets: Any, exception: Any) -> None:  # noqa: ANN401 - the client's
        """Take a broker's answer.

        Args:
            offsets: Those that are acknowledged, by partition.
            exception: What went wrong, or None.

        Raises:
            Exception: Whatever the application's callback raises.
        """
        if self._gathered is not None:
            self._gathered.update(offsets)
        else:
            self._committed(offsets, self._asked or _now(), exception)
            self._answered = True
        if exception is None:
            self._receiving.announce_commit(list(offsets))
        if self.users is not None:
            self.users(offsets, exception)

    def _committed(self, offsets: Offsets, began: _Began, error: Exception | None) -> None:
        self._guard(self._report_commit, offsets, began, error)

    def _report_commit(self, offsets: Offsets, began: _Began, error: Exception | None) -> None:
        receiving = self._receiving
        count = sum(len(of_partition) for of_partition in offsets.values())
        told: SpanAttributes = {BATCH_COUNT: count} if count else {}
        if len(offsets) == 1:
            told |= receiving.attributes.position(next(iter(offsets)).partition, None)
        topics = {partition.topic for partition in offsets}
        processed = [
            receiving.telemetry.processed.before(
                each.topic, each.partition, max(found) + 1, receiving.attributes.group
            )
            for each, found in offsets.items()
            if found
        ]
        topic = topics.pop() if len(topics) == 1 else None
        self._report(COMMIT, topic, told, processed, [], began, error)

    def _report(
        self,
        operation: Operation,
        topic: str | None,
        told: SpanAttributes,
        processed: list[SpanContext | None],
        links: list[Link],
        began: _Began,
        error: Exception | None,
    ) -> None:
        """Make the span of what is over, and measure it."""
        receiving = self._receiving
        telemetry, client = receiving.telemetry, receiving.attributes
        context = get_current()
        settings = telemetry.settings
        if not (settings.enabled and settings.settle_spans) or is_suppressed(context):
            return
        failure = "" if error is None else error_type(error)
        if telemetry.spans.is_active():
            base = client.span_base(operation, topic)
            parent, more = _joined(context, [each for each in processed if each is not None])
            limited = [*links, *more][: settings.link_limit]
            span = telemetry.spans.start(base, parent, base.attributes | told, limited, began.at)
            if error is not None and span.is_recording():
                telemetry.exceptions.record(span, "settle", error)
            telemetry.spans.end(span, None, failure, str(error) if failure else None)
        if telemetry.metrics.records_durations:
            sets = client.metric_set(operation, topic, None, failure)
            telemetry.metrics.operation(sets.measured, perf_counter() - began.clock)

    def _guard(self, report: Callable[..., None], *args: Any) -> None:  # noqa: ANN401 - for it
        try:
            report(*args)
        except Exception as fault:  # noqa: BLE001 - the acknowledgement went its way
            self._receiving.telemetry.spans.log(fault)


def _joined(context: Context, processed: list[SpanContext]) -> tuple[Context, list[Link]]:
    """Return a settle span's parent, and links to the process spans that are not its parent."""
    current = get_current_span(context).get_span_context()
    if not current.is_valid and len(processed) == 1:
        return set_span_in_context(NonRecordingSpan(processed[0]), context), []
    return context, [Link(each) for each in processed if each != current]
