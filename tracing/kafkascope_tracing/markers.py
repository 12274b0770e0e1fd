"""``TracingProducerInterceptor`` and ``TracingConsumerInterceptor``, named as in Java.

In ``interceptor.classes`` of a client of this package they mark the place of tracing among the
interceptors; the client does the work itself, because only it sees the delivery report. In any
other client's chain they do what a Java interceptor can: a send span that ends in ``on_send``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from opentelemetry.context import get_current

from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.interceptors import Chain, ProducerRecord, RecordMetadata
from kafkascope_tracing.receiving import Receiving
from kafkascope_tracing.sending import Sending
from kafkascope_tracing.telemetry import default_telemetry
from kafkascope_tracing.tracer import is_suppressed

if TYPE_CHECKING:
    from kafkascope_tracing.telemetry import KafkaTelemetry


class TracingProducerInterceptor:
    """Traces what a producer sends.

    Args:
        telemetry: Where spans go; ``None`` for the default one.
    """

    marks_tracing: ClassVar[bool] = True

    def __init__(self, telemetry: KafkaTelemetry | None = None) -> None:
        self.telemetry = telemetry
        self._sending: Sending | None = None

    def configure(self, config: Mapping[str, Any]) -> None:
        """Take the client's configuration."""
        telemetry = self.telemetry or default_telemetry()
        self._sending = Sending(telemetry, config, Chain(()), Chain(()), ClusterId(None))

    def on_send(self, record: ProducerRecord) -> ProducerRecord:
        """Put a context into the record's headers; its send span ends at once."""
        if self._sending is None:
            self.configure({})
        sending, context = self._sending, get_current()
        if sending is not None and not sending.is_idle() and not is_suppressed(context):
            span, record.headers = sending.start(
                context, record.topic, record.value, record.key, record.partition, record.headers
            )
            sending.telemetry.spans.end(span)
        return record

    def on_acknowledgement(self, metadata: RecordMetadata, exception: BaseException | None) -> None:
        """Do nothing: the span ended."""

    def close(self) -> None:
        """Do nothing: nothing is open."""


class TracingConsumerInterceptor:
    """Traces what a consumer receives.

    Args:
        telemetry: Where spans go; ``None`` for the default one.
    """

    marks_tracing: ClassVar[bool] = True

    def __init__(self, telemetry: KafkaTelemetry | None = None) -> None:
        self.telemetry = telemetry
        self._receiving: Receiving | None = None

    def configure(self, config: Mapping[str, Any]) -> None:
        """Take the client's configuration."""
        telemetry = self.telemetry or default_telemetry()
        self._receiving = Receiving(telemetry, config, Chain(()), ClusterId(None))

    def on_consume(self, messages: list[Any]) -> list[Any]:
        """Report messages, with a poll span of no duration where receive spans are on."""
        if self._receiving is None:
            self.configure({})
        if self._receiving is not None and messages:
            self._receiving.leave()
            self._receiving.received_now(messages)
        return messages

    def on_commit(self, offsets: list[Any]) -> None:
        """Make a settle span of no duration."""
        if self._receiving is not None and offsets:
            self._receiving.commits.report(None, offsets)

    def close(self) -> None:
        """End what is open."""
        if self._receiving is not None:
            self._receiving.close()
