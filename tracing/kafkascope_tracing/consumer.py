"""``Consumer``: confluent_kafka's, with spans for what it receives and commits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka.cimpl import Consumer as RawConsumer
from confluent_kafka.cimpl import TopicPartition

from kafkascope_tracing.clients import Configured, configured
from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.receiving import Receiving

if TYPE_CHECKING:
    # So that a type checker knows the methods that a mixin finds by super() at run time.
    _Client = RawConsumer
else:
    _Client = object


class ConsumerTracing(_Client):
    """Overrides what receives and commits messages; goes in front of any consumer class.

    An instance that was made without it (before zero-code tracing came) is not traced.
    """

    __slots__ = ()

    _receiving: Receiving | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's own arguments
        chosen = configured(args, kwargs, role="consumer")
        receiving = make_receiving(self, chosen)
        if receiving is not None:
            _observe_commits(chosen, receiving)
        super().__init__(*chosen.args, **chosen.kwargs)
        self._receiving = receiving

    def poll(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Receive a message, as ``confluent_kafka.Consumer.poll`` does."""
        receiving = self._receiving
        if receiving is None or receiving.is_idle():
            return super().poll(*args, **kwargs)
        return receiving.poll(super().poll, args, kwargs)

    def consume(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Receive messages, as ``confluent_kafka.Consumer.consume`` does."""
        receiving = self._receiving
        if receiving is None or receiving.is_idle():
            return super().consume(*args, **kwargs)
        return receiving.consume(super().consume, args, kwargs)

    def commit(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Commit offsets, as ``confluent_kafka.Consumer.commit`` does, in a settle span."""
        receiving = self._receiving
        if receiving is None or receiving.is_idle():
            return super().commit(*args, **kwargs)
        given = dict(zip(("message", "offsets", "asynchronous"), args, strict=False)) | kwargs
        settlement = receiving.commits.start(committed_by(given))
        if not given.get("asynchronous", True):
            committed = settlement.run(lambda: super(ConsumerTracing, self).commit(*args, **kwargs))
            receiving.announce_commit(committed)
            return committed
        try:
            result = super().commit(*args, **kwargs)
        except BaseException as error:
            settlement.end(error)
            raise
        receiving.commits.await_result(settlement)
        return result

    def unsubscribe(self) -> None:
        """Unsubscribe; what was received is processed no more."""
        self._leave()
        super().unsubscribe()

    def unassign(self) -> None:
        """Unassign; what was received is processed no more."""
        self._leave()
        super().unassign()

    def close(self) -> None:
        """Close the consumer, as ``confluent_kafka.Consumer.close`` does."""
        self._leave()
        try:
            super().close()
        finally:
            self._end_tracing()

    if hasattr(RawConsumer, "__exit__"):

        def __exit__(self, *args: object) -> bool | None:
            # The client's own does not call close().
            self._leave()
            try:
                return super().__exit__(*args)
            finally:
                self._end_tracing()

    def _leave(self) -> None:
        if self._receiving is not None:
            self._receiving.leave()

    def _end_tracing(self) -> None:
        if self._receiving is not None:
            self._receiving.close()


class Consumer(ConsumerTracing, RawConsumer):
    """A ``confluent_kafka.Consumer`` that traces.

    Takes the same configuration, and ``interceptor.classes`` in it (see ``interceptors``).
    """


def make_receiving(client: object, chosen: Configured) -> Receiving | None:
    """Return what a consumer's spans need, None when it is to be left alone."""
    if not chosen.telemetry.settings.enabled and not chosen.interceptors:
        return None
    receiving = Receiving(chosen.telemetry, chosen.config, chosen.chain(), ClusterId(client))
    receiving.bridge = chosen.bridge
    return receiving


def _observe_commits(chosen: Configured, receiving: Receiving) -> None:
    """Have the client tell us of commits that it makes itself, and then the user's callback."""
    users = chosen.config.get("on_commit")
    if users is None and not receiving.observes_commits():
        return

    def on_commit(error: object, partitions: list[Any]) -> None:
        receiving.committed(error, partitions)
        if users is not None:
            users(error, partitions)

    holder = chosen.args[0] if chosen.args and isinstance(chosen.args[0], dict) else chosen.kwargs
    if "on_commit" in chosen.kwargs:
        holder = chosen.kwargs
    holder["on_commit"] = on_commit


def committed_by(given: dict[str, Any]) -> list[TopicPartition] | None:
    """Return what a commit is told to commit, None when the client decides."""
    offsets = given.get("offsets")
    if isinstance(offsets, list):
        return offsets
    message: Any = given.get("message")
    try:
        return [TopicPartition(message.topic(), message.partition(), message.offset() + 1)]
    except (AttributeError, TypeError):  # none, or what the client refuses
        return None
