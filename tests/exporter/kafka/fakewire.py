"""A cluster of answers: what brokers would say, without a network."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from kafkascope_exporter.kafka.codes import TIMED_OUT, UNREACHABLE
from kafkascope_exporter.kafka.wire import Answer, Call, Wire
from kafkascope_exporter.model import Broker, Partition, Topic, Topology

Say = Callable[[Call], Any]
"""Gives the response to a call; raises `Silence` for a broker that says nothing."""


class Silence(Exception):  # noqa: N818 - it stands for no answer, not for an error
    """A broker does not answer."""


class Refusal(Exception):  # noqa: N818 - it stands for an answer, too
    """A broker cannot be reached, which is known at once."""


class FakeWire(Wire):
    """Answers calls from a function and keeps them.

    Args:
        say: what the brokers say.
        brokers: ids of the brokers that are known.
        supported: the newest version of every API; of each broker, or of all.
    """

    def __init__(
        self,
        say: Say,
        brokers: Sequence[int] = (1, 2, 3),
        supported: int | Mapping[int, int] = 9,
    ) -> None:
        self._say = say
        self._ids = brokers
        self._supported = supported
        self.calls: list[Call] = []

    def brokers(self) -> tuple[Broker, ...]:
        """Name the brokers."""
        return tuple(Broker(i, f"host-{i}", 9092) for i in self._ids)

    def supports(self, request: Any, version: int, broker: int) -> bool:  # noqa: ANN401, ARG002 - as `Wire` has it
        """Compare with the newest version."""
        newest = self._supported
        return version <= (newest if isinstance(newest, int) else newest[broker])

    def ask(self, calls: Sequence[Call], deadline: float, lanes: int = 1) -> list[Answer]:  # noqa: ARG002 - as `Wire` has it
        """Answer each call."""
        return [self._answer(call) for call in calls]

    def ask_any(
        self,
        calls: Sequence[Call],
        deadline: float,  # noqa: ARG002 - as `Wire` has it
        at_once: int | None = None,
    ) -> list[Answer]:
        """Answer until one call has a response; a silent broker keeps its place until the end."""
        answers: list[Answer] = []
        places = at_once or len(calls)
        for call in calls:
            answers.append(self._answer(call))
            places -= answers[-1].code == TIMED_OUT
            if not answers[-1].code or not places:
                break
        return answers

    def _answer(self, call: Call) -> Answer:
        self.calls.append(call)
        try:
            return Answer(call, response=self._say(call))
        except Silence:
            return Answer(call, code=TIMED_OUT)
        except Refusal:
            return Answer(call, code=UNREACHABLE)


def told(**fields: object) -> SimpleNamespace:
    """A piece of a response."""
    return SimpleNamespace(**fields)


def topology(*leaders: int | None, name: str = "orders") -> Topology:
    """Three brokers and one topic with these leaders."""
    partitions = tuple(
        Partition(i, leader, (1, 2, 3), (1, 2, 3)) for i, leader in enumerate(leaders)
    )
    brokers = tuple(Broker(i, f"host-{i}", 9092) for i in (1, 2, 3))
    return Topology("cluster", brokers, {name: Topic(name, partitions)})
