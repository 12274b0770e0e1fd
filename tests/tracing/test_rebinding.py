import sys
import types
from collections.abc import Iterator

import confluent_kafka
import pytest
from confluent_kafka import cimpl

from kafkascope_tracing.rebinding import Weaving

MOCK = {"test.mock.num.brokers": 1, "log_level": 0}
seen: list[tuple[str, object]] = []


class Recording:
    """Stands for the tracing of a producer: notes each produce call before it is made."""

    __slots__ = ()

    def produce(self, topic: str, *args: object, **kwargs: object) -> None:
        """Note the topic, then produce."""
        seen.append((topic, type(self).__name__))
        super().produce(topic, *args, **kwargs)  # type: ignore[misc] # of the class behind it


@pytest.fixture
def subclasses() -> list[type]:
    """The classes that were derived from the traced one."""
    return []


@pytest.fixture
def weaving(subclasses: list[type]) -> Iterator[Weaving]:
    """A producer class woven with ``Recording``, not put in yet."""
    seen.clear()
    made = Weaving(cimpl.Producer, Recording, subclasses.append)
    yield made
    made.take_out()


def produce(producer: confluent_kafka.Producer, **arguments: object) -> list[tuple[str, object]]:
    """Produce a message, and give what was noted of it."""
    seen.clear()
    producer.produce("orders", **arguments)  # type: ignore[arg-type] # whatever it takes
    assert producer.flush(10) == 0
    return list(seen)


def test_each_module_that_holds_the_class_gets_the_traced_one(weaving: Weaving) -> None:
    """`from confluent_kafka import Producer` of long ago counts too."""
    early = types.ModuleType("early")
    early.Producer = early.Renamed = weaving.original  # type: ignore[attr-defined] # as an import does
    sys.modules["early"] = early
    try:
        weaving.put_in()
        found = {early.Producer, early.Renamed, confluent_kafka.Producer, cimpl.Producer}
        assert found == {weaving.traced}
        weaving.take_out()
        found = {early.Producer, early.Renamed, confluent_kafka.Producer, cimpl.Producer}
        assert found == {weaving.original}
    finally:
        del sys.modules["early"]


def test_our_own_modules_keep_the_original(weaving: Weaving) -> None:
    """Explicit classes of ours are made of it."""
    ours = types.ModuleType("kafkascope_tracing.something")
    ours.Producer = weaving.original  # type: ignore[attr-defined] # as an import does
    sys.modules[ours.__name__] = ours
    try:
        weaving.put_in()
        assert ours.Producer is weaving.original
    finally:
        del sys.modules[ours.__name__]


def test_a_class_derived_earlier_is_traced_with_its_instances(weaving: Weaving) -> None:
    """Its bases are changed in place: isinstance, identity and methods of its own all stay."""

    class Early(confluent_kafka.Producer):
        """A user's producer."""

    producer = Early(MOCK)
    assert produce(producer) == []

    weaving.put_in()
    assert produce(producer) == [("orders", "Early")]
    assert isinstance(producer, weaving.original)

    weaving.take_out()
    assert produce(producer) == []
    assert Early.__bases__ == (weaving.original,)


def test_a_serializing_producer_that_was_imported_earlier_is_traced(weaving: Weaving) -> None:
    """The tracing gets between its serialization and the original's produce."""
    bases = confluent_kafka.SerializingProducer.__bases__
    weaving.put_in()

    producer = confluent_kafka.SerializingProducer(MOCK)

    assert produce(producer, key=b"k", value=b"v") == [("orders", "SerializingProducer")]
    weaving.take_out()
    assert confluent_kafka.SerializingProducer.__bases__ == bases


def test_a_class_derived_meanwhile_goes_with_the_tracing(
    weaving: Weaving, subclasses: list[type]
) -> None:
    """It is noticed when it is made, traced while the tracing is in, and again after it is back."""
    weaving.put_in()

    class Late(confluent_kafka.Producer):
        """A user's producer."""

    assert subclasses == [Late]
    producer = Late(MOCK)
    assert produce(producer) == [("orders", "Late")]
    weaving.take_out()
    assert produce(producer) == []
    weaving.put_in()
    assert produce(producer) == [("orders", "Late")]


def test_put_in_twice_traces_once(weaving: Weaving) -> None:
    """No message is noted twice."""
    weaving.put_in()
    weaving.put_in()

    assert produce(confluent_kafka.Producer(MOCK)) == [("orders", "Producer")]


def test_classes_of_other_instrumentation_are_left_alone(weaving: Weaving) -> None:
    """They wrap instances and count on the original's methods."""
    proxy = type(
        "ProxiedProducer", (weaving.original,), {"__module__": "opentelemetry.instrumentation.x"}
    )

    weaving.put_in()

    assert proxy.__bases__ == (weaving.original,)


def test_a_class_without_room_in_its_instances_is_left_alone(weaving: Weaving) -> None:
    """The tracing keeps its state in the instance: there, setting it would fail."""

    class Slotted(confluent_kafka.Producer):
        __slots__ = ("only",)

    weaving.put_in()

    assert produce(Slotted(MOCK)) == []


class Frozen(type):
    """A metaclass whose classes cannot be changed."""

    def __setattr__(cls, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot be set")


def test_a_class_that_cannot_be_changed_is_named_and_left_alone(
    weaving: Weaving, caplog: pytest.LogCaptureFixture
) -> None:
    """Every other class is traced."""

    class Unchangeable(confluent_kafka.Producer, metaclass=Frozen):
        """A user's producer."""

    weaving.put_in()

    assert "Unchangeable was derived earlier and is not traced: __bases__" in caplog.text
    assert produce(Unchangeable(MOCK)) == []
    assert produce(confluent_kafka.Producer(MOCK)) == [("orders", "Producer")]
