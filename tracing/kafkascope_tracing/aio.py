"""The asyncio clients, as ``confluent_kafka.aio`` has them: traced.

``from kafkascope_tracing.aio import AIOProducer`` in the place of ``from confluent_kafka.aio …`` is
all that a program needs.

Raises:
    ImportError: When imported, with a confluent-kafka that has none (before 2.12).
"""

from __future__ import annotations

from kafkascope_tracing import aioproducer
from kafkascope_tracing.aioconsumer import AIOConsumer, AIOConsumerTracing
from kafkascope_tracing.aioproducer import AIOProducer, AIOProducerTracing

__all__ = ["AIOConsumer", "AIOConsumerTracing", "AIOProducer", "AIOProducerTracing"]

if hasattr(aioproducer, "AsyncSerializingProducer"):
    from kafkascope_tracing.aioconsumer import AsyncDeserializingConsumer
    from kafkascope_tracing.aioproducer import AsyncSerializingProducer

    __all__ += ["AsyncDeserializingConsumer", "AsyncSerializingProducer"]
