"""``Producer``: confluent_kafka's, with a span for each message and its context in the headers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka.cimpl import Producer as RawProducer

from kafkascope_tracing import batches, settling, transactions
from kafkascope_tracing.clients import Configured, configured
from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.sending import Sending

if TYPE_CHECKING:
    # So that a type checker knows the methods that a mixin finds by super() at run time.
    _Client = RawProducer
else:
    _Client = object

_ABSENT: Final[Any] = object()


class ProducerTracing(_Client):
    """Overrides what sends messages; goes in front of any producer class.

    An instance that was made without it (before zero-code tracing came) is not traced.
    """

    __slots__ = ()

    _sending: Sending | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's own arguments
        chosen = configured(args, kwargs, role="producer")
        super().__init__(*chosen.args, **chosen.kwargs)
        self._sending = make_sending(self, chosen)

    def produce(  # noqa: PLR0913, PLR0917 - the client's own signature
        self,
        topic: str,
        value: Any = None,  # noqa: ANN401 - bytes or text, as the client takes it
        key: Any = None,  # noqa: ANN401 - the same
        partition: int = -1,
        callback: Any = _ABSENT,  # noqa: ANN401 - the same
        on_delivery: Any = None,  # noqa: ANN401 - the same
        timestamp: int = 0,
        headers: Any = None,  # noqa: ANN401 - the same
        **more: Any,  # noqa: ANN401 - the same
    ) -> None:
        """Send a message, as ``confluent_kafka.Producer.produce`` does."""
        # A callback that is given counts, even None: so it is without us.
        report = on_delivery if callback is _ABSENT else callback
        sending = self._sending
        if sending is None or sending.is_idle():
            return super().produce(
                topic, value, key, partition, report, None, timestamp, headers, **more
            )
        return sending.send(  # type: ignore[no-any-return]  # the client's None
            super().produce, topic, value, key, partition, report, timestamp, headers, more
        )

    if hasattr(RawProducer, "produce_batch"):

        def produce_batch(self, *args: Any, **kwargs: Any) -> int:  # noqa: ANN401 - the client's
            """Send messages, as ``confluent_kafka.Producer.produce_batch`` does.

            Where they are to carry a context they are sent one by one, because the client's own
            batches drop headers.
            """
            sending = self._sending
            if sending is None or sending.is_idle():
                return super().produce_batch(*args, **kwargs)
            return batches.produce_batch(
                sending, super().produce, super().produce_batch, args, kwargs
            )

    def poll(self, *args: Any, **kwargs: Any) -> int:  # noqa: ANN401 - the client's
        """Serve delivery reports, as ``confluent_kafka.Producer.poll`` does."""
        served = super().poll(*args, **kwargs)
        if self._sending is not None:
            self._sending.learn_cluster()
        return served

    def flush(self, *args: Any, **kwargs: Any) -> int:  # noqa: ANN401 - the client's
        """Wait for delivery reports, as ``confluent_kafka.Producer.flush`` does."""
        left = super().flush(*args, **kwargs)
        if self._sending is not None:
            self._sending.learn_cluster()
        return left

    def begin_transaction(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's
        """Begin a transaction and its span."""
        call = _bound(super().begin_transaction, args, kwargs)
        return call() if self._sending is None else transactions.begin(self._sending, call)  # type: ignore[no-any-return]  # the client's None

    def commit_transaction(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's
        """Commit the transaction and end its span."""
        call = _bound(super().commit_transaction, args, kwargs)
        if self._sending is None:
            return call()  # type: ignore[no-any-return]  # the client's None
        return transactions.conclude(self._sending, "commit", call)  # type: ignore[no-any-return]  # the same

    def abort_transaction(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's
        """Abort the transaction and end its span."""
        call = _bound(super().abort_transaction, args, kwargs)
        if self._sending is None:
            return call()  # type: ignore[no-any-return]  # the client's None
        return transactions.conclude(self._sending, "abort", call)  # type: ignore[no-any-return]  # the same

    def send_offsets_to_transaction(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's
        """Commit offsets with the transaction, in a settle span."""
        call = _bound(super().send_offsets_to_transaction, args, kwargs)
        sending = self._sending
        if sending is None:
            return call()  # type: ignore[no-any-return]  # the client's None
        positions = args[0] if args else kwargs.get("positions")
        settlement = settling.start(sending.telemetry, sending.attributes, positions)
        return settlement.run(call)  # type: ignore[no-any-return]  # the same

    if hasattr(RawProducer, "close"):

        def close(self, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401 - the client's
            """Close the producer, as ``confluent_kafka.Producer.close`` does."""
            try:
                return super().close(*args, **kwargs)
            finally:
                self._end_tracing()

    if hasattr(RawProducer, "__exit__"):

        def __exit__(self, *args: object) -> bool | None:
            # The client's own does not call close().
            try:
                return super().__exit__(*args)
            finally:
                self._end_tracing()

    def _end_tracing(self) -> None:
        if self._sending is not None:
            transactions.end(self._sending, "abandoned")
            self._sending.close()


class Producer(ProducerTracing, RawProducer):
    """A ``confluent_kafka.Producer`` that traces.

    Takes the same configuration, and ``interceptor.classes`` in it (see ``interceptors``).
    """


def make_sending(client: object, chosen: Configured) -> Sending | None:
    """Return what a producer's spans need, None when it is to be left alone."""
    if not chosen.telemetry.settings.enabled and not chosen.interceptors:
        return None
    before, after = chosen.chains()
    sending = Sending(chosen.telemetry, chosen.config, before, after, ClusterId(client))
    sending.bridge = chosen.bridge
    return sending


def _bound(method: Callable[..., Any], args: Any, kwargs: Any) -> Callable[[], Any]:  # noqa: ANN401 - a call's
    return lambda: method(*args, **kwargs)
