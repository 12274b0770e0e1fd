"""What a call of a client came to, as a value that is equal for a raw and a traced client."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

# What the tracing itself adds to a message's headers.
OWN_HEADERS: Final = {"traceparent", "tracestate", "baggage"}


class Call(NamedTuple):
    """Arguments of a method."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}


def call(*args: Any, **kwargs: Any) -> Call:  # noqa: ANN401 - a client's
    """Note the arguments of a call."""
    return Call(args, kwargs)


class Outcome(NamedTuple):
    """What was returned or raised."""

    how: str
    what: Any


def outcome_of(do: Callable[[], Any]) -> Outcome:
    """Call something, and say what it came to."""
    try:
        return Outcome("returned", comparable(do()))
    except Exception as error:  # noqa: BLE001 - whatever it is, is compared
        return failure_of(error)


async def outcome_of_async(do: Callable[[], Any]) -> Outcome:
    """Await something, and say what it came to."""
    try:
        return Outcome("returned", comparable(await do()))
    except Exception as error:  # noqa: BLE001 - whatever it is, is compared
        return failure_of(error)


def failure_of(error: BaseException) -> Outcome:
    """Say what was raised: librdkafka's code where there is one, for the text has addresses."""
    inner = error.args[0] if error.args else None
    told = inner.name() if isinstance(inner, KafkaError) else type(inner).__name__
    return Outcome("raised", (type(error).__name__, told))


def comparable(value: Any) -> Any:  # noqa: ANN401 - whatever a client returns
    """Return what is the same for two clients that did the same."""
    if value is None or isinstance(value, bool | int | float | bytes):
        return value
    if isinstance(value, str):
        return re.sub(r"rdkafka-[0-9a-f-]+", "", value)  # a member's own id
    if isinstance(value, dict):
        return {comparable(key): comparable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(comparable, value)]
    known = _OF_CLIENT.get(type(value))
    return type(value).__name__ if known is None else known(value)


def message_of(message: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a Message of any type
    """Return everything of a message but its time, and what the tracing put into its headers."""
    headers = [each for each in message.headers() or [] if each[0] not in OWN_HEADERS]
    return (
        message.topic(),
        message.partition(),
        message.offset(),
        message.key(),
        message.value(),
        headers or None,
        comparable(message.error()),
        message.timestamp()[0],
    )


_OF_CLIENT: Final[dict[type, Callable[[Any], Any]]] = {
    Message: message_of,
    TopicPartition: lambda of: (of.topic, of.partition, of.offset, comparable(of.error)),
    KafkaError: lambda error: error.name(),
    KafkaException: failure_of,
}
