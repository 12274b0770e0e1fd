"""The demo's producer and consumer on real brokers."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import LocalKafka
from kafkascope_demo.telemetryenvironment import Service
from tests.integration.conftest import MakeTopic
from tests.integration.services import RunningService, as_json, running_service
from tests.integration.topics import delete_topics
from tests.waiting import wait_until


class Start(Protocol):
    """Starts a service on a topic; further settings by name."""

    def __call__(self, service: Service, topic: str, **environment: str) -> RunningService:
        """Start it."""


pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def events(admin: AdminClient, unique_name: Callable[[], str]) -> Iterator[str]:
    """Name of a topic that the services make themselves."""
    name = unique_name()
    yield name
    there = admin.list_topics(timeout=10).topics
    delete_topics(admin, [topic for topic in there if topic.startswith(name)])


@pytest.fixture
def start(cluster: LocalKafka, group: str, tmp_path: Path) -> Iterator[Start]:
    """Starts services that end with the test: kind, topic, further settings."""
    with ExitStack() as stack:
        logs = (tmp_path / f"{number}.log" for number in range(100))

        def run(service: Service, topic: str, **environment: str) -> RunningService:
            settings = {"TOPIC": topic, "GROUP_ID": group, **environment}
            return stack.enter_context(running_service(service, cluster, next(logs), settings))

        yield run


def committed(kafka: LocalKafka, group: str, topic: str, partitions: int = 3) -> int:
    """Sum of a group's committed offsets."""
    consumer = Consumer({**kafka.client_properties(), "group.id": group})
    try:
        places = consumer.committed([TopicPartition(topic, n) for n in range(partitions)], 10)
    finally:
        consumer.close()
    return sum(max(0, place.offset) for place in places)


def members(admin: AdminClient, group: str) -> int:
    """How many members a group has."""
    return len(admin.describe_consumer_groups([group])[group].result(10).members)


def test_events_go_from_http_to_the_consumer(
    kafka: LocalKafka, admin: AdminClient, events: str, group: str, start: Start
) -> None:
    """Acknowledged, logged, counted, committed; topics are made on the way."""
    producer = start("producer", events)
    consumer = start("consumer", events)
    titles = [f"シン・Kafka {number}" for number in range(20)]
    answers = [producer.produce(title) for title in titles]
    assert {(answer.status_code, answer.text.strip()) for answer in answers} == {
        (200, '{"message":"ack"}')
    }
    wait_until(lambda: len(consumer.said()) == 20, 30, "every event to be logged")
    assert sorted(consumer.said()) == sorted(map(as_json, titles))
    assert producer.metrics().total("kafkascope_demo_produce_requests_total", outcome="acked") == 20
    page = consumer.metrics()
    assert page.total("kafkascope_demo_consumed_total", outcome="processed") == 20
    assert page.total("kafkascope_demo_end_to_end_duration_seconds_count") == 20
    assert page.total("kafkascope_demo_assigned_partitions") == consumer.partitions() == 3
    wait_until(lambda: committed(kafka, group, events) == 20, 10, "the commit")
    wait_until(lambda: consumer.health()[1]["data"]["state"] == "idle", 10, "it to be idle")
    assert producer.health() == (200, {"name": "kafka", "status": "UP", "data": {}})
    topic = admin.list_topics(timeout=10).topics[events]
    assert [len(found.replicas) for found in topic.partitions.values()] == [3, 3, 3]
    assert (producer.end(), consumer.end()) == (0, 0)
    assert members(admin, group) == 0
    for service in (producer, consumer):
        assert "Traceback" not in service.text()


def test_java_text_and_keys_are_a_setting(kafka: LocalKafka, events: str, start: Start) -> None:
    """As the talk's Java has it; the key is a field of the event."""
    settings = {"PAYLOAD_FORMAT": "java-tostring", "KEY": "title", "PARTITIONS": "1"}
    producer = start("producer", events, **settings)
    consumer = start("consumer", events)
    assert producer.produce("a").status_code == 200
    wait_until(consumer.said, 30, "the event to be logged")
    java = "Event [title=a, speaker=Shuhei Kawamura, date=2024-04-10 19:00]"
    assert consumer.said() == [java]
    (record,) = read(kafka, events, 1)
    assert record.key() == b"a"
    assert record.value() == java.encode()


def read(kafka: LocalKafka, topic: str, count: int, partitions: int = 1) -> list[Any]:
    """Read so many records of a topic from its beginning."""
    consumer = Consumer({**kafka.client_properties(), "group.id": "unused"})
    try:
        consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(partitions)])
        found = consumer.consume(count, 20)
    finally:
        consumer.close()
    assert len(found) == count
    return found


def test_poison_goes_to_the_dead_letter_topic(
    kafka: LocalKafka, events: str, group: str, start: Start, producer: Producer
) -> None:
    """With where it came from and why; events around it are processed, and the offset moves on."""
    consumer = start("consumer", events, PARTITIONS="1")
    wait_until(lambda: consumer.partitions() == 1, 30, "the assignment")
    headers: list[tuple[str, str | bytes | None]] = [("tenant", b"a"), ("traceparent", b"00-x")]
    producer.produce(events, as_json("before").encode(), partition=0)
    producer.produce(events, b"\xff", b"key", partition=0, headers=headers)
    producer.produce(events, None, partition=0)
    producer.produce(events, as_json("after").encode(), partition=0)
    producer.flush(20)
    wait_until(lambda: committed(kafka, group, events, 1) == 4, 30, "the commit")
    assert consumer.said() == [as_json("before"), as_json("after")]
    page = consumer.metrics()
    counted = page.by("reason", "kafkascope_demo_dead_lettered_total")
    assert {reason: value for reason, value in counted.items() if value} == {
        "not_utf8": 1,
        "empty": 1,
    }
    assert page.total("kafkascope_demo_consumed_total", outcome="dead_lettered") == 2
    first, second = read(kafka, f"{events}.dead-letter", 2)
    assert (first.value(), first.key(), second.value()) == (b"\xff", b"key", None)
    told = {name: value.decode() for name, value in first.headers()}
    assert int(told.pop("kafkascope.dead-letter.timestamp")) <= time.time() * 1000
    assert told == {
        "tenant": "a",
        "kafkascope.dead-letter.reason": "not_utf8",
        "kafkascope.dead-letter.detail": "this is not UTF-8: invalid start byte",
        "kafkascope.dead-letter.topic": events,
        "kafkascope.dead-letter.partition": "0",
        "kafkascope.dead-letter.offset": "1",
        "kafkascope.dead-letter.group": group,
    }


def test_a_dead_letter_that_cannot_be_written_holds_its_record_back(
    kafka: LocalKafka, make_topic: MakeTopic, group: str, start: Start, producer: Producer
) -> None:
    """It is never skipped: the group's offset stays before it."""
    topic = make_topic()
    producer.produce(topic, b"poison")
    producer.flush(20)
    refusing = make_topic(config={"max.message.bytes": "10"})
    consumer = start("consumer", topic, DEAD_LETTER_TOPIC=refusing, STUCK_AFTER_SECONDS="3")
    told = "a dead letter is not written; its record is read again"
    wait_until(lambda: consumer.text().count(told) >= 2, 40, "the second try")
    wait_until(lambda: consumer.health()[0] == 503, 20, "it to count as stuck")
    assert committed(kafka, group, topic, 1) == 0


def test_a_delivery_that_fails_is_shown(make_topic: MakeTopic, start: Start) -> None:
    """503 with Kafka's reason: a compacted topic takes no record without a key."""
    producer = start("producer", make_topic(config={"cleanup.policy": "compact"}))
    answer = producer.produce("a")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["message"].startswith("Kafka did not take the event: Broker: ")
    page = producer.metrics()
    outcomes = page.by("outcome", "kafkascope_demo_produce_requests_total")
    assert {name: value for name, value in outcomes.items() if value} == {"delivery_failed": 1}


@contextmanager
def hanging(kafka: LocalKafka) -> Iterator[None]:
    """All brokers stand still, as in a long stop of a virtual machine."""
    kafka.pause_broker(*kafka.broker_ids)
    try:
        yield
    finally:
        kafka.resume_broker(*kafka.broker_ids)


def test_while_the_brokers_hang_the_producer_tells(
    breakable_kafka: LocalKafka, make_topic: MakeTopic, start: Start, tmp_path: Path
) -> None:
    """A full queue is a 503 at once, a late delivery after its time, a loss is counted."""
    topic = make_topic(replication=3)
    properties = tmp_path / "client.properties"
    properties.write_text("queue.buffering.max.messages=1\n")
    settings = {"DELIVERY_TIMEOUT_SECONDS": "3", "KAFKA_PROPERTIES_FILE": str(properties)}
    waiting = start("producer", topic, **settings)
    hasty = start("producer", topic, ACK="submitted", **settings)

    def lost() -> float | None:
        return hasty.metrics().total("kafkascope_demo_lost_after_submit_total")

    assert [service.produce("a").status_code for service in (waiting, hasty)] == [200, 200]
    read(breakable_kafka, topic, 2)
    with hanging(breakable_kafka):
        # Its queue holds one message, and has room again once the first one's report was read.
        wait_until(lambda: hasty.produce("b").status_code == 200, 10, "room in the queue")
        full = hasty.produce("c")
        assert (full.status_code, full.headers["Retry-After"]) == (503, "1")
        assert full.json() == {"message": "the queue to Kafka is full"}
        late = waiting.produce("d")
        assert late.status_code == 503
        assert late.json() == {"message": "Kafka did not take the event: Local: Message timed out"}
        wait_until(lambda: waiting.health()[0] == 503, 20, "it not to be healthy")
        wait_until(lambda: lost() == 1, 20, "the loss to be counted")
    assert "an event is lost that was acknowledged at submit" in hasty.text()
    wait_until(lambda: waiting.produce("e").status_code == 200, 40, "Kafka to take events again")
    wait_until(lambda: waiting.health()[0] == 200, 20, "it to be healthy again")


def test_without_kafka_the_producer_says_so_and_ends_in_order(tmp_path: Path) -> None:
    """It starts, answers 503 at both addresses, and SIGTERM ends it."""
    nowhere = "127.0.0.1:1"
    with running_service("producer", nowhere, tmp_path / "log", {}) as producer:
        answer = producer.produce("a")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json() == {"message": "topic ochacafe-event is not there yet"}
        status, check = producer.health()
        assert (status, check["data"]) == (503, {"reason": answer.json()["message"]})
        assert producer.end() == 0


def test_a_killed_consumer_loses_nothing(
    kafka: LocalKafka,
    events: str,
    group: str,
    start: Start,
    producer: Producer,
    tmp_path: Path,
) -> None:
    """Kill -9 in the middle of its work; another one has the rest, and little twice."""
    properties = tmp_path / "client.properties"
    properties.write_text("session.timeout.ms=6000\n")  # the least that brokers take
    settings = {"KAFKA_PROPERTIES_FILE": str(properties)}
    victim = start("consumer", events, **settings)
    wait_until(lambda: victim.partitions() == 3, 30, "the assignment")
    slow: dict[str, str | float] = {"processing": "slow", "delay_seconds": 0.01}
    assert requests.put(f"{victim.url}/faults", json=slow, timeout=10).ok
    titles = [f"event {number}" for number in range(600)]
    for title in titles:
        producer.produce(events, as_json(title).encode())
    producer.flush(30)
    wait_until(lambda: committed(kafka, group, events) > 0, 30, "its first commit")
    victim.process.send_signal(signal.SIGKILL)
    victim.process.wait(10)
    heir = start("consumer", events, **settings)
    wait_until(lambda: committed(kafka, group, events) == 600, 60, "the rest to be committed")
    first, second = victim.said(), heir.said()
    assert 0 < len(first) < 600
    assert set(first) | set(second) == set(map(as_json, titles))
    # Twice come those since the last commit: at most a second and what was under way.
    assert len(first) + len(second) - 600 < 250


def test_a_stuck_consumer_stays_in_its_group_and_goes_on_afterwards(
    kafka: LocalKafka,
    admin: AdminClient,
    events: str,
    group: str,
    start: Start,
    producer: Producer,
) -> None:
    """It is not healthy, commits nothing, and loses nothing."""
    consumer = start("consumer", events, STUCK_AFTER_SECONDS="3")
    wait_until(lambda: consumer.partitions() == 3, 30, "the assignment")
    assert requests.put(f"{consumer.url}/faults", json={"processing": "stuck"}, timeout=10).ok
    assert consumer.health()[0] == 200
    for number in range(30):
        producer.produce(events, as_json(f"event {number}").encode())
    producer.flush(20)
    wait_until(lambda: consumer.health()[0] == 503, 20, "it to count as stuck")
    assert consumer.health()[1]["data"]["state"] == "stuck"
    assert members(admin, group) == 1
    assert (consumer.said(), committed(kafka, group, events)) == ([], 0)
    requests.delete(f"{consumer.url}/faults", timeout=10)
    wait_until(lambda: committed(kafka, group, events) == 30, 20, "the rest to be committed")
    assert sorted(consumer.said()) == sorted(as_json(f"event {number}") for number in range(30))
    assert consumer.health()[0] == 200


def test_markers_of_transactions_do_not_count_as_records_to_read(
    kafka: LocalKafka, events: str, start: Start
) -> None:
    """They have offsets, and no consumer ever sees them: at the end of the log it is idle."""
    consumer = start("consumer", events, STUCK_AFTER_SECONDS="2")
    wait_until(lambda: consumer.partitions() == 3, 30, "the assignment")
    writer = Producer({**kafka.client_properties(), "transactional.id": events})
    writer.init_transactions(30)
    writer.begin_transaction()
    writer.produce(events, as_json("a").encode(), partition=0)
    writer.commit_transaction(30)
    wait_until(consumer.said, 30, "the event to be logged")

    def idle() -> bool:
        data = consumer.health()[1]["data"]
        return (data["state"], data["behind"]) == ("idle", 0)

    wait_until(idle, 20, "it to be idle")
