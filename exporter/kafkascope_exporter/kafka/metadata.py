"""Which brokers, topics and partitions are there, and who leads what?

Source: Metadata API, all topics; topics of which the principal may not Describe are left out by
the broker itself.
"""

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from kafka.protocol.metadata import MetadataRequest

from kafkascope_exporter.config import Filter
from kafkascope_exporter.kafka.codes import error_name
from kafkascope_exporter.kafka.wire import Answer, Call, Wire
from kafkascope_exporter.model import Broker, BrokerId, Failure, Partition, Topic, Topology

_NO_ID = UUID(int=0)
# All of a large cluster's metadata from all of its brokers would be a heavy answer to a silence.
_AT_ONCE = 3
_HAS_PARTITIONS = frozenset({"", "LEADER_NOT_AVAILABLE"})


class MetadataReader:
    """Reads the topology, from the broker that answered last when it still does.

    Args:
        wire: connections to the cluster.
        topics: the topics to keep.
    """

    def __init__(self, wire: Wire, topics: Filter) -> None:
        self._wire = wire
        self._topics = topics
        self._passes: dict[str, bool] = {}
        self._order: list[BrokerId] = []
        self._previous: Topology | None = None

    def read(self, deadline: float) -> tuple[Topology | None, list[Failure]]:
        """Ask one broker, and others too when it stays silent for half of the time.

        A few others are asked at a time; each that fails makes room for the next, so that many
        brokers that are down do not hide one that is not.

        Args:
            deadline: on the clock of `time.monotonic`.

        Returns:
            The topology, the same object as last time when nothing changed, or ``None`` when no
            broker answered; and a failure per broker that did not.
        """
        known = [broker.id for broker in self._wire.brokers()]
        order = [b for b in self._order if b in known]
        order += [b for b in known if b not in order]
        patience = time.monotonic() + (deadline - time.monotonic()) / 2
        failures: list[Failure] = []
        failed: list[BrokerId] = []
        for ids, until in ((order[:1], patience), (order[1:], deadline)):
            for answer in self._ask(ids, until):
                answered = answer.call.broker
                if answer.response is not None:
                    self._order = [answered, *(b for b in order if b != answered)]
                    topology, bad = self._topology(answer.response, answered)
                    return topology, failures + bad
                failures.append(answer.failure())
                failed.append(answered)
        self._order = [b for b in order if b not in failed] + failed
        return None, failures

    def _ask(self, brokers: Sequence[BrokerId], deadline: float) -> list[Answer]:
        return self._wire.ask_any(
            [
                Call("Metadata", b, MetadataRequest(topics=None, allow_auto_topic_creation=False))
                for b in brokers
            ],
            deadline,
            _AT_ONCE,
        )

    def _topology(self, response: Any, broker: BrokerId) -> tuple[Topology, list[Failure]]:  # noqa: ANN401 - kafka-python is untyped
        previous = self._previous.topics if self._previous else {}
        topics: dict[str, Topic] = {}
        failures: list[Failure] = []
        self._passes = {told.name: self._wanted(told.name) for told in response.topics}
        for told in response.topics:
            if not self._passes[told.name]:
                continue
            code = error_name(told.error_code)
            if code not in _HAS_PARTITIONS:
                failures.append(Failure("Metadata", str(broker), code))
                continue
            topics[told.name] = _topic(told, previous.get(told.name))
        brokers = (Broker(b.node_id, b.host, b.port, b.rack) for b in response.brokers)
        topology = Topology(
            cluster_id=response.cluster_id,
            brokers=tuple(sorted(brokers, key=lambda b: b.id)),
            topics=dict(sorted(topics.items())),
        )
        if topology != self._previous:
            self._previous = topology
        return self._previous, failures

    def _wanted(self, topic: str) -> bool:
        known = self._passes.get(topic)
        return self._topics.passes(topic) if known is None else known


def _topic(told: Any, previous: Topic | None) -> Topic:  # noqa: ANN401 - kafka-python is untyped
    topic_id = getattr(told, "topic_id", None)
    partitions = tuple(
        Partition(
            id=p.partition_index,
            leader=p.leader_id if p.leader_id >= 0 else None,
            replicas=tuple(p.replica_nodes),
            isr=tuple(p.isr_nodes),
        )
        for p in sorted(told.partitions, key=lambda p: p.partition_index)
    )
    topic = Topic(told.name, partitions, topic_id if topic_id != _NO_ID else None)
    return previous if topic == previous and previous is not None else topic
