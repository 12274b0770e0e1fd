"""OTLP over gRPC with its failures counted: exporters named ``kafkascope_otlp_grpc``."""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from kafkascope_demo.otlpexporters.failures import counted


class SpanExporter(OTLPSpanExporter):
    """Sends spans."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them; a failure is counted."""
        return counted("traces", super().export, spans)


class MetricExporter(OTLPMetricExporter):
    """Sends metrics."""

    def export(
        self,
        metrics_data: MetricsData,
        timeout_millis: float = 10_000,
        **kwargs: object,
    ) -> MetricExportResult:
        """Send them; a failure is counted."""
        return counted("metrics", super().export, metrics_data, timeout_millis, **kwargs)


class LogExporter(OTLPLogExporter):
    """Sends logs."""

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send them; a failure is counted."""
        return counted("logs", super().export, batch)
