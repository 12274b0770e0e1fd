"""How many replicas have to be in sync for a topic to take what is written with ``acks=all``?

Source: DescribeConfigs API, key ``min.insync.replicas``. The values change seldom, so each is kept
for minutes, and a cycle asks for a part of them at most.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from kafka.protocol.admin import DescribeConfigsRequest

from kafkascope_exporter.kafka.codes import NOT_GRANTED, error_name
from kafkascope_exporter.kafka.wire import Call, Wire
from kafkascope_exporter.model import Failure, Topic, TopicName, Topology

_KEY: Final = "min.insync.replicas"
_TOPIC: Final = 2  # Kafka's number of this type of resource
_OLDEST: Final = 1
_REFRESH_S: Final = 300.0
_RETRY_S: Final = 60.0
_NOT_YET_S: Final = 5.0
_NOT_YET: Final = "UNKNOWN_TOPIC_OR_PARTITION"
"""A broker learns of a topic later than the one that told us of it."""
_TOPICS_PER_REQUEST: Final = 200
_TOPICS_PER_CYCLE: Final = 2000


@dataclass(frozen=True, slots=True)
class _Known:
    """A topic's value (``None``: not known), and when to ask for it again."""

    uuid: UUID | None
    value: int | None
    due: float


class MinInSyncReader:
    """Reads ``min.insync.replicas`` of topics, and remembers it.

    Args:
        wire: connections to the cluster.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._known: dict[TopicName, _Known] = {}

    def read(
        self, topology: Topology, deadline: float, now: float
    ) -> tuple[Mapping[TopicName, int], list[Failure]]:
        """Ask for what is new or was asked for long ago, spread over the brokers.

        A broker that does not answer leaves the values as they were, to be asked for a minute
        later. A principal without DescribeConfigs on a topic gets no value, and no failure: it is
        a right that one may well not give.

        Args:
            topology: with the topics of interest.
            deadline: on the clock of `time.monotonic`.
            now: on the same clock.

        Returns:
            The value by topic, where it is known; and what failed.
        """
        self._known = {name: self._known[name] for name in topology.topics if name in self._known}
        due = [name for name, topic in topology.topics.items() if self._is_due(topic, now)]
        failures = list(self._ask(due[:_TOPICS_PER_CYCLE], topology, deadline, now))
        values = {name: k.value for name, k in self._known.items() if k.value is not None}
        return values, failures

    def _is_due(self, topic: Topic, now: float) -> bool:
        known = self._known.get(topic.name)
        return known is None or known.uuid != topic.uuid or now >= known.due

    def _ask(
        self, names: Sequence[TopicName], topology: Topology, deadline: float, now: float
    ) -> Iterator[Failure]:
        able = [
            broker.id
            for broker in topology.brokers
            if self._wire.supports(DescribeConfigsRequest, _OLDEST, broker.id)
        ]
        if not able:
            return
        chunks = [
            names[at : at + _TOPICS_PER_REQUEST] for at in range(0, len(names), _TOPICS_PER_REQUEST)
        ]
        calls = [
            Call("DescribeConfigs", able[at % len(able)], _request(chunk))
            for at, chunk in enumerate(chunks)
        ]
        for chunk, answer in zip(chunks, self._wire.ask(calls, deadline), strict=True):
            for name in chunk:
                before = self._known.get(name)
                uuid = topology.topics[name].uuid
                kept = before.value if before and before.uuid == uuid else None
                self._known[name] = _Known(uuid, kept, now + _RETRY_S)
            if answer.response is None:
                yield answer.failure()
                continue
            for told in answer.response.results:
                code = error_name(told.error_code)
                if code == _NOT_YET:
                    self._ask_again(told.resource_name, now + _NOT_YET_S)
                    continue
                if code and code not in NOT_GRANTED:
                    yield Failure("DescribeConfigs", str(answer.call.broker), code)
                    continue
                self._learn(told.resource_name, None if code else _value(told), topology, now)

    def _ask_again(self, name: TopicName, due: float) -> None:
        if name in self._known:
            self._known[name] = replace(self._known[name], due=due)

    def _learn(self, name: TopicName, value: int | None, topology: Topology, now: float) -> None:
        if name in self._known:
            due = now + (_RETRY_S if value is None else _REFRESH_S)
            self._known[name] = _Known(topology.topics[name].uuid, value, due)


def _request(names: Sequence[TopicName]) -> DescribeConfigsRequest:
    resource = DescribeConfigsRequest.DescribeConfigsResource
    return DescribeConfigsRequest(
        resources=[
            resource(resource_type=_TOPIC, resource_name=name, configuration_keys=[_KEY])
            for name in names
        ],
        include_synonyms=False,
        include_documentation=False,
    )


def _value(told: Any) -> int | None:  # noqa: ANN401 - kafka-python is untyped
    text = next((config.value for config in told.configs or () if config.name == _KEY), None)
    return int(text) if text is not None and text.isdecimal() else None
