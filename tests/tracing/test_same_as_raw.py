"""Every public method of the installed clients does through ours what it does by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import confluent_kafka
import pytest
from confluent_kafka import cimpl
from confluent_kafka.serialization import StringDeserializer, StringSerializer
from opentelemetry import context
from opentelemetry.trace import get_current_span

import kafkascope_tracing
from kafkascope_tracing import KafkaTelemetry
from tests.tracing.calls import (
    CONSUMER_CALLS,
    PRODUCER_CALLS,
    SERIALIZING_CALLS,
    SHARE_CONSUMER_CALLS,
    TOPIC,
    partition,
    spelled,
)
from tests.tracing.collected import new_collector
from tests.tracing.mockcluster import mock_cluster
from tests.tracing.outcomes import Call, Outcome, outcome_of
from tests.tracing.recorder import Recorder

MakeConfig = Callable[[str], dict[str, Any]]


def producing(servers: str) -> dict[str, Any]:
    """Return a producer's configuration."""
    return {"bootstrap.servers": servers, "log_level": 0}


def consuming(servers: str) -> dict[str, Any]:
    """Return a consumer's configuration."""
    return {
        **producing(servers),
        "group.id": "same",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }


def sharing(servers: str) -> dict[str, Any]:
    """Return a share consumer's configuration."""
    return {**producing(servers), "group.id": "same", "share.acknowledgement.mode": "explicit"}


class Client(NamedTuple):
    """A class of the client, and how it is called."""

    name: str
    calls: Mapping[str, list[Call]]
    config: MakeConfig
    more: Mapping[str, Any] = {}

    @property
    def raw(self) -> Any:  # noqa: ANN401 - a class of the client
        """The client's own class."""
        return getattr(cimpl, self.name, None) or getattr(confluent_kafka, self.name)


_TRIES: Final = 3
"""Whether a fetch is back before ``poll(0)`` is chance each time; a difference of ours is not."""

SERIALIZERS: Final = {"key.serializer": StringSerializer(), "value.serializer": StringSerializer()}
DESERIALIZERS: Final = {"value.deserializer": StringDeserializer()}
CLIENTS: Final = [
    Client("Producer", PRODUCER_CALLS, producing),
    Client("Consumer", CONSUMER_CALLS, consuming),
    Client("ShareConsumer", SHARE_CONSUMER_CALLS, sharing),
    Client("SerializingProducer", SERIALIZING_CALLS, producing, SERIALIZERS),
    Client("DeserializingConsumer", CONSUMER_CALLS, consuming, DESERIALIZERS),
    Client("DeserializingShareConsumer", SHARE_CONSUMER_CALLS, sharing, DESERIALIZERS),
]
# confluent-kafka before 2.13 crashes when these are called on a closed consumer.
CRASHING: Final = (
    set()
    if hasattr(cimpl.Consumer, "__exit__")
    else {"list_topics", "pause", "resume", "set_sasl_credentials"}
)
INSTALLED: Final = [each for each in CLIENTS if hasattr(confluent_kafka, each.name)]


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    """Run a mock cluster whose topic has a message."""
    with mock_cluster() as found:
        producer = cimpl.Producer(producing(found))
        producer.produce(TOPIC, b"v", b"k", 0, headers={"h": b"1"})
        assert producer.flush(30) == 0
        yield found


def recording() -> KafkaTelemetry:
    """Return a telemetry that does all it can."""
    return (
        KafkaTelemetry.builder(Recorder().provider, new_collector().provider)
        .set_messaging_receive_telemetry_enabled(enabled=True)
        .set_process_spans("implicit")
        .set_headers(["*"])
        .set_capture_experimental_span_attributes(enabled=True)
        .build()
    )


def make_subclass(client: Client, config: dict[str, Any]) -> Any:  # noqa: ANN401 - a client
    """Make ours of a client."""
    ours = getattr(kafkascope_tracing, client.name)
    return ours({**config, **recording().producer_interceptor_config()})


def make_idle(client: Client, config: dict[str, Any]) -> Any:  # noqa: ANN401 - a client
    """Make ours of a client, with no SDK behind it."""
    return getattr(kafkascope_tracing, client.name)(config)


def make_wrapped(client: Client, config: dict[str, Any]) -> Any:  # noqa: ANN401 - a client
    """Make a client and wrap it."""
    return recording().wrap(client.raw(config), config)


WAYS: Final = [make_subclass, make_idle, make_wrapped]


def prepared(made: Any) -> Any:  # noqa: ANN401 - a client
    """Have a consumer read the topic; a share consumer, whose first messages vary, reads none."""
    if isinstance(made, cimpl.Consumer):
        made.assign([partition()])
    return made


def closed(made: Any) -> Any:  # noqa: ANN401 - a consumer
    """Close a consumer."""
    if not isinstance(made, cimpl.Consumer) and outcome_of(made.subscription).what != ["list"]:
        outcome_of(
            lambda: made.poll(0.3)
        )  # librdkafka 2.16.1 hangs when a share consumer closes while it joins
    made.close()
    return made


def method_of(made: Any, name: str) -> Callable[..., Any]:  # noqa: ANN401 - a client
    """Return a method, or what stands for a special one in a program."""
    special: dict[str, Callable[..., Any]] = {"__len__": len, "__bool__": bool}
    if name in special:
        return lambda: special[name](made)
    found: Callable[..., Any] = getattr(made, name)
    return found


def called(make: Callable[[], Any], name: str, arguments: Call) -> list[Outcome]:
    """Call a method of a client, once as it is and once closed; then look at what it left."""
    made = make()
    told = [outcome_of(lambda: method_of(made, name)(*arguments.args, **arguments.kwargs))]
    if isinstance(made, cimpl.Producer):
        told.append(outcome_of(lambda: made.flush(30)))
    elif name not in CRASHING:
        done = closed(made)
        told.append(outcome_of(lambda: method_of(done, name)(*arguments.args, **arguments.kwargs)))
    return told


@pytest.mark.parametrize("client", INSTALLED, ids=lambda each: each.name)
def test_the_table_has_every_public_method(client: Client) -> None:
    """So a method that a newer client brings is noticed."""
    public = {name for name in dir(client.raw) if not name.startswith("_")}

    assert public <= set(client.calls)


@pytest.mark.parametrize("make", WAYS, ids=lambda each: each.__name__)
@pytest.mark.parametrize(
    ("client", "name"),
    [
        pytest.param(client, name, id=f"{client.name}-{name}")
        for client in INSTALLED
        for name in client.calls
        if hasattr(client.raw, name)
    ],
)
def test_a_method_returns_and_raises_the_same(
    client: Client, name: str, make: Callable[[Client, dict[str, Any]], Any], servers: str
) -> None:
    """With right and wrong arguments, in every spelling, on a client that is open or closed."""
    config = {**client.config(servers), **client.more}

    for arguments in client.calls[name]:
        for _ in range(_TRIES):
            expected = called(lambda: prepared(client.raw(dict(config))), name, arguments)
            found = called(lambda: prepared(make(client, dict(config))), name, arguments)
            if found == expected:
                break
        assert (spelled(name, arguments), found) == (spelled(name, arguments), expected)
        assert context.get_current() == {}
        assert not get_current_span().get_span_context().is_valid
