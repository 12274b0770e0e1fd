"""Traced stand-ins of clients that exist already, for ``KafkaTelemetry.wrap``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import cimpl
from confluent_kafka.cimpl import Consumer as RawConsumer
from confluent_kafka.cimpl import Producer as RawProducer

from kafkascope_tracing.clients import Configured
from kafkascope_tracing.consumer import ConsumerTracing, make_receiving
from kafkascope_tracing.producer import ProducerTracing, make_sending

if TYPE_CHECKING:
    from kafkascope_tracing.telemetry import KafkaTelemetry

_OWN: Final = frozenset({"__class__", "__init__", "__new__", "__getattribute__", "__getattr__"})
_SPECIAL: Final = ("__len__", "__bool__", "__enter__", "__exit__", "__iter__", "__next__")
# Our class for each of the client's own that are written in Python, by the module that it is in.
_VARIANTS: Final = {
    "SerializingProducer": "serializing",
    "DeserializingConsumer": "serializing",
    "DeserializingShareConsumer": "share",
    "AIOProducer": "aio",
    "AIOConsumer": "aio",
    "AsyncSerializingProducer": "aio",
    "AsyncDeserializingConsumer": "aio",
}


class StandIn:
    """Passes everything on to a client; the tracing goes in front of it.

    Args:
        client: Whose place this takes.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - any client
        self.__dict__["_client"] = client

    @property  # type: ignore[misc]  # nobody sets it
    def __class__(self) -> type:
        """The client's class, so that ``isinstance`` is answered as the client would be."""
        return type(self._client)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the client's
        return getattr(self.__dict__["_client"], name)

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401 - the client's
        if hasattr(type(self), name):
            self.__dict__[name] = value
        else:
            setattr(self._client, name, value)

    def __repr__(self) -> str:
        return repr(self._client)


def _forward(name: str) -> Callable[..., Any]:
    def method(self: StandIn, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the client's
        client = self.__dict__["_client"]
        result = getattr(client, name)(*args, **kwargs)
        return self if result is client else result

    method.__name__ = name
    return method


_classes: Final[dict[tuple[type, type], type]] = {}


def _stand_in(client_class: type, tracing: type) -> type:
    """Return the class whose instances stand in for those of ``client_class``."""
    found = _classes.get((client_class, tracing))
    if found is None:
        found = _classes[client_class, tracing] = _make_stand_in(client_class, tracing)
    return found


def _make_stand_in(client_class: type, tracing: type) -> type:
    """Make the class whose instances stand in for those of ``client_class``."""
    names = [name for name in dir(client_class) if not name.startswith("_")]
    special = [name for name in _SPECIAL if hasattr(client_class, name)]
    methods = {
        name: _forward(name)
        for name in (*names, *special)
        if name not in _OWN and callable(getattr(client_class, name))
    }
    base = type(f"{client_class.__name__}StandIn", (StandIn,), methods)
    return type(client_class.__name__, (tracing, base), {"__init__": StandIn.__init__})


def wrap(telemetry: KafkaTelemetry, client: object, config: Mapping[str, Any]) -> object:
    """Return a traced stand-in; see ``KafkaTelemetry.wrap``.

    Raises:
        TypeError: The client is neither a producer nor a consumer.
    """
    if getattr(client, "_sending", None) or getattr(client, "_receiving", None):
        return client
    chosen = Configured((), {}, dict(config), telemetry, ())
    variant = _variant_of(type(client))
    if variant is not None:
        _retype(client, *variant)
        _begin(client, chosen)
        return client
    if isinstance(client, RawProducer):
        producer = _stand_in(type(client), ProducerTracing)(client)
        producer.__dict__["_sending"] = make_sending(producer, chosen)
        return producer
    if isinstance(client, RawConsumer):
        consumer = _stand_in(type(client), ConsumerTracing)(client)
        consumer.__dict__["_receiving"] = make_receiving(consumer, chosen)
        return consumer
    if isinstance(client, getattr(cimpl, "ShareConsumer", ())):
        from kafkascope_tracing.share import ShareConsumerTracing  # noqa: PLC0415 - not in each release

        shared = _stand_in(type(client), ShareConsumerTracing)(client)
        shared.begin_tracing(chosen)
        return shared
    raise TypeError(f"cannot wrap {type(client).__name__}: it is neither a Producer nor a Consumer")


def _variant_of(client_class: type) -> tuple[type, type] | None:
    """Return which class of the client's own in Python this is or derives from, and ours for it."""
    for found in client_class.__mro__:
        module = _VARIANTS.get(found.__name__)
        if module is not None and found.__module__.startswith("confluent_kafka."):
            return found, getattr(import_module(f"kafkascope_tracing.{module}"), found.__name__)
    return None


def _retype(client: Any, raw: type, ours: type) -> None:  # noqa: ANN401 - any client
    """Give a client our class: it calls its own methods, so nothing can stand in for it."""
    own = type(client)
    client.__class__ = ours if own is raw else type(own.__name__, (own, ours), {})


def _begin(client: Any, chosen: Configured) -> None:  # noqa: ANN401 - any client
    """Trace a client that has our class now."""
    if hasattr(client, "begin_tracing"):
        client.begin_tracing(chosen)
    elif isinstance(client, RawProducer):
        client._sending = make_sending(client, chosen)  # type: ignore[attr-defined]  # noqa: SLF001 - it has our class
    else:
        client._receiving = make_receiving(client, chosen)  # noqa: SLF001 - the same
