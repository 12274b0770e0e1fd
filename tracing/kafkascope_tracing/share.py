"""``ShareConsumer``: confluent_kafka's consumer of share groups (KIP-932), traced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import confluent_kafka
from confluent_kafka import Messages
from confluent_kafka.cimpl import ShareConsumer as RawShareConsumer

from kafkascope_tracing.acknowledging import Acknowledgements
from kafkascope_tracing.clients import Configured, configured
from kafkascope_tracing.consumer import make_receiving
from kafkascope_tracing.receiving import Receiving

if TYPE_CHECKING:
    # So that a type checker knows the methods that a mixin finds by super() at run time.
    _Client = RawShareConsumer
else:
    _Client = object


class ShareConsumerTracing(_Client):
    """Overrides what receives and acknowledges; goes in front of any share consumer class.

    An instance that was made without it (before zero-code tracing came) is not traced.
    """

    __slots__ = ()

    _receiving: Receiving | None = None
    _acknowledgements: Acknowledgements | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's own arguments
        chosen = configured(args, kwargs, role="consumer")
        super().__init__(*chosen.args, **chosen.kwargs)
        self.begin_tracing(chosen, observes=True)

    def begin_tracing(self, chosen: Configured, *, observes: bool = False) -> None:
        """Trace an instance that is made.

        Args:
            chosen: What its configuration says about tracing.
            observes: Hear of acknowledgements; an application's own callback is lost by it.
        """
        receiving = make_receiving(self, chosen)
        if receiving is None:
            return
        self._receiving = receiving
        self._acknowledgements = Acknowledgements(receiving)
        if observes and receiving.observes_commits():
            super().set_acknowledgement_commit_callback(self._acknowledgements)

    def poll(self, *args: Any, **kwargs: Any) -> Messages:  # noqa: ANN401 - the client's
        """Receive messages, as ``confluent_kafka.ShareConsumer.poll`` does."""
        receiving, acknowledgements = self._receiving, self._acknowledgements
        if receiving is None or acknowledgements is None or receiving.is_idle():
            return super().poll(*args, **kwargs)
        messages = receiving.consume(super().poll, args, kwargs)
        acknowledgements.polled()
        return messages if isinstance(messages, Messages) else Messages(messages)

    def acknowledge(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's
        """Acknowledge a message, as ``confluent_kafka.ShareConsumer.acknowledge`` does."""
        acknowledgements = self._listening()
        if acknowledgements is None:
            super().acknowledge(*args, **kwargs)
            return
        given = dict(zip(("message", "ack_type"), args, strict=False)) | kwargs
        message = given.get("message")
        acknowledgements.acknowledge(
            lambda: super(ShareConsumerTracing, self).acknowledge(*args, **kwargs),
            message if hasattr(message, "headers") else None,
            _place_of(message),
            given.get("ack_type"),
        )

    def acknowledge_offset(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's
        """Acknowledge a message, as ``confluent_kafka.ShareConsumer.acknowledge_offset`` does."""
        acknowledgements = self._listening()
        if acknowledgements is None:
            super().acknowledge_offset(*args, **kwargs)
            return
        names = ("topic", "partition", "offset", "ack_type")
        given = dict(zip(names, args, strict=False)) | kwargs
        acknowledgements.acknowledge(
            lambda: super(ShareConsumerTracing, self).acknowledge_offset(*args, **kwargs),
            None,
            (given.get("topic"), given.get("partition"), given.get("offset")),
            given.get("ack_type"),
        )

    def commit_sync(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Commit acknowledgements, as ``confluent_kafka.ShareConsumer.commit_sync`` does."""
        acknowledgements = self._listening()
        if acknowledgements is None:
            return super().commit_sync(*args, **kwargs)
        return acknowledgements.commit_sync(
            lambda: super(ShareConsumerTracing, self).commit_sync(*args, **kwargs)
        )

    def commit_async(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's
        """Commit acknowledgements, as ``confluent_kafka.ShareConsumer.commit_async`` does."""
        acknowledgements = self._listening()
        if acknowledgements is None:
            super().commit_async(*args, **kwargs)
            return
        acknowledgements.commit_async(
            lambda: super(ShareConsumerTracing, self).commit_async(*args, **kwargs)
        )

    def set_acknowledgement_commit_callback(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's
        """Set what is called with the brokers' answers; the tracing keeps listening to them."""
        acknowledgements = self._acknowledgements
        given = dict(zip(("callback",), args, strict=False)) | kwargs
        callback = given.get("callback", ...)
        if acknowledgements is None or not (callback is None or callable(callback)):
            super().set_acknowledgement_commit_callback(*args, **kwargs)
            return
        super().set_acknowledgement_commit_callback(acknowledgements)
        acknowledgements.users = callback

    def unsubscribe(self) -> None:
        """Unsubscribe; what was received is processed no more."""
        self._leave()
        super().unsubscribe()

    def close(self) -> None:
        """Close the consumer, as ``confluent_kafka.ShareConsumer.close`` does."""
        self._leave()
        try:
            super().close()
        finally:
            self._end_tracing()

    def __exit__(self, *args: object) -> bool | None:
        # The client's own does not call close().
        self._leave()
        try:
            return super().__exit__(*args)
        finally:
            self._end_tracing()

    def _listening(self) -> Acknowledgements | None:
        """Return what reports acknowledgements, None when nobody listens."""
        receiving = self._receiving
        return None if receiving is None or receiving.is_idle() else self._acknowledgements

    def _leave(self) -> None:
        if self._receiving is not None:
            self._receiving.leave()

    def _end_tracing(self) -> None:
        if self._receiving is not None:
            self._receiving.close()


class ShareConsumer(ShareConsumerTracing, RawShareConsumer):
    """A ``confluent_kafka.ShareConsumer`` that traces.

    Takes the same configuration, and ``interceptor.classes`` in it (see ``interceptors``).
    """


if TYPE_CHECKING or hasattr(confluent_kafka, "DeserializingShareConsumer"):

    class DeserializingShareConsumer(confluent_kafka.DeserializingShareConsumer, ShareConsumer):
        """A ``confluent_kafka.DeserializingShareConsumer`` that traces; deserializers run last."""


def _place_of(message: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401 - what the application gave
    try:
        return message.topic(), message.partition(), message.offset()
    except AttributeError:  # no message: the client says so
        return None, None, None
