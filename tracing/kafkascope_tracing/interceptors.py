"""Interceptors as Kafka's Java client has them (KIP-42), from ``interceptor.classes`` of a config.

They run in the order of the list. What one of them raises is logged once and goes no further:
the message is then sent, or returned, as it was before that interceptor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Generic, Protocol, TypeVar, cast

from kafkascope_tracing.errors import exception_of
from kafkascope_tracing.headers import Headers

CONFIG_KEY: Final = "interceptor.classes"

_logger = logging.getLogger(__name__)

_T = TypeVar("_T")


@dataclass(slots=True)
class ProducerRecord:
    """A message on its way out; an interceptor may change it.

    Args:
        topic: Where it goes.
        value: Serialized; None for a tombstone.
        key: Serialized, or None.
        partition: -1 lets the client choose.
        timestamp: Milliseconds since the epoch, 0 for the time of sending.
        headers: As the application gave them.
    """

    topic: str
    value: bytes | str | None = None
    key: bytes | str | None = None
    partition: int = -1
    timestamp: int = 0
    headers: Headers = None


@dataclass(frozen=True, slots=True)
class RecordMetadata:
    """Where a message came to be; partition and offset are negative when they are not known."""

    topic: str
    partition: int
    offset: int


class ProducerInterceptor(Protocol):
    """Sees each message before it is sent, and its delivery."""

    def configure(self, config: Mapping[str, Any]) -> None:
        """Take the client's configuration; called once, before everything else."""

    def on_send(self, record: ProducerRecord) -> ProducerRecord:
        """Return the record that is sent in the place of this one, or this one."""

    def on_acknowledgement(self, metadata: RecordMetadata, exception: BaseException | None) -> None:
        """Learn that a message was delivered, or why not; in the thread that polls."""

    def close(self) -> None:
        """Learn that the client closed."""


class ConsumerInterceptor(Protocol):
    """Sees messages before the application does, and commits."""

    def configure(self, config: Mapping[str, Any]) -> None:
        """Take the client's configuration; called once, before everything else."""

    def on_consume(self, messages: list[Any]) -> list[Any]:
        """Return the messages that the application gets; error messages are not among these."""

    def on_commit(self, offsets: list[Any]) -> None:
        """Learn that offsets (``TopicPartition``) were committed."""

    def close(self) -> None:
        """Learn that the client closed."""


class Chain(Generic[_T]):
    """The interceptors of one client.

    Args:
        interceptors: In their order.
    """

    __slots__ = ("_interceptors", "_logged")

    def __init__(self, interceptors: Sequence[_T]) -> None:
        self._interceptors = tuple(interceptors)
        self._logged: set[int] = set()

    def __len__(self) -> int:
        return len(self._interceptors)

    def __iter__(self) -> Iterator[_T]:
        return iter(self._interceptors)

    def configure(self, config: Mapping[str, Any]) -> None:
        """Give each the configuration."""
        self.each("configure", dict(config))

    def each(self, method: str, *args: object) -> None:
        """Call a method of every interceptor."""
        for interceptor in self._interceptors:
            self._call(interceptor, method, *args)

    def through(self, method: str, subject: Any, kind: type) -> Any:  # noqa: ANN401 - record or messages
        """Pass ``subject`` through every interceptor; what is not a ``kind`` is not taken over."""
        for interceptor in self._interceptors:
            result = self._call(interceptor, method, subject)
            if isinstance(result, kind):
                subject = result
        return subject

    def _call(self, interceptor: _T, method: str, *args: object) -> object:
        try:
            return cast("Callable[..., object]", getattr(interceptor, method))(*args)
        except Exception:
            if id(interceptor) not in self._logged:
                self._logged.add(id(interceptor))
                _logger.exception("%s of interceptor %r failed", method, type(interceptor))
            return None


class ProducerChains:
    """A producer's interceptors around the tracing one.

    Args:
        before: Those that see a message before its span starts.
        after: Those that see it with its context in the headers.
    """

    __slots__ = ("_after", "_before", "_both")

    def __init__(
        self, before: Chain[ProducerInterceptor], after: Chain[ProducerInterceptor]
    ) -> None:
        self._before = before
        self._after = after
        self._both = (before, after)

    def __bool__(self) -> bool:
        return any(len(chain) for chain in self._both)

    def before(self, record: ProducerRecord) -> ProducerRecord:
        """Return what those before the tracing make of a record."""
        return cast("ProducerRecord", self._before.through("on_send", record, ProducerRecord))

    def after(self, record: ProducerRecord) -> ProducerRecord:
        """Return what those after the tracing make of a record."""
        return cast("ProducerRecord", self._after.through("on_send", record, ProducerRecord))

    def acknowledge(self, topic: str, error: object, message: Any) -> None:  # noqa: ANN401 - a Message, or None
        """Tell all of what became of a message; error is a ``KafkaError``, an exception or None."""
        partition = -1 if message is None else message.partition()
        offset = None if message is None else message.offset()
        metadata = RecordMetadata(topic, partition, -1 if offset is None else offset)
        exception = exception_of(error)
        for chain in self._both:
            chain.each("on_acknowledgement", metadata, exception)

    def close(self) -> None:
        """Tell all that the client closed."""
        for chain in self._both:
            chain.each("close")


def load_interceptors(configured: object) -> list[Any]:
    """Make the interceptors that ``interceptor.classes`` names.

    Args:
        configured: A class, its dotted path, several paths separated by commas, an instance, or a
            list of these; None for none.

    Raises:
        ValueError: A path does not lead to a class, or a class cannot be made.
    """
    if configured is None:
        return []
    if isinstance(configured, list | tuple):
        return [interceptor for item in configured for interceptor in load_interceptors(item)]
    if isinstance(configured, str):
        paths = (path.strip() for path in configured.split(","))
        return [_make(_import(path)) for path in paths if path]
    return [_make(configured) if isinstance(configured, type) else configured]


def _import(path: str) -> type:
    module_name, _, class_name = path.rpartition(".")
    try:
        found = getattr(import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{CONFIG_KEY}: {path} cannot be imported: {error}") from error
    if not isinstance(found, type):
        raise ValueError(f"{CONFIG_KEY}: {path} is not a class")  # noqa: TRY004 - a config's value
    return found


def _make(interceptor_class: type) -> object:
    try:
        return interceptor_class()
    except Exception as error:
        name = f"{interceptor_class.__module__}.{interceptor_class.__qualname__}"
        raise ValueError(f"{CONFIG_KEY}: {name}() failed: {error}") from error
