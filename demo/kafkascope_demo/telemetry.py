"""Kafka clients as ``TRACING`` says, and OpenTelemetry's SDK where the program starts it itself.

Slides 46 to 50 of the talk show three ways to trace a Kafka client: an agent (``auto``: this file
then does nothing at all), interceptors, and wrapped clients. ``off`` traces nothing.
"""

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

import confluent_kafka
from confluent_kafka import Consumer, Message, Producer
from flask import Flask

from kafkascope_demo.environment import SettingError
from kafkascope_demo.telemetryenvironment import (
    REGISTRY_EXPORTER,
    Service,
    telemetry_environment,
)

Tracing = Literal["auto", "interceptor", "wrap", "off"]
TRACINGS: Final[tuple[Tracing, ...]] = ("auto", "interceptor", "wrap", "off")

_BY_HAND: Final = frozenset({"interceptor", "wrap"})

Configuration = dict[str, Any]
Handler = Callable[[Message], None]

_EXPORTERS: Final = {
    "kafkascope_otlp_http": "kafkascope_demo.otlpexporters.http",
    "kafkascope_otlp_grpc": "kafkascope_demo.otlpexporters.grpc",
}


@dataclass(frozen=True, slots=True)
class Clients:
    """Makes Kafka clients of one kind of tracing.

    Args:
        producer: Makes a producer of a configuration.
        consumer: Makes a consumer of a configuration.
        handler: Makes a handler of messages one whose every call has a process span.
    """

    producer: Callable[[Configuration], Producer]
    consumer: Callable[[Configuration], Consumer]
    handler: Callable[[Handler], Handler]


def make_clients(tracing: Tracing) -> Clients:
    """Give what makes Kafka clients."""
    if tracing == "interceptor":
        return _with_interceptors()
    if tracing == "wrap":
        return _wrapped()
    return Clients(confluent_kafka.Producer, confluent_kafka.Consumer, lambda handler: handler)


def _with_interceptors() -> Clients:
    """As with Java's clients: a key of the configuration."""
    import kafkascope_tracing  # noqa: PLC0415 - with `auto` and `off` it is not for us to load

    telemetry = kafkascope_tracing.KafkaTelemetry.builder().build()
    return Clients(
        lambda config: kafkascope_tracing.Producer(
            {**config, **telemetry.producer_interceptor_config()}
        ),
        lambda config: kafkascope_tracing.Consumer(
            {**config, **telemetry.consumer_interceptor_config()}
        ),
        telemetry.handler,
    )


def _wrapped() -> Clients:
    """Clients of confluent_kafka, each behind a stand-in that traces."""
    from kafkascope_tracing import KafkaTelemetry  # noqa: PLC0415 - as above

    telemetry = KafkaTelemetry.builder().build()
    return Clients(
        lambda config: telemetry.wrap(confluent_kafka.Producer(config), config),
        lambda config: telemetry.wrap(confluent_kafka.Consumer(config), config),
        telemetry.handler,
    )


@contextmanager
def running(tracing: Tracing, service: Service) -> Iterator[None]:
    """Run OpenTelemetry's SDK where the program has to start it; sends what is left at the end.

    Args:
        tracing: How the service is traced.
        service: Which service, for the defaults of its telemetry.
    """
    end = _start_sdk(service) if tracing in _BY_HAND else lambda: None
    try:
        yield
    finally:
        end()


def trace_requests(tracing: Tracing, application: Flask) -> None:
    """Give each HTTP request a span, where ``auto`` does not."""
    if tracing in _BY_HAND:
        from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: PLC0415 - see above

        FlaskInstrumentor().instrument_app(application)  # type: ignore[no-untyped-call]  # it has no types


def _start_sdk(service: Service) -> Callable[[], None]:
    """Start the SDK by the same variables as ``opentelemetry-instrument`` does; return its end."""
    os.environ.update(telemetry_environment(os.environ, service))
    # What these modules read when they are imported is set now.
    from opentelemetry import _logs, metrics, trace  # noqa: PLC0415
    from opentelemetry.instrumentation.logging import LoggingInstrumentor  # noqa: PLC0415
    from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    meters = MeterProvider(metric_readers=_metric_readers(os.environ))
    metrics.set_meter_provider(meters)
    tracers = TracerProvider()  # sampler and resource by environment
    for span_exporter in _exporters(os.environ, "TRACES", "SpanExporter"):
        tracers.add_span_processor(BatchSpanProcessor(span_exporter))
    trace.set_tracer_provider(tracers)
    loggers = LoggerProvider()
    log_exporters = _exporters(os.environ, "LOGS", "LogExporter")
    for log_exporter in log_exporters:
        loggers.add_log_record_processor(BatchLogRecordProcessor(log_exporter))
    _logs.set_logger_provider(loggers)
    LoggingInstrumentor().instrument(
        inject_trace_context=True, enable_log_auto_instrumentation=bool(log_exporters)
    )

    def end() -> None:
        for provider in (tracers, loggers, meters):
            provider.shutdown()

    return end


def _metric_readers(variables: Mapping[str, str]) -> list[Any]:
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

    pushed = _exporters(variables, "METRICS", "MetricExporter")
    return [PrometheusMetricReader(), *map(PeriodicExportingMetricReader, pushed)]


def _exporters(variables: Mapping[str, str], signal: str, kind: str) -> list[Any]:
    """Make the exporters that a variable names.

    Raises:
        SettingError: It names one that this file does not know.
    """
    made = []
    for name in variables[f"OTEL_{signal}_EXPORTER"].split(","):
        if name in {"none", "", REGISTRY_EXPORTER}:
            continue
        if name not in _EXPORTERS:
            raise SettingError(
                f"OTEL_{signal}_EXPORTER", name, "expected otlp or none, unless TRACING is auto"
            )
        made.append(getattr(importlib.import_module(_EXPORTERS[name]), kind)())
    return made
