from dataclasses import replace

from kafkascope_exporter.metrics import topics
from kafkascope_exporter.metrics.rendering import Rendering
from tests.exporter.exposed import exposed
from tests.exporter.snapshots import healthy, leaderless


def test_partitions_of_each_topic_are_counted() -> None:
    """One series per topic."""
    assert exposed(topics.families, healthy())["kafka_topic_partitions"] == [
        '{topic="orders"} 3',
        '{topic="payments"} 1',
    ]


def test_partitions_without_a_leader_count() -> None:
    """A leaderless partition still exists."""
    assert '{topic="orders"} 3' in exposed(topics.families, leaderless())["kafka_topic_partitions"]


def test_constant_labels_are_in_alphabetical_order() -> None:
    """They stand before and after ``topic``."""
    rendering = Rendering(constant_labels={"zone": "z", "cluster": "c"})
    shown = exposed(topics.families, healthy(), rendering)["kafka_topic_partitions"]
    assert shown[0] == '{cluster="c",topic="orders",zone="z"} 3'


def test_the_replicas_that_have_to_be_in_sync_are_shown_where_they_are_known() -> None:
    """Of topics that are still there."""
    name = "kafka_topic_min_in_sync_replicas"
    assert exposed(topics.families, healthy())[name] == ['{topic="orders"} 2']
    gone = replace(healthy(), min_in_sync={"gone": 2})
    assert exposed(topics.families, gone)[name] == []
