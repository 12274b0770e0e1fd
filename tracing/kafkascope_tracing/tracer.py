"""The tracer, and whether anybody listens to it: asked at each message, so at almost no cost."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NoOpTracer,
    NoOpTracerProvider,
    Span,
    StatusCode,
    Tracer,
    TracerProvider,
)

from kafkascope_tracing.attributes import ERROR_TYPE, SpanAttributes, SpanBase
from kafkascope_tracing.meters import SCHEMA_URL, SCOPE_NAME

_logger = logging.getLogger(__name__)

_SUPPRESSED: Final = tuple(
    filter(
        None,
        (
            getattr(context_api, "_SUPPRESS_INSTRUMENTATION_KEY", None),
            "suppress_instrumentation",
        ),
    )
)
"""Keys of the context by which applications and exporters switch instrumentation off."""

_UNKNOWN: Final = object()
_trace_globals: Final = vars(trace)


def is_suppressed(context: Context) -> bool:
    """Whether instrumentation is switched off in this context."""
    return bool(context) and any(context.get(key) for key in _SUPPRESSED)


def scope_version() -> str:
    """Return the version of this package, empty when it runs from a source tree."""
    try:
        return version("kafkascope-tracing")
    except PackageNotFoundError:
        return ""


class SpanSource:
    """Starts and ends spans; what a sampler, processor or exporter raises stays here.

    Args:
        tracer_provider: ``None`` for the global one, also when that is set only later.
    """

    __slots__ = ("_logged", "_provider", "_waiting", "active", "tracer")

    def __init__(self, tracer_provider: TracerProvider | None) -> None:
        self._provider = tracer_provider
        self._logged = False
        self._waiting = True
        self.active = False
        self.tracer: Tracer = NoOpTracer()
        self.is_active()

    def is_active(self) -> bool:
        """Whether spans can be recorded: an SDK is there.

        Until the global provider is set this is asked for each message: the module's own variable
        answers in 0.1 µs where ``get_tracer_provider`` takes more than 1.
        """
        if self.active or not self._waiting:
            return self.active
        if self._provider is None and _trace_globals.get("_TRACER_PROVIDER", _UNKNOWN) is None:
            return False
        self._resolve()
        return self.active

    def _resolve(self) -> None:
        provider = self._provider or trace.get_tracer_provider()
        if isinstance(provider, trace.ProxyTracerProvider):
            return
        self._waiting = False
        if isinstance(provider, NoOpTracerProvider):
            return
        try:
            tracer = provider.get_tracer(SCOPE_NAME, scope_version(), schema_url=SCHEMA_URL)
        except Exception as error:  # noqa: BLE001 - a provider must not stop the client
            self.log(error)
            return
        self.tracer = tracer
        self.active = not isinstance(tracer, NoOpTracer)

    def start(
        self,
        base: SpanBase,
        context: Context,
        attributes: SpanAttributes,
        links: Sequence[Link] = (),
        start_time: int | None = None,
    ) -> Span:
        """Start a span; one that does not record when that fails.

        Args:
            base: Its name and kind.
            context: Its parent, and what samplers see.
            attributes: All of them; not copied.
            links: To creation contexts.
            start_time: Nanoseconds since the epoch; None for now.
        """
        try:
            return self.tracer.start_span(
                base.name, context, base.kind, attributes, links, start_time
            )
        except Exception as error:  # noqa: BLE001 - samplers and processors are not ours
            self.log(error)
            return INVALID_SPAN

    def describe(self, span: Span, attributes: SpanAttributes) -> None:
        """Add attributes to a span."""
        try:
            span.set_attributes(attributes)
        except Exception as failure:  # noqa: BLE001 - spans are not ours
            self.log(failure)

    def end(
        self,
        span: Span,
        attributes: SpanAttributes | None = None,
        error: str = "",
        description: str | None = None,
        end_time: int | None = None,
    ) -> None:
        """End a span.

        Args:
            span: Which.
            attributes: What became known meanwhile.
            error: ``error.type``; empty for success, which leaves the status unset.
            description: Of the error.
            end_time: Nanoseconds since the epoch; None for now.
        """
        try:
            if attributes:
                span.set_attributes(attributes)
            if error:
                span.set_attribute(ERROR_TYPE, error)
                span.set_status(StatusCode.ERROR, description)
            span.end(end_time)
        except Exception as failure:  # noqa: BLE001 - processors and exporters are not ours
            self.log(failure)

    def log(self, error: BaseException) -> None:
        """Log what went wrong in tracing, once."""
        if not self._logged:
            self._logged = True
            _logger.warning("Traces of Kafka clients are incomplete: %r", error, exc_info=error)
