"""Topics: how many partitions each has, and how many replicas have to be in sync."""

from collections.abc import Iterator

from kafkascope_exporter.metrics.family import Family
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.model import Snapshot


def families(snapshot: Snapshot, labels: Labels) -> Iterator[Family]:
    """Give ``kafka_topic_partitions{topic="orders"} 12``."""
    yield Family(
        "kafka_topic_partitions",
        "Partitions of a topic, with and without a leader.",
        [
            f"kafka_topic_partitions{labels.no_group}{labels.topics[name]}{len(topic.partitions)}"
            for name, topic in snapshot.topology.topics.items()
        ],
    )
    yield Family(
        "kafka_topic_min_in_sync_replicas",
        "Replicas that have to be in sync for a topic to be written to with acks=all.",
        [
            f"kafka_topic_min_in_sync_replicas{labels.no_group}{labels.topics[name]}{count}"
            for name, count in snapshot.min_in_sync.items()
            if name in labels.topics
        ],
    )
