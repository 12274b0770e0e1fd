"""A real Prometheus scrapes the exporter by the README's configuration, and Kafka's tool agrees."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from kafkascope_demo.exporterprocess import ExporterProcess
from kafkascope_demo.localkafka import LocalKafka
from tests.integration.conftest import MakeTopic
from tests.integration.running import running_exporter
from tests.integration.scraping import Prometheus
from tests.waiting import wait_until

README = Path(__file__).parents[2] / "README.md"
PARTITIONS = 3
PRODUCED = 30
COMMITTED = 3


def scrape_configs(target: str) -> str:
    """The README's `scrape_configs` block, aimed at ``target``."""
    blocks: list[str] = re.findall(r"```yaml\n(.*?)```", README.read_text(), flags=re.DOTALL)
    (block,) = [text for text in blocks if "scrape_configs" in text]
    assert "localhost:9308" in block
    return block.replace("localhost:9308", target)


@pytest.fixture
def exporter(kafka: LocalKafka, tmp_path: Path) -> Iterator[ExporterProcess]:
    """The exporter on the shared cluster."""
    with running_exporter(kafka.bootstrap_servers, tmp_path) as running:
        yield running


@pytest.fixture
def prometheus(exporter: ExporterProcess, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus that scrapes the exporter."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not on PATH")
    server = Prometheus(tmp_path, scrape_configs(exporter.url.removeprefix("http://")))
    yield server
    server.stop()


def told_by_kafka(kafka: LocalKafka, group: str) -> dict[str, int]:
    """Lag by partition, as Kafka's own consumer-groups tool reports it."""
    told = kafka.tool("consumer-groups", ["--describe", "--group", group])
    rows = [line.split() for line in told.stdout.splitlines() if line.strip()]
    header = next(row for row in rows if row[0] == "GROUP")
    partition, lag = header.index("PARTITION"), header.index("LAG")
    return {row[partition]: int(row[lag]) for row in rows if row[0] == group}


def told_by_prometheus(prometheus: Prometheus, group: str) -> dict[str, int]:
    """Lag by partition, as Prometheus stored it."""
    told = prometheus.query(f'kafka_consumergroup_lag{{consumergroup="{group}"}}')
    return {row["metric"]["partition"]: int(row["value"][1]) for row in told}


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_lag_in_prometheus_equals_what_kafkas_own_tool_reports(
    kafka: LocalKafka,
    prometheus: Prometheus,
    make_topic: MakeTopic,
    group: str,
    producer: Producer,
    protocol: str,
) -> None:
    """For classic and KIP-848 groups, while a member is there: same partitions, same lag."""
    topic = make_topic(partitions=PARTITIONS)
    for number in range(PRODUCED):
        producer.produce(topic, b"x", partition=number % PARTITIONS)
    producer.flush(30)
    properties: dict[str, Any] = {
        **kafka.client_properties(),
        "group.id": group,
        "group.protocol": protocol,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    member = Consumer(properties)
    member.subscribe([topic])
    try:
        wait_until(lambda: _assigned(member) == PARTITIONS, 60, "the assignment")
        commits = [TopicPartition(topic, p, COMMITTED + p) for p in range(PARTITIONS)]
        member.commit(offsets=commits, asynchronous=False)
        expected = told_by_kafka(kafka, group)
        assert expected == {"0": 7, "1": 6, "2": 5}

        wait_until(lambda: told_by_prometheus(prometheus, group) == expected, 30, f"lag {expected}")
        (members,) = prometheus.query(f'kafka_consumergroup_members{{consumergroup="{group}"}}')
        assert members["value"][1] == "1"
    finally:
        member.close()


def _assigned(member: Consumer) -> int:
    member.poll(0.1)
    return len(member.assignment())
