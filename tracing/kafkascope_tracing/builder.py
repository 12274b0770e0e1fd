"""``KafkaTelemetryBuilder``: what a ``KafkaTelemetry`` is to be, named as in Java."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from opentelemetry.metrics import MeterProvider
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import TracerProvider

from kafkascope_tracing.attributes import Value
from kafkascope_tracing.interceptors import ProducerRecord
from kafkascope_tracing.settings import (
    ExistingContext,
    HeaderFilter,
    ProcessParent,
    ProcessSpans,
    read_settings,
)

if TYPE_CHECKING:
    from kafkascope_tracing.telemetry import KafkaTelemetry

ProducerExtractor: TypeAlias = Callable[[ProducerRecord], Mapping[str, Value]]
ProcessExtractor: TypeAlias = Callable[[Any], Mapping[str, Value]]


class KafkaTelemetryBuilder:
    """Collects what a ``KafkaTelemetry`` is to be; each method returns the builder.

    Args:
        tracer_provider: See ``KafkaTelemetry.builder``.
        meter_provider: The same.
        propagator: The same.
        logger_provider: The same.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        propagator: TextMapPropagator | None,
        logger_provider: Any,  # noqa: ANN401 - old APIs have no such class
    ) -> None:
        self.tracer_provider = tracer_provider
        self.meter_provider = meter_provider
        self.propagator = propagator
        self.logger_provider = logger_provider
        self.settings = read_settings(os.environ)
        self.producer_extractors: list[ProducerExtractor] = []
        self.process_extractors: list[ProcessExtractor] = []

    def _set(self, **changed: Any) -> KafkaTelemetryBuilder:  # noqa: ANN401 - fields of Settings
        self.settings = replace(self.settings, **changed)
        return self

    def set_enabled(self, enabled: bool) -> KafkaTelemetryBuilder:  # noqa: FBT001 - as in Java's builder
        """Trace at all; true by default."""
        return self._set(enabled=enabled)

    def set_propagation_enabled(self, enabled: bool) -> KafkaTelemetryBuilder:  # noqa: FBT001 - as above
        """Write the context into the headers; true by default."""
        return self._set(propagation=enabled)

    def set_existing_context(self, existing: ExistingContext) -> KafkaTelemetryBuilder:
        """Choose whether to ``replace`` or ``keep`` a context that headers hold already."""
        return self._set(existing_context=existing)

    def set_create_spans_enabled(self, enabled: bool) -> KafkaTelemetryBuilder:  # noqa: FBT001 - as above
        """Make a create span for each message of a batch; true by default."""
        return self._set(create_spans=enabled)

    def set_messaging_receive_telemetry_enabled(self, enabled: bool) -> KafkaTelemetryBuilder:  # noqa: FBT001 - as above
        """Make a span for each poll that returned messages; false by default."""
        return self._set(receive_spans=enabled)

    def set_process_spans(self, kind: ProcessSpans) -> KafkaTelemetryBuilder:
        """Choose ``explicit``, ``implicit`` or ``off``."""
        return self._set(process_spans=kind)

    def set_process_parent(self, parent: ProcessParent) -> KafkaTelemetryBuilder:
        """Choose the parent where no span is current: the ``creation`` context, or ``ambient``."""
        return self._set(process_parent=parent)

    def set_settle_spans_enabled(self, enabled: bool) -> KafkaTelemetryBuilder:  # noqa: FBT001 - as above
        """Make a span for each commit; true by default."""
        return self._set(settle_spans=enabled)

    def set_transaction_spans_enabled(self, enabled: bool) -> KafkaTelemetryBuilder:  # noqa: FBT001 - as above
        """Make a span for each transaction; true by default."""
        return self._set(transaction_spans=enabled)

    def set_metrics_enabled(
        self,
        enabled: bool,  # noqa: FBT001 - as above
        *,
        durations: bool = True,
    ) -> KafkaTelemetryBuilder:
        """Record metrics, with or without the two histograms of durations; true by default."""
        return self._set(metrics=enabled, duration_metrics=durations)

    def set_headers(
        self, included: Iterable[str] = (), excluded: Iterable[str] = ()
    ) -> KafkaTelemetryBuilder:
        """Choose by glob patterns which headers become span attributes; none by default."""
        return self._set(headers=HeaderFilter(tuple(included), tuple(excluded)))

    def set_capture_experimental_span_attributes(self, enabled: bool) -> KafkaTelemetryBuilder:  # noqa: FBT001 - as above
        """Give attributes outside of the conventions; false by default."""
        return self._set(experimental_attributes=enabled)

    def set_link_limit(self, limit: int) -> KafkaTelemetryBuilder:
        """Tell how many links the SDK keeps per span, where that is not its default or variable.

        Raises:
            ValueError: It is less than 1.
        """
        if limit < 1:
            raise ValueError(f"the link limit must be at least 1, not {limit}")
        return self._set(link_limit=limit)

    def add_producer_attributes_extractor(
        self, extractor: ProducerExtractor
    ) -> KafkaTelemetryBuilder:
        """Add a function that makes further attributes of send spans from the record."""
        self.producer_extractors.append(extractor)
        return self

    def add_consumer_process_attributes_extractor(
        self, extractor: ProcessExtractor
    ) -> KafkaTelemetryBuilder:
        """Add a function that makes further attributes of process spans from the message."""
        self.process_extractors.append(extractor)
        return self

    def build(self) -> KafkaTelemetry:
        """Make the telemetry."""
        from kafkascope_tracing.telemetry import KafkaTelemetry  # noqa: PLC0415 - it imports this

        return KafkaTelemetry(self)
