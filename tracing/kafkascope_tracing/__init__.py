"""OpenTelemetry tracing for ``confluent_kafka`` producers and consumers.

The context travels in message headers, spans and metrics follow OpenTelemetry's messaging
conventions v1.44.0. Nothing here raises into, delays, or changes the application: a caller's
headers are never mutated, and no call waits for metadata.

Use the classes here in the place of confluent_kafka's, or wrap clients that exist already by
``KafkaTelemetry.builder().build().wrap(client)``, or run the program by
``opentelemetry-instrument`` without any change (extra ``[auto]``).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kafkascope_tracing.builder import KafkaTelemetryBuilder as KafkaTelemetryBuilder
    from kafkascope_tracing.consumer import Consumer as Consumer
    from kafkascope_tracing.interceptors import ConsumerInterceptor as ConsumerInterceptor
    from kafkascope_tracing.interceptors import ProducerInterceptor as ProducerInterceptor
    from kafkascope_tracing.interceptors import ProducerRecord as ProducerRecord
    from kafkascope_tracing.interceptors import RecordMetadata as RecordMetadata
    from kafkascope_tracing.markers import TracingConsumerInterceptor as TracingConsumerInterceptor
    from kafkascope_tracing.markers import TracingProducerInterceptor as TracingProducerInterceptor
    from kafkascope_tracing.producer import Producer as Producer
    from kafkascope_tracing.telemetry import KafkaTelemetry as KafkaTelemetry

# Loaded at first use: a program without Kafka that is run by opentelemetry-instrument pays nothing.
_MODULES = {
    "Consumer": "consumer",
    "ConsumerInterceptor": "interceptors",
    "KafkaTelemetry": "telemetry",
    "KafkaTelemetryBuilder": "builder",
    "Producer": "producer",
    "ProducerInterceptor": "interceptors",
    "ProducerRecord": "interceptors",
    "RecordMetadata": "interceptors",
    "TracingConsumerInterceptor": "markers",
    "TracingProducerInterceptor": "markers",
}

__all__ = [
    "Consumer",
    "ConsumerInterceptor",
    "KafkaTelemetry",
    "KafkaTelemetryBuilder",
    "Producer",
    "ProducerInterceptor",
    "ProducerRecord",
    "RecordMetadata",
    "TracingConsumerInterceptor",
    "TracingProducerInterceptor",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whichever of the public names
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
