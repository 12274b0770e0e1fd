"""How each figure of the Java client is read out of librdkafka's statistics.

A reader takes one document and gives points; a value that the document does not tell is ``None``
or has no point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from kafkascope_tracing.statistics_fields import Fields, Statistics, count, requests, text, window

Point: TypeAlias = tuple[tuple[str, ...], float | None]
"""Values of a metric's attributes beside ``client-id``, and the value if it is known."""

Reader: TypeAlias = Callable[[Statistics], Iterable[Point]]

MILLI: Final = 1e-3


def client_field(name: str) -> Reader:
    """Read a top-level field."""
    return lambda statistics: [((), count(statistics.client, name))]


def group_field(name: str) -> Reader:
    """Read a field of the consumer group."""
    return lambda statistics: [((), count(statistics.group, name))]


def over_brokers(of_broker: Callable[[Fields], float | None]) -> Reader:
    """Add up what ``of_broker`` says over the connections to brokers."""
    return lambda statistics: [((), sum(filter(None, map(of_broker, statistics.brokers)), 0.0))]


def broker_sum(name: str) -> Reader:
    """Add up a field over the connections to brokers."""
    return over_brokers(lambda broker: count(broker, name))


def request_sum(*names: str) -> Reader:
    """Add up the requests sent of these kinds."""
    return over_brokers(lambda broker: requests(broker, names))


def node_field(name: str) -> Reader:
    """Read a field of each broker connection."""
    return lambda statistics: [
        ((node,), count(broker, name)) for node, broker in statistics.nodes.items()
    ]


def node_latency(figure: str) -> Reader:
    """Read ``avg`` or ``max`` of the time to a response, in ms."""

    def read(statistics: Statistics) -> Iterator[Point]:
        for node, broker in statistics.nodes.items():
            times = window(broker, "rtt")
            value = None if times is None else count(times, figure)
            yield (node,), None if value is None else value * MILLI

    return read


def topic_sum(name: str) -> Reader:
    """Add up a field over the partitions of each topic."""
    return lambda statistics: [
        ((topic.name,), sum(filter(None, (count(each, name) for _, each in topic.partitions)), 0.0))
        for topic in statistics.topics
    ]


def of_brokers(statistics: Statistics) -> Iterable[Fields]:
    """Look for window statistics in the broker connections."""
    return statistics.brokers


def of_topics(statistics: Statistics) -> Iterable[Fields]:
    """Look for window statistics in the topics."""
    return (topic.fields for topic in statistics.topics)


def mean(
    holders: Callable[[Statistics], Iterable[Fields]], name: str, scale: float = 1.0
) -> Reader:
    """Average window statistics, each by the number of its values."""

    def read(statistics: Statistics) -> Iterator[Point]:
        windows = [found for each in holders(statistics) if (found := window(each, name))]
        values = sum(count(each, "cnt") or 0.0 for each in windows)
        if values:
            total = sum(count(each, "sum") or 0.0 for each in windows)
            yield (), total / values * scale

    return read


def largest(
    holders: Callable[[Statistics], Iterable[Fields]], name: str, scale: float = 1.0
) -> Reader:
    """Take the largest value of window statistics."""

    def read(statistics: Statistics) -> Iterator[Point]:
        windows = [found for each in holders(statistics) if (found := window(each, name))]
        largest = max(filter(None, (count(each, "max") for each in windows)), default=0.0)
        if windows:
            yield (), largest * scale

    return read


def of_assigned(measure: Callable[[Fields], float | None]) -> Reader:
    """Measure each partition that is assigned now."""

    def read(statistics: Statistics) -> Iterator[Point]:
        for topic in statistics.topics:
            for partition, fields in topic.partitions:
                # A revoked partition stays in the document with its last numbers, undesired.
                if fields.get("desired") is True:
                    yield (topic.name, partition), measure(fields)

    return read


def _end(partition: Fields) -> float | None:
    """Return the end up to which the client's isolation level lets it read.

    The document does not tell the isolation level; its lags are differences to that end, though.
    """
    for offset_name, lag_name in (
        ("committed_offset", "consumer_lag"),
        ("stored_offset", "consumer_lag_stored"),
    ):
        offset, lag = count(partition, offset_name), count(partition, lag_name)
        if offset is not None and lag:  # a lag of 0 may stand for a negative one
            return offset + lag
    stable_end = count(partition, "ls_offset")
    return count(partition, "hi_offset") if stable_end is None else stable_end


def lag(partition: Fields) -> float | None:
    """Return how many messages are left to read, up to the partition's end."""
    position = count(partition, "app_offset")
    if position is None:  # nothing read since the assignment
        position = count(partition, "committed_offset")
    end = _end(partition)
    return None if position is None or end is None else max(0.0, end - position)


def lead(partition: Fields) -> float | None:
    """Return how many messages lie before the position."""
    position, start = count(partition, "app_offset"), count(partition, "lo_offset")
    return None if position is None or start is None else max(0.0, position - start)


def open_connections(statistics: Statistics) -> list[Point]:
    """Count the connections over which requests can go."""
    states = (text(broker, "state") for broker in statistics.brokers)
    return [((), float(sum(state in {"UP", "UPDATE"} for state in states)))]


def seconds_since_rebalance(statistics: Statistics) -> Iterator[Point]:
    """Read the time since the assignment changed, if it ever did."""
    age = count(statistics.group, "rebalance_age")
    if age is not None and count(statistics.group, "rebalance_cnt"):
        yield (), age * MILLI


def free_buffer(statistics: Statistics) -> Iterator[Point]:
    """Subtract what is in the send buffer from its size."""
    size = count(statistics.client, "msg_size_max")
    used = count(statistics.client, "msg_size")
    if size is not None and used is not None:
        yield (), max(0.0, size - used)


def metadata_age(statistics: Statistics) -> Iterator[Point]:
    """Take the oldest metadata of any topic, in s."""
    ages = [count(topic.fields, "metadata_age") for topic in statistics.topics]
    known = [age for age in ages if age is not None]
    if known:
        yield (), max(known) * MILLI
