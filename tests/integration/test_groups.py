"""Groups and topics in every state that real ones get into."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from kafkascope_demo.localkafka import LocalKafka
from kafkascope_exporter.exposition import Renderer
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.model import Snapshot
from tests.integration.collecting import Cycles, collecting, fill
from tests.integration.commits import commit
from tests.integration.conftest import MakeTopic
from tests.integration.running import Series, series
from tests.waiting import wait_until

_DEADLINE_S = 60


@pytest.fixture
def cycles(kafka: LocalKafka) -> Iterator[Cycles]:
    """Collection from the shared cluster."""
    with collecting(kafka) as running:
        yield running


@contextmanager
def member(kafka: LocalKafka, group: str, topic: str, **properties: str) -> Iterator[Consumer]:
    """A consumer that wants to be a member of its group; see `assigned`."""
    settings: dict[str, Any] = {
        **kafka.client_properties(),
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        **{name.replace("_", "."): value for name, value in properties.items()},
    }
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    try:
        yield consumer
    finally:
        consumer.close()


def assigned(*consumers: Consumer, partitions: int) -> None:
    """Serve the consumers until each is assigned so many partitions."""

    def all_are() -> bool:
        for consumer in consumers:
            consumer.poll(0.1)
        return all(len(consumer.assignment()) == partitions for consumer in consumers)

    wait_until(all_are, _DEADLINE_S, f"{partitions} partitions for each member")


def page_of(snapshot: Snapshot) -> str:
    """The page that is rendered of a snapshot."""
    return b"".join(Renderer(Rendering()).render([snapshot]).identity).decode()


def lag_of(snapshot: Snapshot, group: str) -> Series:
    """The group's lag series."""
    return series(page_of(snapshot), "kafka_consumergroup_lag", consumergroup=group)


def lags(snapshot: Snapshot, group: str) -> dict[str, float]:
    """The group's lag by partition."""
    return {dict(labels)["partition"]: lag for labels, lag in lag_of(snapshot, group).items()}


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_live_group_has_its_members_and_lag(
    kafka: LocalKafka,
    make_topic: MakeTopic,
    group: str,
    producer: Producer,
    cycles: Cycles,
    protocol: str,
) -> None:
    """Two members of a classic or KIP-848 group are two, and their commits give the lag."""
    topic = make_topic(partitions=2)
    fill(producer, topic, [5, 7])
    with (
        member(kafka, group, topic, group_protocol=protocol) as first,
        member(kafka, group, topic, group_protocol=protocol) as second,
    ):
        assigned(first, second, partitions=1)
        for consumer in (first, second):
            partition = consumer.assignment()[0].partition
            consumer.commit(offsets=[TopicPartition(topic, partition, 2)], asynchronous=False)
        snapshot = cycles.snapshot()
    assert snapshot.groups[group].members == 2
    assert snapshot.groups[group].type == protocol
    assert lags(snapshot, group) == {"0": 3, "1": 5}


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_only_assigned_partitions_are_shown_with_show_all_off(
    kafka: LocalKafka,
    make_topic: MakeTopic,
    group: str,
    producer: Producer,
    admin: AdminClient,
    protocol: str,
) -> None:
    """A commit that no member is assigned any more is left out, as danielqsj leaves it out."""
    former, topic = make_topic(), make_topic()
    fill(producer, former, [4])
    fill(producer, topic, [6])
    commit(admin, group, former, {0: 1})
    with (
        collecting(kafka, show_all_offsets=False) as cycles,
        member(kafka, group, topic, group_protocol=protocol) as consumer,
    ):
        assigned(consumer, partitions=1)
        consumer.commit(offsets=[TopicPartition(topic, 0, 2)], asynchronous=False)
        snapshot = cycles.snapshot()
        rendered = Renderer(Rendering(show_all_offsets=False)).render([snapshot])
    page = b"".join(rendered.identity).decode()
    shown = series(page, "kafka_consumergroup_lag", consumergroup=group)
    assert [(dict(labels)["topic"], lag) for labels, lag in shown.items()] == [(topic, 4)]


def test_a_group_without_members_keeps_its_lag(
    make_topic: MakeTopic, group: str, producer: Producer, admin: AdminClient, cycles: Cycles
) -> None:
    """Commits outlive the members; partitions without a commit have no series."""
    topic = make_topic(partitions=3)
    fill(producer, topic, [3, 3, 3])
    commit(admin, group, topic, {0: 1, 2: 3})
    snapshot = cycles.snapshot()
    assert snapshot.groups[group].members == 0
    assert snapshot.groups[group].state == "Empty"
    assert lags(snapshot, group) == {"0": 2, "2": 0}


def test_a_commit_below_the_log_start_counts_to_the_end_of_the_log(
    make_topic: MakeTopic, group: str, producer: Producer, admin: AdminClient, cycles: Cycles
) -> None:
    """Records deleted past the commit: lag stays end minus commit, as danielqsj has it."""
    topic = make_topic()
    fill(producer, topic, [10])
    commit(admin, group, topic, {0: 2})
    (deleted,) = admin.delete_records([TopicPartition(topic, 0, 6)]).values()
    deleted.result(30)
    snapshot = cycles.snapshot()
    assert (snapshot.start[topic], snapshot.end[topic]) == ({0: 6}, {0: 10})
    assert lags(snapshot, group) == {"0": 8}


def test_a_topic_created_anew_with_fewer_partitions_keeps_nothing_of_the_old_one(
    make_topic: MakeTopic, group: str, producer: Producer, admin: AdminClient, cycles: Cycles
) -> None:
    """The next cycle has the new topic's partitions and offsets only; the old commits go."""
    topic = make_topic(partitions=3)
    fill(producer, topic, [9, 9, 9])
    commit(admin, group, topic, {0: 4, 1: 4, 2: 4})
    assert lags(cycles.snapshot(), group) == {"0": 5, "1": 5, "2": 5}
    admin.delete_topics([topic])[topic].result(30)
    gone = cycles.until(lambda s, _: topic not in s.topology.topics, _DEADLINE_S, "no topic")
    assert topic not in gone.end
    assert lag_of(gone, group) == {}
    make_topic(topic, partitions=1)
    fill(producer, topic, [2])
    again = cycles.until(lambda s, _: s.end.get(topic) == {0: 2}, _DEADLINE_S, "the new topic")
    assert [p.id for p in again.topology.topics[topic].partitions] == [0]
    assert lags(again, group) in ({}, {"0": 0})


def test_partitions_that_were_added_are_told_in_the_next_cycle(
    make_topic: MakeTopic, producer: Producer, admin: AdminClient, cycles: Cycles
) -> None:
    """Two partitions more, two series more."""
    topic = make_topic()
    fill(producer, topic, [1])
    assert cycles.snapshot().end[topic] == {0: 1}
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
    told = cycles.until(
        lambda s, _: len(s.topology.topics[topic].partitions) == 3, _DEADLINE_S, "three partitions"
    )
    full = cycles.until(lambda s, _: s.end[topic] == {0: 1, 1: 0, 2: 0}, _DEADLINE_S, "offsets")
    assert told.topology.topics[topic].partitions == full.topology.topics[topic].partitions


def test_a_deleted_group_is_gone_in_the_next_cycle(
    make_topic: MakeTopic, group: str, producer: Producer, admin: AdminClient, cycles: Cycles
) -> None:
    """No series of it stays, held or otherwise."""
    topic = make_topic()
    fill(producer, topic, [1])
    commit(admin, group, topic, {0: 1})
    assert group in cycles.snapshot().groups
    admin.delete_consumer_groups([group])[group].result(30)
    assert group not in cycles.snapshot().groups


HOSTILE = 'quote " backslash \\ newline \n tab \t <b>&amp;</b> {a="b"} # Zürich 東京 🦜'


def test_hostile_group_and_client_ids_come_out_as_they_are(
    kafka: LocalKafka, make_topic: MakeTopic, group: str, producer: Producer, cycles: Cycles
) -> None:
    """Quotes, backslashes, newlines, UTF-8 and HTML survive the page and a parser."""
    topic = make_topic()
    fill(producer, topic, [3])
    name = f"{group} {HOSTILE}"
    with member(kafka, name, topic, client_id=HOSTILE) as consumer:
        assigned(consumer, partitions=1)
        consumer.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False)
        snapshot = cycles.snapshot()
    assert snapshot.groups[name].members == 1
    assert lags(snapshot, name) == {"0": 2}


def test_topic_names_of_every_legal_kind_come_out_as_they_are(
    make_topic: MakeTopic, group: str, producer: Producer, admin: AdminClient, cycles: Cycles
) -> None:
    """Dots, underscores, dashes, digits, and 249 characters."""
    stem = group.replace("[", "").replace("]", "")[-40:]
    names = [f"{stem}.a.b", f"{stem}-c_d", f"0{stem}", (stem + "x" * 249)[:249]]
    for name in names:
        make_topic(name)
        fill(producer, name, [2])
        commit(admin, group, name, {0: 1})
    snapshot = cycles.snapshot()
    shown = {dict(labels)["topic"]: lag for labels, lag in lag_of(snapshot, group).items()}
    assert shown == dict.fromkeys(names, 1)
