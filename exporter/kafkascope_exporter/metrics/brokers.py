"""Brokers: how many are alive, and where they are reached."""

from collections.abc import Iterator

from kafkascope_exporter.metrics.family import Family
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.model import Snapshot


def families(snapshot: Snapshot, labels: Labels) -> Iterator[Family]:
    """Give ``kafka_brokers 3`` and ``kafka_broker_info{address="a:9092",id="1"} 1``."""
    brokers = snapshot.topology.brokers
    yield Family(
        "kafka_brokers",
        "Brokers that are alive, as the metadata of the cluster names them.",
        [f"kafka_brokers{labels.of()}{len(brokers)}"],
    )
    yield Family(
        "kafka_broker_info",
        "Id and advertised address of a live broker; always 1.",
        [
            f"kafka_broker_info{labels.of(id=str(broker.id), address=broker.address)}1"
            for broker in brokers
        ],
    )
