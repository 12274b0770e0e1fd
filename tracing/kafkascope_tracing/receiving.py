"""Receiving messages: spans of polls, and process spans that last until the next poll.

Neither sync nor async: a client class tells what came, and when it asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, TypeAlias

from opentelemetry.context import Context, get_current
from opentelemetry.trace import Link, Span

from kafkascope_tracing.attributes import (
    BATCH_COUNT,
    POLL,
    ClientAttributes,
    SpanAttributes,
)
from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.errors import error_type
from kafkascope_tracing.interceptors import Chain, ConsumerInterceptor
from kafkascope_tracing.links import creation_links, in_chunks
from kafkascope_tracing.processing import BatchScope, PolledProcessScope, ProcessScope, describe
from kafkascope_tracing.scopes import give_way, live_context
from kafkascope_tracing.settling import OpenCommits
from kafkascope_tracing.tracer import is_suppressed

if TYPE_CHECKING:
    from kafkascope_tracing.statistics import StatisticsBridge
    from kafkascope_tracing.telemetry import KafkaTelemetry

Receive: TypeAlias = Callable[..., Any]


class Receiving:
    """What one consumer needs for its messages.

    Args:
        telemetry: Where spans and metrics go.
        config: The client's.
        chain: Its interceptors.
        cluster: Finds the cluster's id.
    """

    __slots__ = (
        "_chain",
        "_implicit",
        "_quiet",
        "_reports",
        "_scope",
        "_topics",
        "attributes",
        "bridge",
        "cluster",
        "commits",
        "telemetry",
    )

    def __init__(
        self,
        telemetry: KafkaTelemetry,
        config: Mapping[str, Any],
        chain: Chain[ConsumerInterceptor],
        cluster: ClusterId,
    ) -> None:
        self.telemetry = telemetry
        settings = telemetry.settings
        self._quiet = not settings.enabled
        self._implicit = settings.enabled and settings.process_spans == "implicit"
        self._chain = chain
        self._reports = settings.receive_spans or self._implicit or len(chain) > 0
        self._scope: ProcessScope | BatchScope | None = None
        self._topics: set[str] = set()
        self.attributes = ClientAttributes(
            config,
            role="consumer",
            old_names=settings.old_names,
            experimental=settings.experimental_attributes,
        )
        self.cluster = cluster
        self.bridge: StatisticsBridge | None = None
        """Of the client's statistics, closed with it."""
        self.commits = OpenCommits(telemetry, self.attributes)

    def is_idle(self) -> bool:
        """Whether received messages need nothing from us: nobody listens."""
        telemetry = self.telemetry
        return not (
            telemetry.spans.is_active()
            or telemetry.metrics.active
            or len(self._chain)
            or self._scope is not None
        )

    def poll(self, poll: Receive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - a Message
        """Receive one message or none.

        Args:
            poll: The client's own method.
            args: For it.
            kwargs: For it.

        Raises:
            Exception: Whatever ``poll`` raises.
        """
        self.leave()
        if not (self._reports or self.telemetry.metrics.active):
            message = poll(*args, **kwargs)
            if message is not None and message.error() is None:
                self._note((message.topic(),))
            return message
        started, began = time_ns(), perf_counter()
        try:
            message = poll(*args, **kwargs)
        except Exception as error:
            self.failed(error, started, began)
            raise
        if message is None or message.error() is not None:
            return message
        messages = self.received([message], started, began, batch=False)
        return messages[0] if messages else None

    def consume(self, consume: Receive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 - messages
        """Receive messages; arguments and errors as with ``poll``."""
        self.leave()
        started, began = time_ns(), perf_counter()
        try:
            messages = consume(*args, **kwargs)
        except Exception as error:
            self.failed(error, started, began)
            raise
        return self.received(messages, started, began, batch=True) if messages else messages

    def enter(self, scope: ProcessScope | BatchScope) -> None:
        """Begin the process span of what was received, which ``leave`` ends."""
        self._scope = scope
        scope.__enter__()

    def leave(self, error: BaseException | None = None) -> None:
        """End the process span of what was received before, if there is one.

        Args:
            error: What went wrong with it.
        """
        scope, self._scope = self._scope, None
        if scope is not None:
            scope.close(error)
        if self._implicit:
            live_context()  # another thread may have ended what is current in this one

    def received(
        self, messages: list[Any], started: int, began: float, *, batch: bool
    ) -> list[Any]:
        """Report messages that came, and return what the application gets; never raises.

        Args:
            messages: At least one; error messages among them are passed on.
            started: When they were asked for, in nanoseconds since the epoch.
            began: The same by ``perf_counter``.
            batch: Whether the application asked for several.
        """
        if len(self._chain):
            messages = self._intercepted(messages)
        context = get_current()
        if self._quiet or is_suppressed(context):
            return messages
        try:
            good = [message for message in messages if message.error() is None]
            if good:
                self._report(good, started, began, batch=batch)
        except Exception as error:  # noqa: BLE001 - the messages reach the application
            self.telemetry.spans.log(error)
        return messages

    def _report(self, messages: list[Any], started: int, began: float, *, batch: bool) -> None:
        telemetry = self.telemetry
        topics = {message.topic() for message in messages}
        self._note(topics)
        if self._implicit:
            give_way()
        if telemetry.metrics.active:
            self._measure(messages, topics, began)
        if telemetry.spans.active and telemetry.settings.receive_spans:
            self._trace(messages, topics, started, batch=batch)
        if self._implicit:
            if len(messages) == 1:
                self.enter(PolledProcessScope(telemetry, messages[0], self.attributes))
            else:
                self.enter(BatchScope(telemetry, messages, self.attributes))

    def _note(self, topics: Collection[str]) -> None:
        """Learn what explicit process spans need to know of this consumer."""
        for topic in topics:
            if topic not in self._topics:
                self._topics.add(topic)
                self.telemetry.consumers.note(topic, self.attributes)
        if self.telemetry.spans.active:
            self.cluster.learn(self.attributes)

    def _measure(self, messages: list[Any], topics: set[str], began: float) -> None:
        metrics = self.telemetry.metrics
        counts: dict[tuple[str, int], int] = {}  # a Counter takes 2 µs to be made
        for message in messages:
            place = message.topic(), message.partition()
            counts[place] = counts.get(place, 0) + 1
        for (topic, partition), count in counts.items():
            metrics.consumed(self.attributes.metric_set(POLL, topic, partition).counted, count)
        if metrics.records_durations:
            common_topic = next(iter(topics)) if len(topics) == 1 else None
            common_partition = next(iter(counts))[1] if len(counts) == 1 else None
            sets = self.attributes.metric_set(POLL, common_topic, common_partition)
            metrics.operation(sets.measured, perf_counter() - began)

    def _trace(self, messages: list[Any], topics: set[str], started: int, *, batch: bool) -> None:
        """Make the spans of a poll: one, or as many as its links need."""
        context = live_context()
        spans = self.telemetry.spans
        base = self.attributes.span_base(POLL, next(iter(topics)) if len(topics) == 1 else None)
        links = creation_links(self.telemetry, self.attributes, messages, batch=batch)
        ended = time_ns()

        def make(count: int, chunk: Sequence[Link]) -> Span:
            attributes = base.attributes.copy()
            attributes |= self._described(messages, count, batch=batch)
            return spans.start(base, context, attributes, chunk, started)

        for span in in_chunks(links, len(messages), self.telemetry.settings.link_limit, make):
            spans.end(span, end_time=ended)

    def _described(self, messages: list[Any], count: int, *, batch: bool) -> SpanAttributes:
        """Return what a poll's span tells of its messages, besides what its links tell."""
        if batch:
            partitions = {(message.topic(), message.partition()) for message in messages}
            attributes: SpanAttributes = {BATCH_COUNT: count}
            if len(partitions) == 1:
                attributes |= self.attributes.position(messages[0].partition(), None)
            return attributes
        message = messages[0]
        attributes = self.attributes.position(message.partition(), message.offset())
        describe(attributes, message)
        return attributes

    def failed(self, error: Exception, started: int, began: float) -> None:
        """Report a poll that raised; never raises itself."""
        context = get_current()
        if self._quiet or is_suppressed(context):
            return
        try:
            self._report_failure(error, context, started, began)
        except Exception as fault:  # noqa: BLE001 - the client's own error reaches the application
            self.telemetry.spans.log(fault)

    def _report_failure(
        self, error: Exception, context: Context, started: int, began: float
    ) -> None:
        telemetry = self.telemetry
        failure = error_type(error)
        if telemetry.spans.is_active() and telemetry.settings.receive_spans:
            base = self.attributes.span_base(POLL, None)
            span = telemetry.spans.start(base, context, base.attributes, start_time=started)
            if span.is_recording():
                telemetry.exceptions.record(span, "receive", error)
            telemetry.spans.end(span, None, failure, str(error))
        if telemetry.metrics.records_durations:
            sets = self.attributes.metric_set(POLL, None, None, failure)
            telemetry.metrics.operation(sets.measured, perf_counter() - began)

    def _intercepted(self, messages: list[Any]) -> list[Any]:
        """Pass messages through the interceptors; error messages go around them, in their place."""
        good = [message for message in messages if message.error() is None]
        if not good:
            return messages
        seen = self._chain.through("on_consume", list(good), list)
        if len(good) == len(messages):
            return list(seen)
        if len(seen) != len(good):
            return [*seen, *(message for message in messages if message.error() is not None)]
        taken = iter(seen)
        return [next(taken) if each.error() is None else each for each in messages]

    def received_now(self, messages: list[Any]) -> None:
        """Report messages that somebody else received."""
        self.received(messages, time_ns(), perf_counter(), batch=len(messages) > 1)

    def observes_commits(self) -> bool:
        """Whether commits that the client makes itself matter to anybody."""
        settings = self.telemetry.settings
        return (settings.enabled and settings.settle_spans) or len(self._chain) > 0

    def committed(self, error: object, partitions: list[Any]) -> None:
        """Take the result of a commit, in the thread that polls."""
        try:
            self.commits.conclude(error, partitions)
        except Exception as failure:  # noqa: BLE001 - the user's own callback must still run
            self.telemetry.spans.log(failure)
        if error is None:
            self.announce_commit(partitions)

    def announce_commit(self, partitions: list[Any]) -> None:
        """Tell the interceptors that offsets were committed."""
        self._chain.each("on_commit", partitions)

    def close(self) -> None:
        """End what is open: the client closed."""
        self.leave()
        self.commits.close()
        self._chain.each("close")
        if self.bridge is not None:
            self.bridge.close()

    def __del__(self) -> None:
        self.leave()
