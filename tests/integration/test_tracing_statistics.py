"""librdkafka's statistics of clients of a real cluster, as OpenTelemetry metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, Producer

from kafkascope_demo.localkafka import LocalKafka
from kafkascope_tracing.statistics import StatisticsBridge, statistics_bridge
from tests.integration.conftest import MakeTopic
from tests.tracing.collected import Collector, new_collector
from tests.waiting import wait_until

_DEADLINE_S = 60
_MESSAGES = 120


def _member(
    kafka: LocalKafka, collector: Collector, topic: str, client_id: str
) -> tuple[Consumer, StatisticsBridge]:
    bridge = statistics_bridge(collector.provider, "consumer")
    settings: dict[str, Any] = {
        **kafka.client_properties(),
        "client.id": client_id,
        "group.id": f"group-of-{topic}",
        "auto.offset.reset": "earliest",
        "statistics.interval.ms": 200,
        "stats_cb": bridge,
    }
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    return consumer, bridge


def _produce(kafka: LocalKafka, collector: Collector, topic: str) -> None:
    bridge = statistics_bridge(collector.provider, "producer")
    settings: dict[str, Any] = {
        **kafka.client_properties(),
        "client.id": "till",
        "statistics.interval.ms": 200,
        "stats_cb": bridge,
    }
    producer = Producer(settings)
    for number in range(_MESSAGES):
        producer.produce(topic, b"x" * 50, partition=number % 4)
    assert producer.flush(30) == 0
    sent = "kafka.producer.record_send_total"

    def told() -> bool:
        producer.poll(0.1)
        point = frozenset({("client-id", "till"), ("topic", topic)})
        return collector.numbers(sent).get(point, 0) >= _MESSAGES  # retries count again

    wait_until(told, _DEADLINE_S, f"{_MESSAGES} messages in {sent}")
    nodes = _nodes(collector, "kafka.producer.request_total", "till")
    # Three brokers; the bootstrap connections become theirs or have numbers below 0.
    assert {node for node in nodes if not node.startswith("node--")} == {
        f"node-{node}" for node in (1, 2, 3)
    }
    bridge.close()


def _nodes(collector: Collector, name: str, client_id: str) -> dict[str, float]:
    return {
        str(dict(attributes)["node-id"]): value
        for attributes, value in collector.numbers(name).items()
        if ("client-id", client_id) in attributes
    }


def _lags(collector: Collector) -> dict[str, dict[str, float]]:
    """Each client's lag by partition."""
    lags: dict[str, dict[str, float]] = {}
    for attributes, lag in collector.numbers("kafka.consumer.records_lag").items():
        named = {str(key): str(value) for key, value in attributes}
        lags.setdefault(named["client-id"], {})[named["partition"]] = lag
    return lags


def _served(question: Callable[[], bool], *consumers: Consumer) -> Callable[[], bool]:
    def ask() -> bool:
        for consumer in consumers:
            consumer.poll(0.1)
        return question()

    return ask


def test_lag_moves_with_the_partitions_of_a_real_group(
    kafka: LocalKafka, make_topic: MakeTopic
) -> None:
    """A member that joins takes partitions; each partition has one lag, its owner's."""
    topic = make_topic(partitions=4)
    collector = new_collector()
    _produce(kafka, collector, topic)
    first, bridge_of_first = _member(kafka, collector, topic, "first")
    wait_until(
        _served(lambda: _lags(collector) == {"first": dict.fromkeys("0123", 0)}, first),
        _DEADLINE_S,
        "the only member's lag of 0 in all partitions",
    )
    consumed = frozenset({("client-id", "first"), ("topic", topic)})
    assert collector.numbers("kafka.consumer.records_consumed_total")[consumed] == _MESSAGES
    nodes = _nodes(collector, "kafka.consumer.request_total", "first")
    assert len(set(nodes) & {f"node-{2**31 - 1 - node}" for node in (1, 2, 3)}) == 1
    second, bridge_of_second = _member(kafka, collector, topic, "second")

    def divided() -> bool:
        owned = [set(lags) for lags in _lags(collector).values()]
        return len(owned) == 2 and len(owned[0]) == len(owned[1]) == 2 and not owned[0] & owned[1]

    wait_until(_served(divided, first, second), _DEADLINE_S, "two partitions for each member")
    first.close()
    bridge_of_first.close()
    wait_until(
        _served(lambda: set(_lags(collector)) == {"second"}, second),
        _DEADLINE_S,
        "the end of the first member's series",
    )
    second.close()
    bridge_of_second.close()
    assert collector.metrics() == {}
