"""Sending one message: its span, its headers, and what the delivery report says of it.

Neither sync nor async: a client class calls ``Sending.send`` with the method that really sends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN, Link, Span, get_current_span, set_span_in_context

from kafkascope_tracing.attributes import (
    KAFKA_KEY,
    KAFKA_TOMBSTONE,
    SEND,
    SEND_OF_CREATED,
    ClientAttributes,
    Operation,
    SpanAttributes,
    key_text,
)
from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.delivery import Delivery, DeliveryCallback
from kafkascope_tracing.headers import captured
from kafkascope_tracing.interceptors import (
    Chain,
    ProducerChains,
    ProducerInterceptor,
    ProducerRecord,
)
from kafkascope_tracing.tracer import is_suppressed

if TYPE_CHECKING:
    from kafkascope_tracing.statistics import StatisticsBridge
    from kafkascope_tracing.telemetry import KafkaTelemetry

Produce: TypeAlias = Callable[..., Any]

_NO_LINKS: Final[tuple[Link, ...]] = ()


class Sending:
    """What one producer needs for its messages.

    Args:
        telemetry: Where spans and metrics go.
        config: The client's.
        before: Interceptors that see a message before its span starts.
        after: Those that see it with its context in the headers.
        cluster: Finds the cluster's id.
    """

    __slots__ = (
        "_interceptors",
        "_intercepts",
        "_quiet",
        "attributes",
        "bridge",
        "cluster",
        "default_callback",
        "telemetry",
        "transaction",
    )

    def __init__(
        self,
        telemetry: KafkaTelemetry,
        config: Mapping[str, Any],
        before: Chain[ProducerInterceptor],
        after: Chain[ProducerInterceptor],
        cluster: ClusterId,
    ) -> None:
        self.telemetry = telemetry
        settings = telemetry.settings
        self._quiet = not settings.enabled
        self._interceptors = ProducerChains(before, after)
        self._intercepts = bool(self._interceptors)
        self.default_callback: DeliveryCallback | None = config.get("on_delivery")
        self.attributes = ClientAttributes(
            config,
            role="producer",
            old_names=settings.old_names,
            experimental=settings.experimental_attributes,
        )
        self.cluster = cluster
        self.transaction: Span | None = None
        self.bridge: StatisticsBridge | None = None
        """Of the client's statistics, closed with it."""

    def is_idle(self) -> bool:
        """Whether a message needs nothing from us: nobody listens, nothing is to be carried."""
        telemetry = self.telemetry
        return not (
            telemetry.spans.is_active()
            or get_current()
            or self._intercepts
            or telemetry.metrics.active
        )

    def send(  # noqa: PLR0913, PLR0917 - the arguments of the client's own produce()
        self,
        produce: Produce,
        topic: str,
        value: Any,  # noqa: ANN401 - bytes or text, whatever the client takes
        key: Any,  # noqa: ANN401 - the same
        partition: int,
        callback: DeliveryCallback | None,
        timestamp: int,
        headers: Any,  # noqa: ANN401 - the same
        more: dict[str, Any],
    ) -> Any:  # noqa: ANN401 - what produce returns
        """Send one message.

        Args:
            produce: The client's own method.
            topic: As given to it.
            value: As given to it.
            key: As given to it.
            partition: As given to it.
            callback: The one of both callback arguments that counts.
            timestamp: As given to it.
            headers: As given to it; stays as it is.
            more: Arguments that a newer client has.

        Raises:
            Exception: Whatever ``produce`` raises.
        """
        context = get_current()
        quiet = self._quiet or is_suppressed(context)
        span: Span = INVALID_SPAN
        if self._intercepts:
            record = ProducerRecord(topic, value, key, partition, timestamp, headers)
            span, record = self._intercepted(record, None if quiet else context)
            topic, value, key = record.topic, record.value, record.key
            partition, timestamp, headers = record.partition, record.timestamp, record.headers
        elif not quiet:
            span, headers = self.start(context, topic, value, key, partition, headers)
        report = self.report(None if quiet else span, context, topic, callback)
        try:
            return produce(topic, value, key, partition, report, None, timestamp, headers, **more)
        except BaseException as error:
            if isinstance(report, Delivery):
                report.refuse(error)
            raise

    def _intercepted(
        self, record: ProducerRecord, context: Context | None
    ) -> tuple[Span, ProducerRecord]:
        """Pass a record through the interceptors, and start its span between them.

        Args:
            record: As the application gave it.
            context: The caller's; None when the message is not traced.
        """
        record = self._interceptors.before(record)
        span: Span = INVALID_SPAN
        if context is not None:
            span, record.headers = self.start(
                context, record.topic, record.value, record.key, record.partition, record.headers
            )
        return span, self._interceptors.after(record)

    def start(
        self,
        context: Context,
        topic: str,
        value: object,
        key: object,
        partition: int,
        headers: Any,  # noqa: ANN401 - whatever the client takes
    ) -> tuple[Span, Any]:
        """Start a send span and write its context; never raises.

        Returns:
            The span, one that does not record where nobody listens, and the headers to send.
        """
        telemetry = self.telemetry
        span: Span = INVALID_SPAN
        try:
            kept = telemetry.propagation.existing(headers)
            if telemetry.spans.active:
                links = _NO_LINKS if kept is None else (Link(kept),)
                parent, links = self._in_transaction(context, links)
                carried = telemetry.settings.propagation and kept is None
                operation = SEND if carried else SEND_OF_CREATED
                attributes = self.message_attributes(operation, topic, value, key, partition)
                if telemetry.settings.headers.included and headers:
                    attributes |= captured(headers, telemetry.settings.headers.matches)
                base = self.attributes.span_base(operation, topic)
                span = telemetry.spans.start(base, parent, attributes, links)
            if kept is None and telemetry.settings.propagation:
                headers = self.inject(headers, span, context)
        except Exception as error:  # noqa: BLE001 - the message is sent as it would be without us
            telemetry.spans.log(error)
        return span, headers

    def inject(self, headers: Any, span: Span, context: Context) -> Any:  # noqa: ANN401 - headers
        """Return headers with the span's context, or with the current one where there is no span.

        Raises:
            Exception: Whatever the propagator raises.
        """
        carried = span if span.get_span_context().is_valid else get_current_span(context)
        return self.telemetry.propagation.injected(headers, carried, context)

    def _in_transaction(
        self, context: Context, links: tuple[Link, ...]
    ) -> tuple[Context, tuple[Link, ...]]:
        """Join the open transaction: as its child where no span is current, else by a link."""
        transaction = self.transaction
        if transaction is None:
            return context, links
        if get_current_span(context).get_span_context().is_valid:
            return context, (*links, Link(transaction.get_span_context()))
        return set_span_in_context(transaction, context), links

    def message_attributes(
        self, operation: Operation, topic: str, value: object, key: object, partition: int
    ) -> SpanAttributes:
        """Return the attributes that are known before a message is sent, in a new dict."""
        attributes = self.attributes.span_base(operation, topic).attributes.copy()
        if key is not None:
            text = key_text(key)
            if text is not None:
                attributes[KAFKA_KEY] = text
        if partition >= 0:
            attributes |= self.attributes.position(partition, None)
        if value is None:
            attributes[KAFKA_TOMBSTONE] = True
        if self.telemetry.producer_extractors:
            record = ProducerRecord(topic, value, key, partition)  # type: ignore[arg-type]  # as sent
            self.telemetry.extract_attributes(
                self.telemetry.producer_extractors, record, attributes
            )
        return attributes

    def report(
        self,
        span: Span | None,
        context: Context,
        topic: str,
        callback: DeliveryCallback | None,
    ) -> DeliveryCallback | None:
        """Return what shall be called with the delivery report, None when nothing needs it.

        Args:
            span: Of the message; None when it is not traced.
            context: The caller's.
            topic: Of the message.
            callback: The caller's.
        """
        if callback is None:
            callback = self.default_callback
        traced = span is not None and (span.is_recording() or self.telemetry.metrics.active)
        if traced or self._intercepts:
            return Delivery(self, span, context, topic, callback)
        if callback is None or not context:
            return callback
        return Delivery(None, span, context, topic, callback)

    def intercepted(self, record: ProducerRecord) -> ProducerRecord:
        """Return what all interceptors make of a record."""
        if not self._intercepts:
            return record
        return self._interceptors.after(self._interceptors.before(record))

    def learn_cluster(self) -> None:
        """Learn the cluster's id, if somebody wants it; ``ClusterId`` tells where to call this."""
        if self.telemetry.spans.active:
            self.cluster.learn(self.attributes)

    def close(self) -> None:
        """Tell the interceptors that the client closed."""
        self._interceptors.close()
        if self.bridge is not None:
            self.bridge.close()

    def acknowledge(self, topic: str, error: object, message: Any) -> None:  # noqa: ANN401 - a Message
        """Tell the interceptors of a delivery."""
        if self._intercepts:
            self._interceptors.acknowledge(topic, error, message)
