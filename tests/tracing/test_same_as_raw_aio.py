"""Every public method of the installed asyncio clients does through ours what it does by itself."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest
from confluent_kafka import cimpl
from confluent_kafka.serialization import StringDeserializer, StringSerializer

raw_aio: Any = pytest.importorskip("confluent_kafka.aio", reason="this confluent-kafka has no aio")

from opentelemetry import context  # noqa: E402 - nothing here is of use without the above

import kafkascope_tracing  # noqa: E402 - the same
from kafkascope_tracing import KafkaTelemetry  # noqa: E402 - the same
from tests.tracing.aioclients import run  # noqa: E402 - the same
from tests.tracing.calls import (  # noqa: E402 - the same
    CONSUMER_CALLS,
    PRODUCER_CALLS,
    TOPIC,
    WRONG,
    partition,
    spelled,
)
from tests.tracing.collected import new_collector  # noqa: E402 - the same
from tests.tracing.mockcluster import mock_cluster  # noqa: E402 - the same
from tests.tracing.outcomes import (  # noqa: E402 - the same
    Call,
    Outcome,
    call,
    outcome_of_async,
)
from tests.tracing.recorder import Recorder  # noqa: E402 - the same

# Without headers, which the raw client refuses (see test_aioproducer).
PRODUCE_CALLS: Final = [
    *WRONG,
    call(TOPIC),
    call(TOPIC, None),
    call(TOPIC, b""),
    call(TOPIC, b"v", b"k", 0, "ignored"),
    call(topic=TOPIC, value="v", key="k", partition=1),
    call(TOPIC, 5),
    call(TOPIC, b"v", 5),
    call(TOPIC, bytearray(b"v")),
    call(5, b"v"),
    call(TOPIC, b"v", partition="0"),
    call(TOPIC, b"x" * 2_000_000),
    call(TOPIC, b"v", on_delivery=print),
]
AIO_PRODUCER_CALLS: Final[dict[str, list[Call]]] = {
    **{name: calls for name, calls in PRODUCER_CALLS.items() if name != "produce_batch"},
    "close": [call(), call(1)],
    "produce": PRODUCE_CALLS,
}
ASYNC_SERIALIZING_CALLS: Final = {
    **AIO_PRODUCER_CALLS,
    "produce": [
        *WRONG,
        call(TOPIC),
        call(TOPIC, "k", "v"),
        call(topic=TOPIC, value="v", key="k", partition=1),
        call(TOPIC, "k", 5),
        call(TOPIC, 5, "v"),
        call(5, "k", "v"),
        call(TOPIC, value="x" * 2_000_000),
    ],
}
AIO_CONSUMER_CALLS: Final = {
    **{name: calls for name, calls in CONSUMER_CALLS.items() if name != "memberid"},
    "poll": [call(5), call(timeout=5), call(None), call("x"), call(0, 1)],
}


class Client(NamedTuple):
    """A class of the asyncio client, and how it is called."""

    name: str
    calls: Mapping[str, list[Call]]
    more: Mapping[str, Any] = {}


SERIALIZERS: Final = {"key.serializer": StringSerializer(), "value.serializer": StringSerializer()}
DESERIALIZERS: Final = {"value.deserializer": StringDeserializer()}
CLIENTS: Final = [
    Client("AIOProducer", AIO_PRODUCER_CALLS),
    Client("AIOConsumer", AIO_CONSUMER_CALLS),
    Client("AsyncSerializingProducer", ASYNC_SERIALIZING_CALLS, SERIALIZERS),
    Client("AsyncDeserializingConsumer", AIO_CONSUMER_CALLS, DESERIALIZERS),
]
INSTALLED: Final = [each for each in CLIENTS if hasattr(raw_aio, each.name)]


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    """Run a mock cluster whose topic has a message."""
    with mock_cluster() as found:
        producer = cimpl.Producer({"bootstrap.servers": found, "log_level": 0})
        producer.produce(TOPIC, b"v", b"k", 0, headers={"h": b"1"})
        assert producer.flush(30) == 0
        yield found


def config_of(client: Client, servers: str) -> dict[str, Any]:
    """Return a client's configuration."""
    config = {"bootstrap.servers": servers, "log_level": 0, **client.more}
    if client.name.endswith("Consumer"):
        more = {"group.id": "same", "auto.offset.reset": "earliest", "enable.auto.commit": False}
        config.update(more)
    return config


def recording() -> KafkaTelemetry:
    """Return a telemetry that does all it can."""
    return (
        KafkaTelemetry.builder(Recorder().provider, new_collector().provider)
        .set_messaging_receive_telemetry_enabled(enabled=True)
        .set_process_spans("implicit")
        .build()
    )


async def made(kind: Any, config: dict[str, Any], how: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a class, a client
    """Make a client; the constructors of some are coroutines."""
    found = kind(config, **how)
    return await found if inspect.isawaitable(found) else found


async def make_raw(client: Client, config: dict[str, Any]) -> Any:  # noqa: ANN401 - a client
    """Make the client's own."""
    return await made(getattr(raw_aio, client.name), config, {"max_workers": 2})


async def make_subclass(client: Client, config: dict[str, Any]) -> Any:  # noqa: ANN401 - a client
    """Make ours of a client."""
    ours = getattr(kafkascope_tracing, client.name)
    extra = recording().producer_interceptor_config()
    return await made(ours, {**config, **extra}, {"max_workers": 2})


async def make_idle(client: Client, config: dict[str, Any]) -> Any:  # noqa: ANN401 - a client
    """Make ours of a client, with no SDK behind it."""
    return await made(getattr(kafkascope_tracing, client.name), config, {"max_workers": 2})


async def make_wrapped(client: Client, config: dict[str, Any]) -> Any:  # noqa: ANN401 - a client
    """Make a client and wrap it."""
    return recording().wrap(await make_raw(client, config), config)


async def called(
    make: Callable[..., Any], client: Client, servers: str, name: str, arguments: Call
) -> list[Outcome]:
    """Call a method of a client, once as it is and once closed."""
    found = await make(client, config_of(client, servers))
    consumes = client.name.endswith("Consumer")
    if consumes:
        await found.assign([partition()])

    async def once() -> Any:  # noqa: ANN401 - the client's
        if name in {"__len__", "__bool__"}:
            return len(found) if name == "__len__" else bool(found)
        result = await getattr(found, name)(*arguments.args, **arguments.kwargs)
        if not isinstance(result, asyncio.Future):
            return result
        await outcome_of_async(lambda: found.flush(30))  # what it raises is the future's, too
        delivered = await result  # in any partition
        return [delivered.topic(), delivered.key(), delivered.value(), delivered.error()]

    told = [await outcome_of_async(once)]
    if not consumes:
        told.append(await outcome_of_async(found.purge))
    told.append(await outcome_of_async(found.close))
    if consumes:
        told.append(await outcome_of_async(once))
    return told


@pytest.mark.parametrize("client", INSTALLED, ids=lambda each: each.name)
def test_the_table_has_every_public_method(client: Client) -> None:
    """So a method that a newer client brings is noticed."""
    kind = getattr(raw_aio, client.name)
    public = {name for name in dir(kind) if not name.startswith("_")}

    assert public <= set(client.calls)


@pytest.mark.parametrize(
    "make", [make_subclass, make_idle, make_wrapped], ids=lambda each: each.__name__
)
@pytest.mark.parametrize(
    ("client", "name"),
    [
        pytest.param(client, name, id=f"{client.name}-{name}")
        for client in INSTALLED
        for name in client.calls
        if hasattr(getattr(raw_aio, client.name), name)
    ],
)
def test_a_method_returns_and_raises_the_same(
    client: Client, name: str, make: Callable[..., Any], servers: str
) -> None:
    """With right and wrong arguments, in every spelling, on a client that is open or closed."""

    async def compare(arguments: Call) -> None:
        expected = await called(make_raw, client, servers, name, arguments)
        found = await called(make, client, servers, name, arguments)
        assert (spelled(name, arguments), found) == (spelled(name, arguments), expected)
        assert context.get_current() == {}

    for arguments in client.calls[name]:
        run(lambda: compare(arguments))  # noqa: B023 - it has run before the next
