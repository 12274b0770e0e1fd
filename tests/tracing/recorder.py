"""A tracing SDK with ids that count, whose spans a test can compare as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler
from opentelemetry.trace import Tracer

from kafkascope_tracing import KafkaTelemetry, KafkaTelemetryBuilder


class CountingIds(IdGenerator):
    """Trace ids 1, 2, 3 and so on; span ids likewise."""

    def __init__(self) -> None:
        self._traces = 0
        self._spans = 0

    def generate_trace_id(self) -> int:
        """Return the next trace id."""
        self._traces += 1
        return self._traces

    def generate_span_id(self) -> int:
        """Return the next span id."""
        self._spans += 1
        return self._spans


class SeenLink(NamedTuple):
    """A link of a span."""

    span: int
    attributes: dict[str, Any]


class Seen(NamedTuple):
    """A span that ended.

    Attributes:
        name: Its name.
        kind: Its kind's name.
        trace: Its trace id.
        span: Its span id.
        parent: Its parent's span id; None for a root.
        links: Its links.
        attributes: Its attributes.
        error: Whether its status is an error.
    """

    name: str
    kind: str
    trace: int
    span: int
    parent: int | None
    links: list[SeenLink]
    attributes: dict[str, Any]
    error: bool = False


def seen(span: ReadableSpan) -> Seen:
    """Return what a test compares of a span."""
    context = span.get_span_context()
    assert context is not None
    return Seen(
        span.name,
        span.kind.name,
        context.trace_id,
        context.span_id,
        None if span.parent is None else span.parent.span_id,
        [SeenLink(link.context.span_id, dict(link.attributes or {})) for link in span.links],
        dict(span.attributes or {}),
        not span.status.is_unset,
    )


@dataclass(slots=True)
class Recorder:
    """An SDK that keeps ended spans in memory.

    Args:
        sampler: The SDK's default when None.
        processors: Further ones.
    """

    sampler: Sampler | None = None
    processors: Sequence[SpanProcessor] = ()
    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    provider: TracerProvider = field(init=False)

    def __post_init__(self) -> None:
        self.provider = TracerProvider(
            sampler=self.sampler, id_generator=CountingIds(), shutdown_on_exit=False
        )
        exporter: SpanExporter = self.exporter
        for processor in (*self.processors, SimpleSpanProcessor(exporter)):
            self.provider.add_span_processor(processor)

    def builder(self) -> KafkaTelemetryBuilder:
        """Begin a telemetry whose spans come here."""
        return KafkaTelemetry.builder(tracer_provider=self.provider)

    def telemetry(self) -> KafkaTelemetry:
        """Make a telemetry with every default."""
        return self.builder().build()

    @property
    def tracer(self) -> Tracer:
        """The application's own tracer."""
        return self.provider.get_tracer("application")

    def ended(self) -> tuple[ReadableSpan, ...]:
        """Return the spans that ended, in that order."""
        return self.exporter.get_finished_spans()

    def spans(self, prefix: str = "") -> list[Seen]:
        """Return the spans that ended whose name starts so, in the order of their ids."""
        found = [seen(span) for span in self.ended() if span.name.startswith(prefix)]
        return sorted(found, key=lambda each: each.span)
