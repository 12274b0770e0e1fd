"""``AIOConsumer``: confluent_kafka's, traced.

Its calls run in worker threads, but messages belong to the coroutine that awaits them: spans are
made there. With implicit process spans each task has one of its own, until it asks for the next
message or ends.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any

from kafkascope_tracing.aioclients import configured_aio, raw_aio, settled
from kafkascope_tracing.clients import Configured
from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.consumer import committed_by
from kafkascope_tracing.interceptors import Chain
from kafkascope_tracing.processing import BatchScope, ProcessScope
from kafkascope_tracing.receiving import Receiving

if TYPE_CHECKING:
    # So that a type checker knows the methods that a mixin finds by super() at run time.
    _Client = raw_aio.AIOConsumer
else:
    _Client = object


class TaskReceiving(Receiving):
    """What an asyncio consumer needs for its messages: a process span for each task."""

    __slots__ = ("__weakref__", "_of_tasks")

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as for Receiving
        self._of_tasks: dict[asyncio.Task[Any] | None, ProcessScope | BatchScope | None] = {}
        super().__init__(*args, **kwargs)

    def is_idle(self) -> bool:
        """Whether received messages need nothing from us: nobody listens."""
        return not self._of_tasks and super().is_idle()

    def enter(self, scope: ProcessScope | BatchScope) -> None:
        """Begin the process span of what the current task received."""
        scope.__enter__()
        task = _current_task()
        if task is not None and task not in self._of_tasks:
            task.add_done_callback(partial(_task_is_done, weakref.ref(self)))
        self._of_tasks[task] = scope

    def leave(self, error: BaseException | None = None) -> None:
        """End the process span of what the current task received before, if there is one."""
        task = _current_task()
        scope = self._of_tasks.get(task)
        if scope is None:
            super().leave(error)
            return
        self._of_tasks[task] = None
        scope.close(error)

    def leave_task(self, task: asyncio.Task[Any]) -> None:
        """End the process span of a task that is done, as an error where it failed."""
        scope = self._of_tasks.pop(task, None)
        if scope is not None:
            scope.close(None if task.cancelled() else task.exception())

    def leave_all(self) -> None:
        """End the process spans of all tasks."""
        self.leave()
        scopes, self._of_tasks = self._of_tasks, {}
        for scope in scopes.values():
            if scope is not None:
                scope.close()

    def close(self) -> None:
        """End what is open: the client closed."""
        self.leave_all()
        super().close()

    def __del__(self) -> None:
        self.leave_all()


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None


def _task_is_done(receiving: weakref.ref[TaskReceiving], task: asyncio.Task[Any]) -> None:
    found = receiving()
    if found is not None:
        found.leave_task(task)


class AIOConsumerTracing(_Client):
    """Overrides what receives and commits messages; goes in front of any asyncio consumer class.

    An instance that was made without it (before zero-code tracing came) is not traced.
    """

    _receiving: TaskReceiving | None = None
    _cluster: ClusterId | None = None
    _observes_commits = False

    def __init__(self, consumer_conf: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the client's own arguments
        chosen = configured_aio(consumer_conf, "consumer")
        observed = _observed_commits(chosen)
        super().__init__(chosen.args[0], *args, **kwargs)
        self.begin_tracing(chosen, observed)

    def begin_tracing(self, chosen: Configured, observed: _ObservedCommits | None = None) -> None:
        """Trace an instance that is made.

        Args:
            chosen: What its configuration says about tracing.
            observed: Hears of the results of commits.
        """
        if chosen.telemetry.settings.enabled or chosen.interceptors:
            before, after = chosen.chains()
            chain = Chain((*before, *after))
            receiving = TaskReceiving(chosen.telemetry, chosen.config, chain, ClusterId(None))
            receiving.bridge = chosen.bridge
            self._receiving = receiving
            self._cluster = ClusterId(self)
            self._observes_commits = observed is not None
            if observed is not None:
                observed.receiving = receiving

    async def poll(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Receive a message, as ``confluent_kafka.aio.AIOConsumer.poll`` does."""
        receiving = self._receiving
        if receiving is None or receiving.is_idle():
            return await super().poll(*args, **kwargs)
        return await self._receive(receiving, partial(super().poll, *args, **kwargs), batch=False)

    async def consume(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Receive messages, as ``confluent_kafka.aio.AIOConsumer.consume`` does."""
        receiving = self._receiving
        if receiving is None or receiving.is_idle():
            return await super().consume(*args, **kwargs)
        return await self._receive(receiving, partial(super().consume, *args, **kwargs), batch=True)

    async def _receive(
        self, receiving: TaskReceiving, call: Callable[[], Awaitable[Any]], *, batch: bool
    ) -> Any:  # noqa: ANN401 - the client's
        receiving.leave()
        await self._learn_cluster(receiving)
        started, began = time_ns(), perf_counter()
        try:
            found = await call()
        except Exception as error:
            receiving.failed(error, started, began)
            raise
        # Nothing is awaited from here on: a cancellation would lose what was received.
        if batch:
            return receiving.received(found, started, began, batch=True) if found else found
        if found is None or found.error() is not None:
            return found
        messages = receiving.received([found], started, began, batch=False)
        return messages[0] if messages else None

    async def _learn_cluster(self, receiving: TaskReceiving) -> None:
        """Learn the cluster's id before a call that waits anyway, if it is known to the client."""
        cluster = self._cluster
        if cluster is not None and receiving.telemetry.spans.active and cluster.is_due():
            with suppress(Exception):
                cluster.take(await super().cluster_id(0), receiving.attributes)

    async def commit(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Commit offsets, as ``confluent_kafka.aio.AIOConsumer.commit`` does, in a settle span."""
        receiving = self._receiving
        if receiving is None or receiving.is_idle():
            return await super().commit(*args, **kwargs)
        given = dict(zip(("message", "offsets", "asynchronous"), args, strict=False)) | kwargs
        settlement = receiving.commits.start(committed_by(given))
        if not (given.get("asynchronous", True) and self._observes_commits):
            return await settled(settlement, super().commit(*args, **kwargs))
        receiving.commits.await_result(settlement)
        try:
            return await super().commit(*args, **kwargs)
        except BaseException as error:
            settlement.end(error)
            raise

    async def unsubscribe(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Unsubscribe; what was received is processed no more."""
        self._leave_all()
        return await super().unsubscribe(*args, **kwargs)

    async def unassign(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Unassign; what was received is processed no more."""
        self._leave_all()
        return await super().unassign(*args, **kwargs)

    async def close(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        """Close the consumer, as ``confluent_kafka.aio.AIOConsumer.close`` does."""
        self._leave_all()
        try:
            return await super().close(*args, **kwargs)
        finally:
            if self._receiving is not None:
                self._receiving.close()

    def _leave_all(self) -> None:
        if self._receiving is not None:
            self._receiving.leave_all()


class _ObservedCommits:
    """Hears of the results of commits before the user's callback does.

    Args:
        users: The callback.
    """

    def __init__(self, users: Callable[[Any, Any], Awaitable[Any]]) -> None:
        self._users = users
        self.receiving: TaskReceiving | None = None

    async def on_commit(self, error: object, partitions: list[Any]) -> Any:  # noqa: ANN401 - the user's
        """Take the result of a commit."""
        if self.receiving is not None:
            self.receiving.committed(error, partitions)
        return await self._users(error, partitions)


def _observed_commits(chosen: Configured) -> _ObservedCommits | None:
    """Observe commits where the user does, too.

    No callback is added where there is none: the client waits for the event loop in it, and for
    ever where that does not run any more.
    """
    config: Any = chosen.args[0]
    users = config.get("on_commit") if isinstance(config, dict) else None
    if users is None:
        return None
    observed = _ObservedCommits(users)
    config["on_commit"] = observed.on_commit
    return observed


class AIOConsumer(AIOConsumerTracing, raw_aio.AIOConsumer):
    """A ``confluent_kafka.aio.AIOConsumer`` that traces.

    Takes the same configuration, and ``interceptor.classes`` in it (see ``interceptors``).
    """


if TYPE_CHECKING or hasattr(raw_aio, "AsyncDeserializingConsumer"):

    class AsyncDeserializingConsumer(raw_aio.AsyncDeserializingConsumer, AIOConsumer):
        """A ``confluent_kafka.aio.AsyncDeserializingConsumer`` that traces.

        Deserializers run after the tracing, within the implicit process span where there is one;
        what fails to be deserialized has one that ends as an error.
        """

        async def __init__(self, conf: Any, **kwargs: Any) -> None:  # type: ignore[misc]  # noqa: ANN401 - as in the client
            chosen = configured_aio(conf, "consumer")
            observed = _observed_commits(chosen)
            await super().__init__(chosen.args[0], **kwargs)
            self.begin_tracing(chosen, observed)

        async def poll(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
            """Receive a message, as in the client."""
            try:
                return await super().poll(*args, **kwargs)
            except Exception as error:
                self._leave_failed(error)
                raise

        async def consume(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
            """Receive messages, as in the client."""
            try:
                return await super().consume(*args, **kwargs)
            except Exception as error:
                self._leave_failed(error)
                raise

        def _leave_failed(self, error: Exception) -> None:
            if self._receiving is not None:
                self._receiving.leave(error)
