"""``AIOProducer``: confluent_kafka's, traced, and with headers.

The span of a message starts in the coroutine that sends it, so that its parent is what is current
there, and ends with the delivery report, in whichever thread that comes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from kafkascope_tracing import settling, transactions
from kafkascope_tracing.aiobatches import Parcel, SingleSender, carries, checked, posting
from kafkascope_tracing.aioclients import configured_aio, raw_aio, settled
from kafkascope_tracing.clients import Configured
from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.delivery import DeliveryCallback
from kafkascope_tracing.headers import Headers
from kafkascope_tracing.sending import Sending

if TYPE_CHECKING:
    import asyncio

    # So that a type checker knows the methods that a mixin finds by super() at run time.
    _Client = raw_aio.AIOProducer
else:
    _Client = object

_logger = logging.getLogger(__name__)


class _Packed(NamedTuple):
    """A message as the tracing has it sent, and who is told of its delivery."""

    topic: str
    value: Any
    key: Any
    partition: int
    report: DeliveryCallback | None
    on_delivery: None
    timestamp: int
    headers: Headers


class AIOProducerTracing(_Client):
    """Overrides what sends messages; goes in front of any asyncio producer class.

    An instance that was made without it (before zero-code tracing came) is not traced.
    """

    _sending: Sending | None = None
    _carries = False

    def __init__(self, producer_conf: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's own arguments
        chosen = configured_aio(producer_conf, "producer")
        super().__init__(chosen.args[0], *args, **kwargs)
        self.begin_tracing(chosen)

    def begin_tracing(self, chosen: Configured) -> None:
        """Begin to trace an instance that is made.

        Args:
            chosen: What its configuration says about tracing.
        """
        self._carries = carries(self)
        if not self._carries:
            _logger.warning("AIOProducer of this confluent-kafka carries no context: not traced")
            return
        sender = SingleSender(self._producer)
        self._kafka_executor._producer = sender  # type: ignore[assignment]  # noqa: SLF001 - see aiobatches
        telemetry = chosen.telemetry
        if telemetry.settings.enabled or chosen.interceptors:
            # The asyncio client never calls the configuration's own delivery callback.
            config = {**chosen.config, "on_delivery": None}
            self._sending = Sending(telemetry, config, *chosen.chains(), ClusterId(sender))
            self._sending.bridge = chosen.bridge
            sender.before_batch = self._sending.learn_cluster

    async def produce(
        self,
        topic: str,
        value: Any = None,  # noqa: ANN401 - bytes or text, as the client takes it
        key: Any = None,  # noqa: ANN401 - the same
        *args: Any,  # noqa: ANN401 - the same
        **kwargs: Any,  # noqa: ANN401 - the same
    ) -> asyncio.Future[Any]:
        """Send a message, as ``confluent_kafka.aio.AIOProducer.produce`` does; with headers, too.

        Raises:
            TypeError: Headers are not a dict or a list of pairs of a name and its value.
            Exception: Whatever the client raises.
        """
        if not self._carries:
            return await super().produce(topic, value, key, *args, **kwargs)
        headers = checked(kwargs.pop("headers", None))
        sending = self._sending
        if sending is None or sending.is_idle():
            if headers is None:
                return await super().produce(topic, value, key, *args, **kwargs)
            parcel = Parcel(headers, None)
        else:
            partition, timestamp = kwargs.get("partition", -1), kwargs.get("timestamp", 0)
            packed: _Packed = sending.send(
                _Packed, topic, value, key, partition, None, timestamp, headers, {}
            )
            topic, value, key = packed.topic, packed.value, packed.key
            if packed.partition != partition:
                kwargs["partition"] = packed.partition
            if packed.timestamp != timestamp:
                kwargs["timestamp"] = packed.timestamp
            parcel = Parcel(packed.headers, packed.report)
        before = posting.get()
        posting.set(parcel)
        try:
            return await super().produce(topic, value, key, *args, **kwargs)
        finally:
            posting.set(before)

    async def begin_transaction(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Begin a transaction and its span."""
        result = await super().begin_transaction(*args, **kwargs)
        if self._sending is not None:
            transactions.begun(self._sending)
        return result

    async def commit_transaction(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Commit the transaction and end its span."""
        if self._sending is None:
            return await super().commit_transaction(*args, **kwargs)
        with transactions.concluding(self._sending, "commit"):
            return await super().commit_transaction(*args, **kwargs)

    async def abort_transaction(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Abort the transaction and end its span."""
        if self._sending is None:
            return await super().abort_transaction(*args, **kwargs)
        with transactions.concluding(self._sending, "abort"):
            return await super().abort_transaction(*args, **kwargs)

    async def send_offsets_to_transaction(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Commit offsets with the transaction, in a settle span."""
        sending = self._sending
        call = super().send_offsets_to_transaction(*args, **kwargs)
        if sending is None:
            return await call
        positions = args[0] if args else kwargs.get("positions")
        return await settled(settling.start(sending.telemetry, sending.attributes, positions), call)

    async def close(self) -> None:
        """Close the producer, as ``confluent_kafka.aio.AIOProducer.close`` does."""
        try:
            await super().close()
        finally:
            if self._sending is not None:
                transactions.end(self._sending, "abandoned")
                self._sending.close()


class AIOProducer(AIOProducerTracing, raw_aio.AIOProducer):
    """A ``confluent_kafka.aio.AIOProducer`` that traces, and that takes headers and timestamps.

    Takes the same configuration, and ``interceptor.classes`` in it (see ``interceptors``).
    """


if TYPE_CHECKING or hasattr(raw_aio, "AsyncSerializingProducer"):

    class AsyncSerializingProducer(raw_aio.AsyncSerializingProducer, AIOProducer):  # type: ignore[misc]  # as in the client: produce() differs from its base's
        """A ``confluent_kafka.aio.AsyncSerializingProducer`` that traces, and that takes headers.

        Serializers run before the tracing, so that spans and interceptors see what is sent.
        """

        async def __init__(self, conf: Any, **kwargs: Any) -> None:  # type: ignore[misc]  # noqa: ANN401 - as in the client
            chosen = configured_aio(conf, "producer")
            await super().__init__(chosen.args[0], **kwargs)
            self.begin_tracing(chosen)
