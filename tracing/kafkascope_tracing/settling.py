"""Commits of offsets: a settle span each, child of the span that processed the message."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from opentelemetry.context import Context, get_current
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    get_current_span,
    set_span_in_context,
)

from kafkascope_tracing.attributes import COMMIT, ClientAttributes, SpanAttributes
from kafkascope_tracing.errors import error_type
from kafkascope_tracing.tracer import is_suppressed

if TYPE_CHECKING:
    from kafkascope_tracing.telemetry import KafkaTelemetry

Position: TypeAlias = tuple[str, int, int]
"""Topic, partition, and the offset that is committed: the next to be consumed."""

_OPEN_LIMIT: Final = 1000
"""Asynchronous commits whose result may be outstanding; the oldest ends when there are more."""


class Settlement:
    """One commit under way.

    Args:
        telemetry: Where it is reported.
        attributes: Of the client.
        span: Of the commit; None when it is not traced.
        positions: What is committed; empty when the client decides.
    """

    __slots__ = ("_attributes", "_span", "_telemetry", "began", "positions")

    def __init__(
        self,
        telemetry: KafkaTelemetry,
        attributes: ClientAttributes,
        span: Span | None,
        positions: frozenset[Position],
    ) -> None:
        self._telemetry = telemetry
        self._attributes = attributes
        self._span = span
        self.began: float | None = perf_counter()
        """When, by ``perf_counter``; None where nobody knows, so that it is not measured."""
        self.positions = positions

    def run(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the client returns
        """Call the client's method, and end the span with it.

        Raises:
            Exception: Whatever the client raises.
        """
        try:
            result = call()
        except BaseException as error:
            self.end(error)
            raise
        self.end(None, result if isinstance(result, list) else None)
        return result

    def end(self, error: object, partitions: list[Any] | None = None) -> None:
        """End the span.

        Args:
            error: A ``KafkaError``, an exception, or None.
            partitions: What was committed, each with its own error or none.
        """
        span, self._span = self._span, None
        if span is None:
            return
        try:
            if error is None:
                errors = (partition.error for partition in partitions or ())
                error = next((each for each in errors if each is not None), None)
            self._end(span, error, partitions)
        except Exception as failure:  # noqa: BLE001 - the commit itself went its way
            self._telemetry.spans.log(failure)

    def _end(self, span: Span, error: object, partitions: list[Any] | None) -> None:
        telemetry = self._telemetry
        failure = "" if error is None else error_type(error)
        positions = positions_of(partitions) or self.positions
        if span.is_recording():
            if isinstance(error, Exception):
                telemetry.exceptions.record(span, "settle", error)
            extra = {} if self.positions else described(self._attributes, positions)
            telemetry.spans.end(span, extra, failure, str(error) if failure else None)
        if self.began is not None and telemetry.metrics.records_durations:
            sets = self._attributes.metric_set(COMMIT, common_topic(positions), None, failure)
            telemetry.metrics.operation(sets.measured, perf_counter() - self.began)


def start(
    telemetry: KafkaTelemetry,
    attributes: ClientAttributes,
    partitions: Any,  # noqa: ANN401 - TopicPartition objects, or whatever the caller gave
) -> Settlement:
    """Start the span of a commit.

    Args:
        telemetry: Where it is reported.
        attributes: Of the client.
        partitions: What is committed; None when the client decides.
    """
    positions: frozenset[Position] = frozenset()
    span: Span | None = None
    context = get_current()
    settings = telemetry.settings
    try:
        positions = positions_of(partitions)
        if settings.enabled and settings.settle_spans and not is_suppressed(context):
            span = INVALID_SPAN
            if telemetry.spans.is_active():
                span = _start_span(telemetry, attributes, positions, context)
    except Exception as error:  # noqa: BLE001 - the commit goes its way
        telemetry.spans.log(error)
    return Settlement(telemetry, attributes, span, positions)


def _start_span(
    telemetry: KafkaTelemetry,
    attributes: ClientAttributes,
    positions: frozenset[Position],
    context: Context,
) -> Span:
    processed = _processed(telemetry, positions, attributes.group or None)
    links: tuple[Link, ...] = ()
    current = get_current_span(context).get_span_context()
    if not current.is_valid and len(processed) == 1:
        context = set_span_in_context(NonRecordingSpan(processed[0]), context)
    else:
        links = tuple(
            Link(each) for each in processed[: telemetry.settings.link_limit] if each != current
        )
    base = attributes.span_base(COMMIT, common_topic(positions))
    return telemetry.spans.start(
        base, context, base.attributes | described(attributes, positions), links
    )


def _processed(
    telemetry: KafkaTelemetry, positions: Iterable[Position], group: str | None
) -> list[SpanContext]:
    found = (telemetry.processed.before(*position, group) for position in sorted(positions))
    return [span_context for span_context in found if span_context is not None]


def positions_of(partitions: Any) -> frozenset[Position]:  # noqa: ANN401 - see start()
    """Return what ``TopicPartition`` objects say, without those that have no offset."""
    return frozenset(
        (each.topic, each.partition, each.offset) for each in partitions or () if each.offset >= 0
    )


def common_topic(positions: Iterable[Position]) -> str | None:
    """Return the topic of all positions, None when they have several or there are none."""
    topics = {topic for topic, _, _ in positions}
    return topics.pop() if len(topics) == 1 else None


def described(attributes: ClientAttributes, positions: frozenset[Position]) -> SpanAttributes:
    """Return attributes of what is committed, if it is one position.

    How many messages several positions settle nobody knows: no ``messaging.batch.message_count``.
    """
    if len(positions) != 1:
        return {}
    ((_, partition, offset),) = positions
    return attributes.position(partition, offset)


class OpenCommits:
    """A consumer's asynchronous commits, whose results its ``on_commit`` callback brings.

    Args:
        telemetry: Where they are reported.
        attributes: Of the consumer.
    """

    __slots__ = ("_attributes", "_open", "_telemetry")

    def __init__(self, telemetry: KafkaTelemetry, attributes: ClientAttributes) -> None:
        self._telemetry = telemetry
        self._attributes = attributes
        self._open: deque[Settlement] = deque()

    def start(self, partitions: Any) -> Settlement:  # noqa: ANN401 - see start()
        """Start the span of a commit."""
        return start(self._telemetry, self._attributes, partitions)

    def await_result(self, settlement: Settlement) -> None:
        """Keep an asynchronous commit until its result comes."""
        self._open.append(settlement)
        if len(self._open) > _OPEN_LIMIT:
            self._open.popleft().end(None)

    def conclude(self, error: object, partitions: list[Any]) -> None:
        """Take the result of a commit: of ours, or of one that the client made by itself."""
        positions = positions_of(partitions)
        for settlement in self._open:
            if not settlement.positions or settlement.positions == positions:
                self._open.remove(settlement)
                settlement.end(error, partitions)
                return
        if positions:
            self._conclude_automatic(error, partitions, positions)

    def _conclude_automatic(
        self, error: object, partitions: list[Any], positions: frozenset[Position]
    ) -> None:
        """Report a commit that the client made by itself: of what has a process span, or failed.

        It lies behind what is processed meanwhile more often than not. Without a span that it
        belongs to, each would be a trace of its own, every few seconds.
        """
        group = self._attributes.group or None
        failed = error is not None or any(each.error is not None for each in partitions)
        if failed or _processed(self._telemetry, positions, group):
            self.report(error, partitions)

    def report(self, error: object, partitions: list[Any]) -> None:
        """Report a commit of which only the result is known: its duration is not measured."""
        settlement = self.start(partitions)
        settlement.began = None
        settlement.end(error, partitions)

    def close(self) -> None:
        """End what is open: no result comes any more."""
        while self._open:
            self._open.popleft().end(None)
