"""``KafkaTelemetry``: what clients report to, and the spans that an application opens itself."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, ParamSpec, TypeVar, cast

from opentelemetry.context import Context, get_current
from opentelemetry.metrics import MeterProvider
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import TracerProvider

from kafkascope_tracing.attributes import ClientAttributes, SpanAttributes, Value
from kafkascope_tracing.builder import KafkaTelemetryBuilder
from kafkascope_tracing.clients import STATISTICS_KEY, TELEMETRY_KEY
from kafkascope_tracing.exceptions import ExceptionRecorder
from kafkascope_tracing.interceptors import CONFIG_KEY
from kafkascope_tracing.metrics import MessagingMetrics
from kafkascope_tracing.processed import Processed
from kafkascope_tracing.processing import ProcessScope
from kafkascope_tracing.propagation import Propagation
from kafkascope_tracing.scopes import live_context
from kafkascope_tracing.settings import Settings
from kafkascope_tracing.tracer import SpanSource

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")


class Consumers:
    """Which consumer messages of a topic come from: they do not tell that themselves.

    Where consumers that differ read one topic, none of them is named unless the caller does.
    """

    __slots__ = ("_by_topic", "unknown")

    def __init__(self, settings: Settings) -> None:
        self._by_topic: dict[str, ClientAttributes | None] = {}
        self.unknown = ClientAttributes({}, role="consumer", old_names=settings.old_names)

    def note(self, topic: str, attributes: ClientAttributes) -> None:
        """Note that a consumer received messages of a topic."""
        known = self._by_topic.setdefault(topic, attributes)
        if known is not attributes and (known is None or known.key != attributes.key):
            self._by_topic[topic] = None

    def of(self, topic: str) -> ClientAttributes:
        """Return the attributes of the consumer that reads a topic."""
        return self._by_topic.get(topic) or self.unknown


class KafkaTelemetry:
    """Where clients send their spans and metrics, and how they carry the context.

    Make one with ``KafkaTelemetry.builder()…build()``; without one, clients use
    ``default_telemetry()``. Safe to use from every thread.
    """

    def __init__(self, plan: KafkaTelemetryBuilder) -> None:
        self.settings = plan.settings
        self.meter_provider = plan.meter_provider
        self.spans = SpanSource(plan.tracer_provider)
        self.propagation = Propagation(
            plan.propagator, keep_existing=self.settings.existing_context == "keep"
        )
        self.metrics = MessagingMetrics(
            plan.meter_provider,
            enabled=self.settings.enabled and self.settings.metrics,
            durations=self.settings.duration_metrics,
        )
        self.exceptions = ExceptionRecorder(self.settings, plan.logger_provider)
        self.producer_extractors = tuple(plan.producer_extractors)
        self.process_extractors = tuple(plan.process_extractors)
        self.describes_more = bool(
            self.settings.experimental_attributes
            or self.settings.headers.included
            or self.process_extractors
        )
        """Whether process spans tell more of a message than the conventions' own attributes."""
        self._has_process_spans = self.settings.enabled and self.settings.process_spans != "off"
        self.processed = Processed()
        self.consumers = Consumers(self.settings)

    @staticmethod
    def builder(
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        propagator: TextMapPropagator | None = None,
        logger_provider: Any = None,  # noqa: ANN401 - old APIs have no such class
    ) -> KafkaTelemetryBuilder:
        """Begin a telemetry whose switches are those of the environment.

        Args:
            tracer_provider: ``None``, as with the others, for the global one.
            meter_provider: For the metrics.
            propagator: Writes and reads the headers.
            logger_provider: For exceptions as log events, which are off by default.
        """
        return KafkaTelemetryBuilder(tracer_provider, meter_provider, propagator, logger_provider)

    def producer_interceptor_config(self) -> dict[str, Any]:
        """Return what a producer's configuration needs to report here."""
        from kafkascope_tracing.markers import TracingProducerInterceptor  # noqa: PLC0415 - it imports this

        return {CONFIG_KEY: [TracingProducerInterceptor(self)], TELEMETRY_KEY: self}

    def consumer_interceptor_config(self) -> dict[str, Any]:
        """Return what a consumer's configuration needs to report here."""
        from kafkascope_tracing.markers import TracingConsumerInterceptor  # noqa: PLC0415 - it imports this

        return {CONFIG_KEY: [TracingConsumerInterceptor(self)], TELEMETRY_KEY: self}

    def metric_config(self) -> dict[str, Any]:
        """Return what a client's configuration needs to have librdkafka's statistics as metrics."""
        return {STATISTICS_KEY: True, TELEMETRY_KEY: self}

    def wrap(self, client: C, config: Mapping[str, Any] | None = None) -> C:
        """Return a traced stand-in of a client that exists already.

        It has every method of the client and passes ``isinstance``. Call it, not the client.

        Args:
            client: A producer or consumer; one that is traced already is returned as it is.
            config: What the client was made with, for the attributes that only that tells
                (client id, group, server); a client does not tell it.

        Raises:
            TypeError: It is neither a producer nor a consumer.
        """
        from kafkascope_tracing.wrapping import wrap  # noqa: PLC0415 - it imports the clients

        return cast("C", wrap(self, client, config or {}))

    def extract(self, message: Any, context: Context | None = None) -> Context:  # noqa: ANN401 - any client's Message
        """Return the context that a message carries, for spans of one's own.

        Args:
            message: Of a consumer.
            context: What the result is derived from; the current one by default.
        """
        base = get_current() if context is None else context
        try:
            return self.propagation.extracted(message.headers(), base)
        except Exception as error:  # noqa: BLE001 - headers hold whatever somebody put into them
            self.spans.log(error)
            return base

    def process(self, message: Any, *, consumer: object = None) -> ProcessScope:  # noqa: ANN401 - any client's Message
        """Process a message in a span, which is current inside of the ``with`` block.

        Its parent is the current span if there is one, else the span that sent the message, to
        which it always links. The message's baggage is current, too. ``None``, error messages and
        end-of-partition events have no span.

        Args:
            message: Of a consumer.
            consumer: Which; needed only where consumers of several groups read one topic.

        Returns:
            A context manager whose value is the span; exceptions make the span an error.
        """
        return ProcessScope(self, message, self._attributes_of(message, consumer))

    def _attributes_of(self, message: Any, consumer: object) -> ClientAttributes:  # noqa: ANN401 - a Message
        if consumer is not None:
            receiving = getattr(consumer, "_receiving", None)
            if receiving is not None:
                return cast("ClientAttributes", receiving.attributes)
        topic = None if message is None else message.topic()
        return self.consumers.unknown if topic is None else self.consumers.of(topic)

    def iter_process(self, messages: Iterable[Any], *, consumer: object = None) -> Iterator[Any]:
        """Go through messages, with a process span for each while the loop's body works on it.

        Args:
            messages: Such as ``consumer.consume(500, 1.0)``.
            consumer: As with ``process``.

        Yields:
            Each message.
        """
        live_context()
        for message in messages:
            with self.process(message, consumer=consumer):
                yield message

    def handler(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function or coroutine function so that it processes its message in a span.

        The message is the first argument that is one.
        """
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def process_async(*args: P.args, **kwargs: P.kwargs) -> Any:  # noqa: ANN401 - its result
                with self.process(_message_among((*args, *kwargs.values()))):
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", process_async)

        @functools.wraps(function)
        def process(*args: P.args, **kwargs: P.kwargs) -> R:
            with self.process(_message_among((*args, *kwargs.values()))):
                return function(*args, **kwargs)

        return process

    def traces_processing(self) -> bool:
        """Whether process spans are made: somebody listens, and they are not switched off."""
        return self._has_process_spans and self.spans.is_active()

    def extract_attributes(
        self,
        extractors: tuple[Callable[[Any], Mapping[str, Value]], ...],
        subject: object,
        attributes: SpanAttributes,
    ) -> None:
        """Add what the application's extractors return; what they raise is logged once."""
        for extractor in extractors:
            try:
                attributes.update(extractor(subject))
            except Exception as error:  # noqa: BLE001 - an extractor must not stop the message
                self.spans.log(error)


def _message_among(arguments: Iterable[object]) -> Any:  # noqa: ANN401 - a Message, or None
    return next(
        (each for each in arguments if hasattr(each, "headers") and hasattr(each, "offset")), None
    )


_default: Final[list[KafkaTelemetry]] = []


def default_telemetry() -> KafkaTelemetry:
    """Return what clients use whose configuration names no telemetry."""
    if not _default:
        _default.append(KafkaTelemetry.builder().build())
    return _default[0]


def set_default_telemetry(telemetry: KafkaTelemetry | None) -> None:
    """Set what ``default_telemetry`` returns; None for a new one of the environment's switches."""
    _default[:] = [] if telemetry is None else [telemetry]
