"""librdkafka's statistics document, read so that no field of it can do harm.

Source of the fields' meaning: STATISTICS.md of librdkafka. A field that is missing, or is not of
the type that librdkafka documents, counts as absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Fields: TypeAlias = Mapping[str, Any]
"""One JSON object of the document."""

_LARGEST: Final = 2.0**64
"""Beyond what any 64-bit counter holds: no number of librdkafka's."""

_COORDINATOR_BASE: Final = 2**31 - 1
"""Java's client numbers its connection to a coordinator so: this minus the broker's id."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic's statistics.

    Attributes:
        name: The topic.
        fields: Its own fields.
        partitions: The fields of each partition, without librdkafka's internal partition -1.
    """

    name: str
    fields: Fields
    partitions: Sequence[tuple[str, Fields]]


@dataclass(frozen=True, slots=True)
class Statistics:
    """One statistics document.

    Attributes:
        client_id: The configured ``client.id``, which several clients may share.
        handle: librdkafka's name of the client, unlike every other in the process.
        client: The top-level fields.
        group: The consumer group's fields; empty for a producer.
        brokers: The fields of each broker connection but librdkafka's internal one.
        nodes: The same connections by Java's node id, where they have one.
        topics: Each topic that the client knows.
    """

    client_id: str
    handle: str
    client: Fields
    group: Fields
    brokers: Sequence[Fields]
    nodes: Mapping[str, Fields]
    topics: Sequence[Topic]


def parse_statistics(document: str) -> Statistics:
    """Parse what librdkafka gives to ``stats_cb``.

    Raises:
        ValueError: This is no JSON object.
    """
    client = json.loads(document)
    if not isinstance(client, dict):
        raise ValueError(f"no JSON object but {type(client).__name__}")  # noqa: TRY004 - a ValueError as json's own
    brokers = [each for _, each in _objects(client, "brokers") if each.get("source") != "internal"]
    return Statistics(
        client_id=text(client, "client_id"),
        handle=text(client, "name"),
        client=client,
        group=_object(client, "cgrp"),
        brokers=brokers,
        nodes=_nodes(brokers),
        topics=[
            Topic(name, topic, [each for each in _objects(topic, "partitions") if each[0] != "-1"])
            for name, topic in _objects(client, "topics")
        ],
    )


def number(fields: Fields, name: str) -> float | None:
    """Return a number, or ``None`` where there is none."""
    value = fields.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if -_LARGEST < value < _LARGEST else None
    return None


def count(fields: Fields, name: str) -> float | None:
    """Return a number that cannot be negative; librdkafka writes -1 and -1001 for unknown."""
    value = number(fields, name)
    return value if value is not None and value >= 0 else None


def text(fields: Fields, name: str) -> str:
    """Return a string, or the empty one where there is none."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def window(fields: Fields, name: str) -> Fields | None:
    """Return window statistics that hold at least one value, else ``None``."""
    found = _object(fields, name)
    return found if count(found, "cnt") else None


def requests(broker: Fields, names: tuple[str, ...]) -> float:
    """Return how many requests of these kinds were sent to a broker."""
    sent = _object(broker, "req")
    return sum(filter(None, (count(sent, name) for name in names)))


def _object(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def _objects(fields: Fields, name: str) -> Iterator[tuple[str, Fields]]:
    for key, value in _object(fields, name).items():
        if isinstance(value, dict):
            yield key, value


def _nodes(brokers: Sequence[Fields]) -> dict[str, Fields]:
    """Name connections as Java's client does: brokers by id, bootstrap -1, -2, …, coordinators."""
    ids = {
        text(broker, "nodename"): int(node)
        for broker in brokers
        if (node := count(broker, "nodeid")) is not None
    }
    nodes: dict[str, Fields] = {}
    bootstrap = 0
    for broker in brokers:
        node = count(broker, "nodeid")
        if text(broker, "source") == "logical":
            coordinator = ids.get(text(broker, "nodename"))
            if coordinator is None:  # not found yet
                continue
            node = _COORDINATOR_BASE - coordinator
        elif node is None:
            bootstrap += 1
            node = -bootstrap
        nodes.setdefault(f"node-{int(node)}", broker)
    return nodes
