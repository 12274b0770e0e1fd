"""OpenTelemetry tracing for ``confluent_kafka`` producers and consumers.

The context travels in message headers, spans and metrics follow OpenTelemetry's messaging
conventions v1.44.0. Nothing here raises into, delays, or changes the application: a caller's
headers are never mutated, and no call waits for metadata.

Use the classes here in the place of confluent_kafka's, or wrap clients that exist already by
``KafkaTelemetry.builder().build().wrap(client)``, or run the program by
``opentelemetry-instrument`` without any change (extra ``[auto]``).
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kafkascope_tracing.aioconsumer import AIOConsumer as AIOConsumer
    from kafkascope_tracing.aioconsumer import (
        AsyncDeserializingConsumer as AsyncDeserializingConsumer,
    )
    from kafkascope_tracing.aioproducer import AIOProducer as AIOProducer
    from kafkascope_tracing.aioproducer import AsyncSerializingProducer as AsyncSerializingProducer
    from kafkascope_tracing.builder import KafkaTelemetryBuilder as KafkaTelemetryBuilder
    from kafkascope_tracing.consumer import Consumer as Consumer
    from kafkascope_tracing.interceptors import ConsumerInterceptor as ConsumerInterceptor
    from kafkascope_tracing.interceptors import ProducerInterceptor as ProducerInterceptor
    from kafkascope_tracing.interceptors import ProducerRecord as ProducerRecord
    from kafkascope_tracing.interceptors import RecordMetadata as RecordMetadata
    from kafkascope_tracing.markers import TracingConsumerInterceptor as TracingConsumerInterceptor
    from kafkascope_tracing.markers import TracingProducerInterceptor as TracingProducerInterceptor
    from kafkascope_tracing.producer import Producer as Producer
    from kafkascope_tracing.serializing import DeserializingConsumer as DeserializingConsumer
    from kafkascope_tracing.serializing import SerializingProducer as SerializingProducer
    from kafkascope_tracing.share import DeserializingShareConsumer as DeserializingShareConsumer
    from kafkascope_tracing.share import ShareConsumer as ShareConsumer
    from kafkascope_tracing.telemetry import KafkaTelemetry as KafkaTelemetry

# Loaded at first use: a program without Kafka that is run by opentelemetry-instrument pays nothing.
_MODULES = {
    "AIOConsumer": "aioconsumer",
    "AIOProducer": "aioproducer",
    "AsyncDeserializingConsumer": "aioconsumer",
    "AsyncSerializingProducer": "aioproducer",
    "Consumer": "consumer",
    "ConsumerInterceptor": "interceptors",
    "DeserializingConsumer": "serializing",
    "DeserializingShareConsumer": "share",
    "KafkaTelemetry": "telemetry",
    "KafkaTelemetryBuilder": "builder",
    "Producer": "producer",
    "ProducerInterceptor": "interceptors",
    "ProducerRecord": "interceptors",
    "RecordMetadata": "interceptors",
    "SerializingProducer": "serializing",
    "ShareConsumer": "share",
    "TracingConsumerInterceptor": "markers",
    "TracingProducerInterceptor": "markers",
}
# Classes that the installed client may not have, by the confluent-kafka that brought them.
_SINCE = {
    "AIOConsumer": (2, 12),
    "AIOProducer": (2, 12),
    "AsyncDeserializingConsumer": (2, 16),
    "AsyncSerializingProducer": (2, 16),
    "DeserializingShareConsumer": (2, 15),
    "ShareConsumer": (2, 15),
}

__all__ = [
    "Consumer",
    "ConsumerInterceptor",
    "DeserializingConsumer",
    "KafkaTelemetry",
    "KafkaTelemetryBuilder",
    "Producer",
    "ProducerInterceptor",
    "ProducerRecord",
    "RecordMetadata",
    "SerializingProducer",
    "TracingConsumerInterceptor",
    "TracingProducerInterceptor",
]


def _installed() -> tuple[int, ...]:
    """Return the first two numbers of the client's version, without loading it."""
    try:
        numbers = version("confluent-kafka").split(".")[:2]
    except PackageNotFoundError:
        return ()
    return tuple(int(number) for number in numbers if number.isdecimal())


__all__ += [name for name, since in _SINCE.items() if since <= _installed()]
__all__.sort()


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whichever of the public names
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        found = getattr(import_module(f"{__name__}.{module}"), name)
    except (ImportError, AttributeError) as error:
        if name not in _SINCE:
            raise
        since = ".".join(map(str, _SINCE[name]))
        raise ImportError(f"{name} needs confluent-kafka {since} or later") from error
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
