from __future__ import annotations

import gc
import json
import logging
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.metrics import NoOpMeterProvider

from kafkascope_tracing.statistics import StatisticsBridge, _Continuous, statistics_bridge
from kafkascope_tracing.statistics_fields import parse_statistics, requests
from kafkascope_tracing.statistics_mapping import STATISTICS_METRICS, Role
from kafkascope_tracing.statistics_readers import lag, lead
from tests.tracing.collected import Collector, new_collector
from tests.tracing.mockcluster import mock_cluster
from tests.waiting import wait_until

CLIENT: Final = ("client-id", "billing")
TOPIC: Final = ("topic", "orders")

# The rows of Java's table that we fill: README of opentelemetry-java-instrumentation's library
# for kafka-clients 2.6. Kind: DOUBLE_OBSERVABLE_COUNTER or DOUBLE_OBSERVABLE_GAUGE.
JAVA_OF_BOTH: Final = """
connection_close_total COUNTER client-id
connection_count GAUGE client-id
incoming_byte_total COUNTER client-id,node-id
outgoing_byte_total COUNTER client-id,node-id
request_latency_avg GAUGE client-id,node-id
request_latency_max GAUGE client-id,node-id
request_total COUNTER client-id,node-id
response_total COUNTER client-id,node-id
"""
JAVA: Final[dict[Role, str]] = {
    "consumer": """
assigned_partitions GAUGE client-id
bytes_consumed_total COUNTER client-id,topic
commit_total COUNTER client-id
fetch_throttle_time_avg GAUGE client-id
fetch_throttle_time_max GAUGE client-id
fetch_total COUNTER client-id
heartbeat_total COUNTER client-id
join_total COUNTER client-id
last_rebalance_seconds_ago GAUGE client-id
rebalance_total COUNTER client-id
records_consumed_total COUNTER client-id,topic
records_lag GAUGE client-id,topic,partition
records_lead GAUGE client-id,topic,partition
sync_total COUNTER client-id
""",
    "producer": """
batch_size_avg GAUGE client-id
batch_size_max GAUGE client-id
buffer_available_bytes GAUGE client-id
buffer_total_bytes GAUGE client-id
byte_total COUNTER client-id,topic
metadata_age GAUGE client-id
produce_throttle_time_avg GAUGE client-id
produce_throttle_time_max GAUGE client-id
record_queue_time_avg GAUGE client-id
record_queue_time_max GAUGE client-id
record_send_total COUNTER client-id,topic
records_per_request_avg GAUGE client-id
requests_in_flight GAUGE client-id
""",
}


@pytest.mark.parametrize("role", ["consumer", "producer"])
def test_names_kinds_and_attributes_are_those_of_java(role: Role) -> None:
    """Each row of ours is a row of Java's table, and none is there twice."""
    ours = [
        f"{metric.name} {'COUNTER' if metric.is_counter else 'GAUGE'} "
        f"{','.join(('client-id', *metric.attributes))}"
        for metric in STATISTICS_METRICS[role]
    ]

    assert sorted(ours) == sorted(
        (JAVA_OF_BOTH + JAVA[role]).strip().replace("\n\n", "\n").split("\n")
    )


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """A mock cluster of two brokers with 250 messages in partitions 0 and 1 of ``orders``."""
    with mock_cluster(brokers=2) as servers:
        producer = Producer({"bootstrap.servers": servers})
        for number in range(250):
            producer.produce("orders", b"x" * 100, partition=number % 2)
        assert producer.flush(20) == 0
        yield servers


def consumer_of(bootstrap: str, **config: Any) -> Consumer:  # noqa: ANN401 - librdkafka's values are of many types
    """Make a consumer that gives statistics every 100 ms."""
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "statistics",
            "client.id": "billing",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "statistics.interval.ms": 100,
            **config,
        }
    )


def test_a_real_consumer_is_seen_from_assignment_to_close(bootstrap: str) -> None:
    """Lag, lead and sums are right; a revoked partition's series go, at close all of them."""
    collector = new_collector()
    bridge = statistics_bridge(collector.provider, "consumer")
    consumer = consumer_of(bootstrap, stats_cb=bridge)

    def of_partitions(name: str) -> dict[str, float]:
        consumer.poll(0.05)
        points = collector.numbers(f"kafka.consumer.{name}").items()
        return {str(dict(attributes)["partition"]): value for attributes, value in points}

    consumer.assign([TopicPartition("orders", 0, 0), TopicPartition("orders", 1, 25)])
    read = 0
    while read < 150:
        message = consumer.poll(20)
        assert message is not None
        assert message.error() is None
        read += 1
    consumer.pause(consumer.assignment())
    positions = {
        str(each.partition): each.offset for each in consumer.position(consumer.assignment())
    }

    wait_until(
        lambda: of_partitions("records_lead") == positions,
        deadline_s=20,
        describe="leads that are the positions, for the partitions start at 0",
    )
    assert of_partitions("records_lag") == {
        partition: 125 - position for partition, position in positions.items()
    }
    sums = {
        name: collector.numbers(f"kafka.consumer.{name}")
        for name in ("records_consumed_total", "bytes_consumed_total")
    }
    assert sums == {
        "records_consumed_total": {frozenset({CLIENT, TOPIC}): 225},
        "bytes_consumed_total": {frozenset({CLIENT, TOPIC}): 22500},
    }

    consumer.incremental_unassign([TopicPartition("orders", 0)])
    wait_until(
        lambda: set(of_partitions("records_lag")) == {"1"},
        deadline_s=20,
        describe="the end of the revoked partition's series",
    )
    consumer.close()
    bridge.close()
    assert collector.metrics() == {}


@pytest.fixture(scope="module")
def documents(bootstrap: str) -> dict[Role, str]:
    """What a real producer's and a real group member's ``stats_cb`` were given."""
    produced: list[str] = []
    consumed: list[str] = []
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "client.id": "billing",
            "statistics.interval.ms": 100,
            "stats_cb": produced.append,
        }
    )

    def produce() -> bool:
        producer.produce("invoices", b"x" * 100)
        producer.poll(0.02)
        return bool(produced) and _has_batches(produced[-1])

    wait_until(produce, deadline_s=20, describe="statistics of an interval with batches")
    consumer = consumer_of(bootstrap, stats_cb=consumed.append)
    consumer.subscribe(["orders"])

    def consume() -> bool:
        consumer.poll(0.02)
        if not consumer.assignment():
            return False
        consumer.commit(offsets=[TopicPartition("orders", 0, 7)], asynchronous=False)
        return bool(consumed) and _reads_and_commits(consumed[-1])

    wait_until(
        consume, deadline_s=40, describe="statistics of a group member that reads and commits"
    )
    document = consumed[-1]
    consumer.close()
    return {"producer": produced[-1], "consumer": document}


def _has_batches(document: str) -> bool:
    statistics = parse_statistics(document)
    return any(topic.fields["batchcnt"]["cnt"] for topic in statistics.topics)


def _reads_and_commits(document: str) -> bool:
    statistics = parse_statistics(document)
    partitions = [fields for topic in statistics.topics for _, fields in topic.partitions]
    return any(lead(fields) for fields in partitions) and any(
        requests(broker, ("OffsetCommit",)) for broker in statistics.brokers
    )


Collect = Callable[[str, Role], Collector]


@pytest.fixture
def collect() -> Iterator[Collect]:
    """Give a document to a bridge that lives as long as the test, under an SDK of its own."""
    living: list[StatisticsBridge] = []

    def give(document: str, role: Role) -> Collector:
        collector = new_collector()
        living.append(statistics_bridge(collector.provider, role))
        living[-1](document)
        return collector

    yield give
    assert living


def test_a_real_producer_fills_every_metric_but_the_throttle_times(
    documents: dict[Role, str], collect: Collect
) -> None:
    """Every row reads a field that librdkafka has; the mock cluster throttles nobody."""
    metrics = collect(documents["producer"], "producer").metrics()

    names = {f"kafka.producer.{metric.name}" for metric in STATISTICS_METRICS["producer"]}
    windows = {name for name in names if "throttle" in name or "latency" in name}
    assert names - windows <= set(metrics) <= names
    assert {metric.unit for metric in metrics.values()} == {""}


def test_a_real_group_member_fills_every_metric_but_the_throttle_times(
    documents: dict[Role, str], collect: Collect
) -> None:
    """Every row reads a field that librdkafka has, coordinator and group among them."""
    collector = collect(documents["consumer"], "consumer")
    metrics = collector.metrics()

    names = {f"kafka.consumer.{metric.name}" for metric in STATISTICS_METRICS["consumer"]}
    windows = {name for name in names if "throttle" in name or "latency" in name}
    assert names - windows <= set(metrics) <= names
    only = {frozenset({CLIENT})}
    for name in ("commit_total", "join_total", "sync_total", "fetch_total", "rebalance_total"):
        points = collector.numbers(f"kafka.consumer.{name}")
        assert set(points) == only
        assert all(value >= 1 for value in points.values()), name
    assert collector.numbers("kafka.consumer.assigned_partitions") == {frozenset({CLIENT}): 4}
    nodes = {
        dict(attributes)["node-id"]
        for attributes in collector.numbers("kafka.consumer.request_total")
    }
    # Broker 1 or 2 coordinates the group, on a connection of its own.
    assert nodes in (
        {"node-1", "node-2", "node-2147483646"},
        {"node-1", "node-2", "node-2147483645"},
    )


def document_of(**fields: object) -> str:
    """Write a document with a client's names and these fields."""
    return json.dumps({"name": "billing#consumer-1", "client_id": "billing", **fields})


def test_connections_are_named_as_in_java(collect: Collect) -> None:
    """Bootstrap connections count down from -1, coordinators from 2³¹-1; others have no name."""
    brokers = [
        {"nodeid": -1, "source": "configured", "nodename": "a:1", "tx": 1},
        {"nodeid": -1, "source": "configured", "nodename": "b:1", "tx": 2},
        {"nodeid": 7, "source": "learned", "nodename": "c:1", "tx": 3},
        {"nodeid": 7, "source": "learned", "nodename": "c:1", "tx": 99},
        {"nodeid": -1, "source": "logical", "nodename": "c:1", "tx": 4},
        {"nodeid": -1, "source": "logical", "nodename": "", "tx": 5},
        {"nodeid": -1, "source": "internal", "nodename": "", "tx": 6},
    ]
    document = document_of(brokers={str(n): broker for n, broker in enumerate(brokers)})

    numbers = collect(document, "consumer").numbers("kafka.consumer.request_total")

    assert {dict(attributes)["node-id"]: value for attributes, value in numbers.items()} == {
        "node--1": 1,
        "node--2": 2,
        "node-7": 3,
        "node-2147483640": 4,
    }


def test_window_statistics_of_brokers_and_topics_are_merged(collect: Collect) -> None:
    """A mean weighs each window by its values; microseconds become milliseconds."""
    document = document_of(
        brokers={
            "a": {"int_latency": {"cnt": 3, "sum": 9000, "max": 5000, "avg": 3000}},
            "b": {"int_latency": {"cnt": 1, "sum": 1000, "max": 1000, "avg": 1000}},
            "c": {"int_latency": {"cnt": 0, "sum": 0, "max": 0, "avg": 0}},
            "d": {"nodeid": 4, "rtt": {"cnt": 2, "avg": 1500, "max": 2000}},
        },
        topics={
            "t": {"batchsize": {"cnt": 1, "sum": 10, "max": 10}, "metadata_age": 2500},
            "u": {"batchsize": {"cnt": 4, "sum": 90, "max": 40}, "metadata_age": 0},
        },
        msg_size=100,
        msg_size_max=1000,
    )

    collector = collect(document, "producer")

    def value(name: str) -> list[float]:
        return list(collector.numbers(f"kafka.producer.{name}").values())

    assert value("record_queue_time_avg") == [2.5]
    assert value("record_queue_time_max") == [5.0]
    assert value("request_latency_avg") == [1.5]
    assert value("request_latency_max") == [2.0]
    assert value("batch_size_avg") == [20.0]
    assert value("batch_size_max") == [40.0]
    assert value("metadata_age") == [2.5]
    assert value("buffer_available_bytes") == [900.0]
    assert value("produce_throttle_time_avg") == []
    assert value("produce_throttle_time_max") == []


@pytest.mark.parametrize(
    ("partition", "expected"),
    [
        # Read 5 more than was committed: Java's lag is from the position.
        ({"app_offset": 95, "committed_offset": 90, "consumer_lag": 10}, 5),
        ({"app_offset": 95, "stored_offset": 95, "consumer_lag_stored": 5, "ls_offset": 0}, 5),
        # Nothing read yet: from the committed offset.
        ({"app_offset": -1001, "committed_offset": 90, "consumer_lag": 10}, 10),
        # The end is the last stable offset, as librdkafka's default isolation level has it.
        ({"app_offset": 95, "ls_offset": 97, "hi_offset": 100}, 2),
        ({"app_offset": 95, "ls_offset": -1001, "hi_offset": 100}, 5),
        ({"app_offset": 100, "committed_offset": 100, "consumer_lag": 0, "ls_offset": 100}, 0),
        ({"app_offset": 101, "ls_offset": 100}, 0),
        ({"app_offset": -1001, "committed_offset": -1001, "ls_offset": 100}, None),
        ({"app_offset": 95, "ls_offset": -1001, "hi_offset": -1001}, None),
    ],
)
def test_lag_is_counted_from_the_position(
    partition: dict[str, int], expected: float | None
) -> None:
    """It is what is left to read, or nothing where the position or the end is unknown."""
    assert lag(partition) == expected


def test_lead_is_counted_from_the_start() -> None:
    """It is what retention may still delete before the position, or nothing if unknown."""
    assert lead({"app_offset": 95, "lo_offset": 90}) == 5
    assert lead({"app_offset": -1001, "lo_offset": 90}) is None


def test_the_time_since_a_rebalance_needs_a_rebalance(collect: Collect) -> None:
    """Before the first one there is no point."""
    name = "kafka.consumer.last_rebalance_seconds_ago"
    before = collect(document_of(cgrp={"rebalance_age": 1500, "rebalance_cnt": 0}), "consumer")
    after = collect(document_of(cgrp={"rebalance_age": 1500, "rebalance_cnt": 2}), "consumer")

    assert before.numbers(name) == {}
    assert after.numbers(name) == {frozenset({CLIENT}): 1.5}


def test_a_broker_that_leaves_does_not_take_its_sum_along() -> None:
    """The sum stays, and grows on from there."""
    collector = new_collector()
    bridge = statistics_bridge(collector.provider, "consumer")

    def total(*disconnects: int) -> float:
        brokers = {str(n): {"disconnects": each} for n, each in enumerate(disconnects)}
        bridge(document_of(brokers=brokers))
        (value,) = collector.numbers("kafka.consumer.connection_close_total").values()
        return value

    assert [total(5, 7), total(6), total(8)] == [12, 12, 14]


@given(st.lists(st.integers(0, 2**53)))
def test_a_continuous_sum_grows_by_what_the_sum_grew(values: list[int]) -> None:
    """It never falls, and adds every growth once."""
    continuous = _Continuous()
    before = grown = 0.0
    for value in values:
        grown += max(0.0, value - before)
        before = value
        assert continuous.carry_on(value) == pytest.approx(grown)


def test_clients_that_share_a_client_id_are_told_apart() -> None:
    """The first has the id, the next librdkafka's own name, which is unique in the process."""
    collector = new_collector()
    bridges = [statistics_bridge(collector.provider, "consumer") for _ in range(3)]
    for number, bridge in enumerate(bridges):
        client_id = "rdkafka" if number == 2 else "billing"
        bridge(json.dumps({"name": f"{client_id}#consumer-{number}", "client_id": client_id}))
    name = "kafka.consumer.connection_count"
    expected = {"billing", "billing#consumer-1", "rdkafka#consumer-2"}
    assert {dict(attributes)["client-id"] for attributes in collector.numbers(name)} == expected

    bridges[0].close()
    bridges[1](json.dumps({"name": "billing#consumer-1", "client_id": "billing"}))

    expected = {"billing#consumer-1", "rdkafka#consumer-2"}
    assert {dict(attributes)["client-id"] for attributes in collector.numbers(name)} == expected


def test_series_end_with_their_client() -> None:
    """A bridge to which nothing refers any more is not collected."""
    collector = new_collector()
    bridge = statistics_bridge(collector.provider, "producer")
    bridge(document_of(msg_size_max=1))
    assert collector.metrics() != {}

    del bridge
    gc.collect()
    assert collector.metrics() == {}


def test_a_document_after_close_is_ignored() -> None:
    """A client may serve one more while the client closes."""
    collector = new_collector()
    bridge = statistics_bridge(collector.provider, "producer")
    bridge.close()
    bridge(document_of(msg_size_max=1))

    assert collector.metrics() == {}


def test_without_an_sdk_no_document_is_kept() -> None:
    """There is nobody who would read it."""
    bridge = statistics_bridge(NoOpMeterProvider(), "producer")
    bridge(document_of(msg_size_max=1))

    assert bridge._document is None


def test_clients_of_one_provider_share_instruments_without_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Producers and consumers in any number leave the SDK nothing to say about duplicates."""
    collector = new_collector()
    roles: list[Role] = ["producer", "consumer", "producer", "consumer"]
    with caplog.at_level(logging.DEBUG):
        bridges = [statistics_bridge(collector.provider, role) for role in roles]

    assert len(bridges) == 4
    assert caplog.messages == []


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.text() | JSON.map(json.dumps))
def test_no_document_raises(document: str) -> None:
    """Whatever text comes, the collection goes through."""
    collector = new_collector()
    for role in STATISTICS_METRICS:
        bridge = statistics_bridge(collector.provider, role)
        bridge(document)
        assert isinstance(collector.metrics(), dict)


@given(st.data())
def test_no_wrong_field_raises(data: st.DataObject) -> None:
    """A real document in which any part is replaced by anything is read without harm."""
    document = json.loads(REAL)
    part: Any = document
    for _ in range(data.draw(st.integers(0, 5))):
        inner = part[data.draw(st.sampled_from(sorted(part)))]
        if not isinstance(inner, dict) or not inner:
            break
        part = inner
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(JSON)
    collector = new_collector()
    for role in STATISTICS_METRICS:
        bridge = statistics_bridge(collector.provider, role)
        bridge(json.dumps(document))
        assert isinstance(collector.metrics(), dict)


REAL: Final = document_of(
    brokers={
        "a:1/1": {
            "nodeid": 1,
            "nodename": "a:1",
            "source": "learned",
            "state": "UP",
            "tx": 1,
            "rtt": {"cnt": 1, "avg": 3, "max": 3, "sum": 3},
            "int_latency": {"cnt": 1, "avg": 3, "max": 3, "sum": 3},
            "req": {"Fetch": 1},
        },
        "GroupCoordinator": {"nodeid": -1, "nodename": "a:1", "source": "logical"},
    },
    topics={
        "t": {
            "batchsize": {"cnt": 1, "sum": 10, "max": 10},
            "metadata_age": 1,
            "partitions": {
                "0": {"desired": True, "app_offset": 3, "ls_offset": 4, "lo_offset": 1},
                "-1": {"desired": False},
            },
        }
    },
    cgrp={"rebalance_age": 1, "rebalance_cnt": 1, "assignment_size": 1},
    msg_size=1,
    msg_size_max=2,
)


def test_a_bad_document_ends_the_points_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Old figures are not told as new ones; the next good document brings points again."""
    collector = new_collector()
    bridge = statistics_bridge(collector.provider, "producer")
    bridge(REAL)
    assert collector.metrics() != {}
    for document in ("{", "[]"):
        bridge(document)
        assert collector.metrics() == {}
    bridge(REAL)
    assert collector.metrics() != {}

    assert len(caplog.messages) == 1
    assert "'billing'" in caplog.messages[0]


def test_parsing_waits_for_a_collection(caplog: pytest.LogCaptureFixture) -> None:
    """In the client's thread a document costs nothing; one that nobody collects is not parsed."""
    collector = new_collector()
    bridge = statistics_bridge(collector.provider, "producer")
    bridge("not JSON")
    bridge(REAL)

    assert collector.metrics() != {}
    assert caplog.messages == []


def test_documents_may_come_while_others_collect() -> None:
    """Two collectors and two clients at once: every collection is whole."""
    collector = new_collector()
    bridges = [statistics_bridge(collector.provider, "producer") for _ in range(2)]
    stop = threading.Event()

    def feed(bridge: StatisticsBridge, name: str) -> None:
        while not stop.is_set():
            bridge(json.dumps({"client_id": name, "name": name, "msg_size_max": 1}))

    threads = [
        threading.Thread(target=feed, args=(bridge, f"c{number}"))
        for number, bridge in enumerate(bridges)
    ]
    for thread in threads:
        thread.start()
    try:
        wait_until(
            lambda: len(collector.numbers("kafka.producer.buffer_total_bytes")) == 2,
            deadline_s=20,
            describe="both clients",
        )
        seen = [collector.numbers("kafka.producer.buffer_total_bytes") for _ in range(50)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert all(
        points == {frozenset({("client-id", "c0")}): 1, frozenset({("client-id", "c1")}): 1}
        for points in seen
    )


def test_a_child_forked_during_a_collection_collects_only_its_own_clients() -> None:
    """The child waits for no lock of the parent's threads, and leaves the parent's series."""
    collector = new_collector()
    bridge = statistics_bridge(collector.provider, "producer")
    bridge(REAL)
    shared = bridge._bridges
    assert shared is not None
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with shared._lock:
            held.set()
            release.wait(timeout=60)

    owner = threading.Thread(target=hold)
    owner.start()
    assert held.wait(timeout=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads: the point
        child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            own = statistics_bridge(collector.provider, "producer")
            own(json.dumps({"client_id": "child", "name": "child", "msg_size_max": 1}))
            points = collector.numbers("kafka.producer.buffer_total_bytes")
            os._exit(0 if set(points) == {frozenset({("client-id", "child")})} else 1)
        finally:
            os._exit(2)
    release.set()
    owner.join()

    assert os.waitpid(child, 0)[1] == 0


def test_numbers_that_librdkafka_cannot_have_count_as_absent() -> None:
    """Neither infinity nor what exceeds 64 bits nor a boolean becomes a value."""
    statistics = parse_statistics('{"msg_size_max": Infinity, "msg_size": 1e300, "name": 5}')
    values = [
        value
        for metric in STATISTICS_METRICS["producer"]
        if metric.name.startswith("buffer")
        for _, value in metric.read(statistics)
    ]

    assert values == [None]
    assert statistics.handle == ""
