"""``SerializingProducer`` and ``DeserializingConsumer``: confluent_kafka's, traced.

Serializers run before the tracing, so that spans and interceptors see what is sent; deserializers
run after it, within the implicit process span where there is one.
"""

from __future__ import annotations

from types import GenericAlias
from typing import TYPE_CHECKING, Any

from confluent_kafka import DeserializingConsumer as RawDeserializingConsumer
from confluent_kafka import SerializingProducer as RawSerializingProducer

from kafkascope_tracing.consumer import Consumer
from kafkascope_tracing.producer import Producer

if TYPE_CHECKING:
    from confluent_kafka import Message
    from typing_extensions import TypeVar

    K = TypeVar("K", default=Any)
    V = TypeVar("V", default=Any)

    class SerializingProducer(RawSerializingProducer[K, V], Producer):  # type: ignore[misc]  # as in the client: its produce() differs from its base's
        """See below."""

    class DeserializingConsumer(RawDeserializingConsumer[K, V], Consumer):  # type: ignore[misc]  # the same with poll()
        """See below."""

        def poll(self, timeout: float = -1) -> Message[K, V] | None:  # type: ignore[override]  # as in the client
            """See below."""

else:
    # Apart from the above, because the client's classes are generic in newer releases only.

    class SerializingProducer(RawSerializingProducer, Producer):
        """A ``confluent_kafka.SerializingProducer`` that traces.

        Takes the same configuration, and ``interceptor.classes`` in it (see ``interceptors``).
        """

        __class_getitem__ = classmethod(GenericAlias)

    class DeserializingConsumer(RawDeserializingConsumer, Consumer):
        """A ``confluent_kafka.DeserializingConsumer`` that traces.

        Takes the same configuration, and ``interceptor.classes`` in it (see ``interceptors``).
        """

        __class_getitem__ = classmethod(GenericAlias)

        def poll(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
            """Receive a message, as ``confluent_kafka.DeserializingConsumer.poll`` does.

            What fails to be deserialized has an implicit process span that ends as an error.
            """
            try:
                return super().poll(*args, **kwargs)
            except Exception as error:
                if self._receiving is not None:
                    self._receiving.leave(error)
                raise
