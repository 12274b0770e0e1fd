"""Processing of messages: their spans, current while the application works on them."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter, time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    Span,
    SpanContext,
    get_current_span,
)

from kafkascope_tracing.attributes import (
    BATCH_COUNT,
    KAFKA_KEY,
    KAFKA_TOMBSTONE,
    PROCESS,
    QUEUE_TIME,
    ClientAttributes,
    SpanAttributes,
    key_text,
)
from kafkascope_tracing.errors import error_type
from kafkascope_tracing.headers import captured
from kafkascope_tracing.links import creation_links, in_chunks
from kafkascope_tracing.scopes import PolledScope, Scope, live_context, open_scope, with_span
from kafkascope_tracing.tracer import is_suppressed

if TYPE_CHECKING:
    from kafkascope_tracing.telemetry import KafkaTelemetry


class ProcessScope(Scope):
    """The processing of one message, as a context manager; entered once.

    Args:
        telemetry: Where the span goes.
        message: Of the client; None or an error message has no span.
        attributes: Of the consumer that it came from.
    """

    __slots__ = ("_attributes", "_started", "_telemetry", "span")

    def __init__(
        self,
        telemetry: KafkaTelemetry,
        message: Any,  # noqa: ANN401 - a Message of any client
        attributes: ClientAttributes,
    ) -> None:
        super().__init__(message)
        self._telemetry = telemetry
        self._attributes = attributes
        self._started = 0.0
        self.span: Span = INVALID_SPAN

    def __enter__(self) -> Span:
        try:
            self._enter()
        except Exception as error:  # noqa: BLE001 - the message is processed without a span
            self._telemetry.spans.log(error)
        return self.span

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(exc)

    def _enter(self) -> None:
        previous = live_context()
        message: Any = self.subject
        if message is None or message.error() is not None:
            return
        if previous:  # in an empty context there is nothing of all this
            if is_suppressed(previous):
                return
            outer = open_scope(previous)
            if outer is not None and outer.is_open and outer.subject is message:
                self.span = get_current_span(previous)  # the implicit span of the same message
                return
        telemetry = self._telemetry
        context, creation = _parent(telemetry, message, previous)
        if telemetry.traces_processing():
            span = self._start(message, context, creation)
        else:
            span = get_current_span(context)
        self.span = span
        self._started = perf_counter()
        self.enter(context, span, previous)

    def _start(self, message: Any, context: Context, creation: SpanContext | None) -> Span:  # noqa: ANN401 - a Message
        """Start the span; without one that is valid, the context's counts."""
        telemetry = self._telemetry
        base = self._attributes.span_base(PROCESS, message.topic(), message.partition())
        links = () if creation is None else (Link(creation),)
        attributes = base.attributes
        if telemetry.describes_more:  # extractors see, and may replace, all of them
            attributes = attributes | self._described(message)
            _describe_more(attributes, telemetry, message)
        span = telemetry.spans.start(base, context, attributes, links)
        if span.is_recording():
            if attributes is base.attributes:
                # Samplers need not see these (semconv), which saves 1 µs where they drop it.
                telemetry.spans.describe(span, self._described(message))
        elif not span.get_span_context().is_valid:
            return get_current_span(context)
        return span

    def _described(self, message: Any) -> SpanAttributes:  # noqa: ANN401 - a Message
        """Return the attributes that are of this message alone."""
        attributes: SpanAttributes = {}
        self._attributes.add_position(attributes, None, message.offset())
        describe(attributes, message)
        return attributes

    def close(self, error: BaseException | None = None) -> None:
        """End the span; doing it again does nothing.

        Args:
            error: What the application raised; only an ``Exception`` makes the span an error.
        """
        if self.leave():
            try:
                self._end(error if isinstance(error, Exception) else None)
            except Exception as failure:  # noqa: BLE001 - the application's own error counts
                self._telemetry.spans.log(failure)

    def _end(self, error: Exception | None) -> None:
        telemetry = self._telemetry
        recording = telemetry.spans.active and self.span.is_recording()
        times = telemetry.metrics.records_durations
        if not (recording or times) or telemetry.settings.process_spans == "off":
            return
        message: Any = self.subject
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        failure = "" if error is None else error_type(error)
        if recording:
            group = self._attributes.group
            telemetry.processed.note(topic, partition, offset, self.span, group)
            _end_span(telemetry, self.span, error, failure)
        if times:
            sets = self._attributes.metric_set(PROCESS, topic, partition, failure)
            telemetry.metrics.process(sets.measured, perf_counter() - self._started)


class PolledProcessScope(ProcessScope):
    """The processing of a message from the poll that returned it to the next one."""

    __slots__ = ()

    lasts_until_poll = True


class BatchScope:
    """The processing of several messages as one: a span that links to each message's creation.

    Args:
        telemetry: Where the span goes.
        messages: Of the client; none of them an error.
        attributes: Of the consumer that they came from.
    """

    __slots__ = ("_attributes", "_messages", "_scope", "_spans", "_started", "_telemetry", "_topic")

    def __init__(
        self, telemetry: KafkaTelemetry, messages: Sequence[Any], attributes: ClientAttributes
    ) -> None:
        self._telemetry = telemetry
        self._messages = messages
        self._attributes = attributes
        self._spans: list[Span] = []
        self._started = 0.0
        self._scope = PolledScope(messages)
        topics = {message.topic() for message in messages}
        self._topic = topics.pop() if len(topics) == 1 else None

    def __enter__(self) -> Span:
        try:
            self._enter()
        except Exception as error:  # noqa: BLE001 - the messages are processed without a span
            self._telemetry.spans.log(error)
        return self._spans[0] if self._spans else INVALID_SPAN

    def _enter(self) -> None:
        previous = live_context()
        telemetry = self._telemetry
        self._started = perf_counter()
        if not telemetry.traces_processing() or is_suppressed(previous):
            return
        base = self._attributes.span_base(PROCESS, self._topic)
        links = creation_links(telemetry, self._attributes, list(self._messages), batch=True)

        def make(count: int, chunk: Sequence[Link]) -> Span:
            attributes = base.attributes | {BATCH_COUNT: count}
            return telemetry.spans.start(base, previous, attributes, chunk)

        limit = telemetry.settings.link_limit
        self._spans = list(in_chunks(links, len(self._messages), limit, make))
        if self._spans[0].get_span_context().is_valid:
            self._scope.enter(previous, self._spans[0], previous)

    def close(self, error: BaseException | None = None) -> None:
        """End the span; doing it again does nothing."""
        spans, self._spans = self._spans, []
        self._scope.leave()
        if not spans:
            return
        failure = "" if error is None else error_type(error)
        try:
            for message in self._messages:
                self._telemetry.processed.note(
                    message.topic(),
                    message.partition(),
                    message.offset(),
                    spans[0],
                    self._attributes.group,
                )
            for span in spans:
                _end_span(
                    self._telemetry, span, error if isinstance(error, Exception) else None, failure
                )
            if self._telemetry.metrics.records_durations:
                sets = self._attributes.metric_set(PROCESS, self._topic, None, failure)
                self._telemetry.metrics.process(sets.measured, perf_counter() - self._started)
        except Exception as fault:  # noqa: BLE001 - the application goes on
            self._telemetry.spans.log(fault)


def _parent(
    telemetry: KafkaTelemetry,
    message: Any,  # noqa: ANN401 - a Message
    current: Context,
) -> tuple[Context, SpanContext | None]:
    """Return the span's parent context, with the message's baggage, and the creation context."""
    try:
        context, creation = telemetry.propagation.received(message.headers(), current)
    except Exception as error:  # noqa: BLE001 - headers hold whatever somebody put into them
        telemetry.spans.log(error)
        return current, None
    if creation is None:
        return context, None
    if current:  # what is empty has no span
        ambient = get_current_span(current)
        if ambient.get_span_context().is_valid:
            return with_span(ambient, context), creation
    if telemetry.settings.process_parent == "ambient":
        return with_span(INVALID_SPAN, context), creation
    return context, creation


def _describe_more(
    attributes: SpanAttributes,
    telemetry: KafkaTelemetry,
    message: Any,  # noqa: ANN401 - a Message
) -> None:
    """Add what the settings and the application's extractors want besides."""
    settings = telemetry.settings
    if settings.experimental_attributes:
        kind, milliseconds = message.timestamp()
        if kind:  # 0: the message has none
            attributes[QUEUE_TIME] = max(0, int(time() * 1000) - milliseconds)
    if settings.headers.included:
        attributes |= captured(message.headers(), settings.headers.matches)
    if telemetry.process_extractors:
        telemetry.extract_attributes(telemetry.process_extractors, message, attributes)


def _end_span(telemetry: KafkaTelemetry, span: Span, error: Exception | None, failure: str) -> None:
    if error is not None:
        telemetry.exceptions.record(span, "process", error)
    telemetry.spans.end(span, None, failure, str(error) if failure else None)


def describe(attributes: SpanAttributes, message: Any) -> None:  # noqa: ANN401 - a Message
    """Add a message's key, and that it is a tombstone, to attributes."""
    key = message.key()
    if key is not None:
        text = key_text(key)
        if text is not None:
            attributes[KAFKA_KEY] = text
    if message.value() is None:
        attributes[KAFKA_TOMBSTONE] = True
