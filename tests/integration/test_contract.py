"""Every metric of the contract, on real brokers, against what the test itself made of them.

`make test-versions` runs this on each Kafka release in docs/compatibility.md.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from kafkascope_demo.exporterprocess import ExporterProcess
from kafkascope_demo.localkafka import LocalKafka
from tests.integration.commits import commit
from tests.integration.conftest import MakeTopic
from tests.integration.running import running_exporter, series
from tests.integration.topics import in_sync
from tests.waiting import wait_until

PARTITIONS = 3
MESSAGES = 10
FIRST_WITH_CONSUMER_PROTOCOL = (4, 0)

Values = Mapping[str, Mapping[str, float]]
"""Metric name → partition (or topic, group, broker id) → value."""


def told(exporter: ExporterProcess, wanted: Values, label: str, **labels: str) -> Values:
    """Give what the exporter says of the metrics in ``wanted``, by the label ``label``."""
    page = exporter.scrape() or ""
    return {
        name: {dict(key)[label]: value for key, value in series(page, name, **labels).items()}
        for name in wanted
    }


def wait_for(exporter: ExporterProcess, wanted: Values, label: str, **labels: str) -> None:
    """Wait until the exporter says exactly ``wanted``, no series more or less."""

    def said() -> bool:
        found = told(exporter, wanted, label, **labels)
        assert found == wanted, f"{found} instead of {wanted}"
        return True

    wait_until(said, 40, "what the exporter should say")


def fill(producer: Producer, topic: str) -> None:
    """Write `MESSAGES` into each partition."""
    for partition in range(PARTITIONS):
        for _ in range(MESSAGES):
            producer.produce(topic, b"x", partition=partition)
    assert producer.flush(60) == 0


def each(value: float) -> dict[str, float]:
    """Give the same value for every partition."""
    return {str(partition): value for partition in range(PARTITIONS)}


@contextmanager
def members(properties: Mapping[str, Any], topic: str, count: int) -> Iterator[list[Consumer]]:
    """Let ``count`` consumers join a group, and wait until all partitions are assigned."""
    joined = [Consumer({**properties}) for _ in range(count)]
    try:
        for member in joined:
            member.subscribe([topic])

        def assigned() -> bool:
            for member in joined:
                member.poll(0.1)
            counts = [len(member.assignment()) for member in joined]
            return sum(counts) == PARTITIONS and all(counts)

        wait_until(assigned, 90, "an assignment")
        yield joined
    finally:
        for member in joined:
            member.close()


def test_brokers_are_counted_and_named(kafka: LocalKafka, tmp_path: Path) -> None:
    """``kafka_brokers``, and a ``kafka_broker_info`` for each."""
    addresses = {broker.address: str(broker.broker_id) for broker in kafka.status()}

    with running_exporter(kafka.bootstrap_servers, tmp_path) as exporter:
        wait_for(exporter, {"kafka_broker_info": dict.fromkeys(addresses, 1.0)}, "address")
        page = exporter.scrape() or ""

    assert series(page, "kafka_brokers") == {(): 3.0}
    found = (dict(key) for key in series(page, "kafka_broker_info"))
    assert {labels["address"]: labels["id"] for labels in found} == addresses


def test_partitions_show_their_offsets_leaders_and_replicas(
    kafka: LocalKafka,
    admin: AdminClient,
    make_topic: MakeTopic,
    producer: Producer,
    tmp_path: Path,
) -> None:
    """Every ``kafka_topic_*`` metric, after messages were written and some were deleted."""
    topic = make_topic(partitions=PARTITIONS, replication=3)
    fill(producer, topic)
    deleted = admin.delete_records([TopicPartition(topic, 1, 4)])
    for answer in deleted.values():
        answer.result(30)
    metadata = admin.list_topics(topic, timeout=10).topics[topic].partitions
    leaders = {str(number): float(p.leader) for number, p in metadata.items()}
    preferred = {str(n): float(p.leader == p.replicas[0]) for n, p in metadata.items()}

    with running_exporter(kafka.bootstrap_servers, tmp_path, [f"--topic.filter={topic}"]) as run:
        wanted = {
            "kafka_topic_partition_current_offset": each(MESSAGES),
            "kafka_topic_partition_oldest_offset": {**each(0), "1": 4},
            "kafka_topic_partition_leader": leaders,
            "kafka_topic_partition_leader_is_preferred": preferred,
            "kafka_topic_partition_replicas": each(3),
            "kafka_topic_partition_in_sync_replica": each(3),
            "kafka_topic_partition_under_replicated_partition": each(0),
        }
        wait_for(run, wanted, "partition", topic=topic)
        wait_for(run, {"kafka_topic_partitions": {topic: PARTITIONS}}, "topic")
        page = run.scrape() or ""

    assert set(series(page, "kafka_exporter_missing").values()) == {0.0}
    assert series(page, "kafka_exporter_errors_total") == {}


def test_groups_with_members_show_them_and_their_lag(
    kafka: LocalKafka,
    make_topic: MakeTopic,
    producer: Producer,
    unique_name: Callable[[], str],
    tmp_path: Path,
) -> None:
    """Two members and two commits; the lag stays when the members are gone. Also by KIP-848."""
    topic = make_topic(partitions=PARTITIONS)
    fill(producer, topic)
    with running_exporter(kafka.bootstrap_servers, tmp_path, [f"--topic.filter={topic}"]) as run:
        for protocol in protocols(kafka):
            group = unique_name()
            properties = {
                **kafka.client_properties(),
                "group.id": group,
                "enable.auto.commit": False,
                **({"group.protocol": protocol} if protocol != "classic" else {}),
            }
            with members(properties, topic, 2) as joined:
                for member in joined:
                    mine = [p for p in member.assignment() if p.partition < PARTITIONS - 1]
                    offsets = [TopicPartition(topic, p.partition, 3 + p.partition) for p in mine]
                    if offsets:
                        member.commit(offsets=offsets, asynchronous=False)
                _wait_for_members(run, group, 2)
                _wait_for_lag(run, group, topic)
            _wait_for_members(run, group, 0)
            _wait_for_lag(run, group, topic)


def protocols(kafka: LocalKafka) -> list[str]:
    """Give the group protocols that this release has switched on."""
    newer = ["consumer"] if kafka.spec.release >= FIRST_WITH_CONSUMER_PROTOCOL else []
    return ["classic", *newer]


def _wait_for_members(run: ExporterProcess, group: str, count: int) -> None:
    wanted = {"kafka_consumergroup_members": {group: float(count)}}
    wait_for(run, wanted, "consumergroup", consumergroup=group)


def _wait_for_lag(run: ExporterProcess, group: str, topic: str) -> None:
    offsets = {"0": 3.0, "1": 4.0}
    lags = {partition: MESSAGES - offset for partition, offset in offsets.items()}
    by_partition = {
        "kafka_consumergroup_current_offset": offsets,
        "kafka_consumergroup_lag": lags,
    }
    by_topic = {
        "kafka_consumergroup_current_offset_sum": {topic: sum(offsets.values())},
        "kafka_consumergroup_lag_sum": {topic: sum(lags.values())},
    }
    wait_for(run, by_partition, "partition", consumergroup=group)
    wait_for(run, by_topic, "topic", consumergroup=group)


def test_groups_that_only_commit_show_their_lag(
    kafka: LocalKafka,
    admin: AdminClient,
    make_topic: MakeTopic,
    producer: Producer,
    group: str,
    tmp_path: Path,
) -> None:
    """A group without members has its lag, and a commit ahead of the log has none, not less."""
    topic = make_topic(partitions=PARTITIONS)
    fill(producer, topic)
    commit(admin, group, topic, {0: 4, 2: MESSAGES + 5})

    with running_exporter(kafka.bootstrap_servers, tmp_path, [f"--topic.filter={topic}"]) as run:
        wanted = {
            "kafka_consumergroup_current_offset": {"0": 4.0, "2": MESSAGES + 5.0},
            "kafka_consumergroup_lag": {"0": MESSAGES - 4.0, "2": 0.0},
        }
        wait_for(run, wanted, "partition", consumergroup=group)
        _wait_for_members(run, group, 0)


@pytest.mark.timeout(300)
def test_everything_is_there_again_when_leaders_and_coordinators_have_moved(
    breakable_kafka: LocalKafka,
    admin: AdminClient,
    make_topic: MakeTopic,
    producer: Producer,
    unique_name: Callable[[], str],
    tmp_path: Path,
) -> None:
    """One of three brokers is stopped, and started again: its replicas are missed meanwhile."""
    topic = make_topic(partitions=PARTITIONS, replication=3)
    fill(producer, topic)
    groups = [unique_name() for _ in range(6)]
    for group in groups:
        commit(admin, group, topic, {0: 1, 1: 2, 2: 3})
    wait_until(lambda: in_sync(admin, 3), 60, "all replicas in sync")
    victim = admin.list_topics(topic, timeout=10).topics[topic].partitions[0].leader
    servers = breakable_kafka.bootstrap_servers

    with running_exporter(servers, tmp_path, [f"--topic.filter={topic}"]) as run:
        lag = {"kafka_consumergroup_lag": {"0": 9.0, "1": 8.0, "2": 7.0}}
        for group in groups:
            wait_for(run, lag, "partition", consumergroup=group)
        breakable_kafka.stop_broker(victim)
        replication = {
            "kafka_topic_partition_replicas": each(3),
            "kafka_topic_partition_in_sync_replica": each(2),
            "kafka_topic_partition_under_replicated_partition": each(1),
            "kafka_topic_partition_current_offset": each(MESSAGES),
        }
        wait_for(run, replication, "partition", topic=topic)
        for group in groups:
            wait_for(run, lag, "partition", consumergroup=group)
        leaders = series(run.scrape() or "", "kafka_topic_partition_leader", topic=topic)
        assert len(leaders) == PARTITIONS
        assert victim not in leaders.values()
        breakable_kafka.start_broker(victim)
        whole = {
            "kafka_topic_partition_in_sync_replica": each(3),
            "kafka_topic_partition_under_replicated_partition": each(0),
        }
        wait_for(run, whole, "partition", topic=topic)
