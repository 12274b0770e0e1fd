from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import LocalKafka
from tests.integration.conftest import MakeTopic
from tests.waiting import wait_until


def brokers_of(address: str) -> set[int]:
    """Ask one broker which brokers it knows."""
    return set(AdminClient({"bootstrap.servers": address}).list_topics(timeout=10).brokers)


def test_every_broker_answers_as_the_full_cluster(kafka: LocalKafka) -> None:
    """A cluster that is up has three running brokers that all know each other."""
    states = kafka.status()

    assert [broker.state for broker in states] == ["running"] * 3
    assert [brokers_of(broker.address) for broker in states] == [{1, 2, 3}] * 3


def test_what_is_produced_is_consumed(
    kafka: LocalKafka, topic: str, group: str, producer: Producer
) -> None:
    """The fixtures' topic, group and producer work together."""
    producer.produce(topic, b"hello")
    assert producer.flush(30) == 0

    consumer = Consumer(
        {**kafka.client_properties(), "group.id": group, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    message = wait_until(lambda: consumer.poll(1), 30, "the message")
    consumer.close()

    assert message is not None
    assert message.value() == b"hello"


def test_kafkas_own_tool_describes_a_topic(kafka: LocalKafka, make_topic: MakeTopic) -> None:
    """A tool runs on the cluster without being told its address."""
    name = make_topic(partitions=3, replication=3)

    done = kafka.tool("topics", ["--describe", "--topic", name])

    assert done.returncode == 0, done.stderr
    assert "PartitionCount: 3\tReplicationFactor: 3" in done.stdout


def test_a_stopped_broker_leaves_and_comes_back(breakable_kafka: LocalKafka) -> None:
    """A controlled stop removes the broker from the others' metadata; a start brings it back."""
    kafka = breakable_kafka
    first, second, _ = (broker.address for broker in kafka.status())

    kafka.stop_broker(2)
    assert [broker.state for broker in kafka.status()] == ["running", "stopped", "running"]
    wait_until(lambda: brokers_of(first) == {1, 3}, 30, "broker 2 gone from the metadata")

    kafka.start_broker(2)
    wait_until(lambda: brokers_of(second) == {1, 2, 3}, 30, "broker 2 to know all of them")


def test_a_frozen_broker_is_silent_until_it_is_resumed(breakable_kafka: LocalKafka) -> None:
    """A paused broker is seen as paused, and answers again once it is resumed."""
    kafka = breakable_kafka

    kafka.pause_broker(3)
    assert [broker.state for broker in kafka.status()] == ["running", "running", "paused"]

    kafka.resume_broker(3)
    kafka.wait_until_ready()
    assert [broker.state for broker in kafka.status()] == ["running"] * 3


def test_healing_makes_a_broken_cluster_whole(breakable_kafka: LocalKafka) -> None:
    """After the tests before this one all three brokers run."""
    assert [broker.state for broker in breakable_kafka.status()] == ["running"] * 3


CRASHING_WORKER = """
import os, sys
from pathlib import Path
from kafkascope_demo.localkafka import ClusterSpec
from tests.integration.shared_cluster import SharedCluster
kafka = SharedCluster(Path(sys.argv[1]), ClusterSpec(nodes=1)).acquire()
print(kafka.pid(1), flush=True)
sys.stdin.read()
"""


def test_a_worker_that_crashes_leaves_no_broker_behind(tmp_path: Path) -> None:
    """A test process that is killed while it is the only user takes its cluster with it."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", CRASHING_WORKER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as worker:
        assert worker.stdout is not None
        broker = int(worker.stdout.readline())
        assert psutil.pid_exists(broker)
        worker.send_signal(signal.SIGKILL)

    wait_until(lambda: not psutil.pid_exists(broker), 30, "the broker to be taken down")
    wait_until(lambda: not (tmp_path / "kafka").exists(), 30, "its data to be dropped")


def test_a_broker_number_that_does_not_exist_is_refused(kafka: LocalKafka) -> None:
    """The error names the brokers that there are."""
    with pytest.raises(Exception, match="there is no broker 4, only 1, 2, 3"):
        kafka.stop_broker(4)
