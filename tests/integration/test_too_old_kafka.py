"""A Kafka that is too old for the exporter is named as such, with its version."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kafkascope_demo.localkafka import ClusterSpec, LocalKafka
from tests.integration.running import running_exporter, series
from tests.waiting import wait_until

pytestmark = [pytest.mark.versions, pytest.mark.timeout(600)]


@pytest.fixture
def too_old(tmp_path: Path) -> Iterator[LocalKafka]:
    """One broker of the last release before the oldest one that is supported."""
    kafka = LocalKafka(tmp_path / "kafka")
    kafka.up(ClusterSpec(nodes=1, version="0.10.2.2", mode="zookeeper"))
    yield kafka
    kafka.down()


def test_a_kafka_that_is_too_old_is_named_with_its_version(
    too_old: LocalKafka, tmp_path: Path
) -> None:
    """The log says at once what runs there and what is needed; the page says that it is not up."""
    reason = "the brokers are Kafka 0.10.2; the exporter needs 0.11 or later"

    with running_exporter(too_old.bootstrap_servers, tmp_path) as exporter:
        wait_until(
            lambda: reason in (tmp_path / "exporter.log").read_text(), 30, "the reason in the log"
        )
        page = exporter.scrape() or ""

    assert series(page, "kafka_exporter_up") == {(): 0.0}
    assert series(page, "kafka_brokers") == {}
    errors = series(page, "kafka_exporter_errors_total", code="UNSUPPORTED_VERSION")
    assert sum(errors.values()) > 0
