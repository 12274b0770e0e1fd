from dataclasses import replace

from kafkascope_exporter.metrics import partitions
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.model import Partition, Topic, Topology
from tests.exporter.exposed import exposed
from tests.exporter.snapshots import healthy, leaderless, under_replicated

ORDERS_1 = '{partition="1",topic="orders"}'
OFFSETS = ("kafka_topic_partition_current_offset", "kafka_topic_partition_oldest_offset")
FLAGS = (
    "kafka_topic_partition_leader_is_preferred",
    "kafka_topic_partition_under_replicated_partition",
)


def test_a_healthy_partition_has_every_series() -> None:
    """Offsets, leader, replicas, ISR, and the two flags."""
    shown = exposed(partitions.families, healthy())
    values = {name: [v for v in lines if v.startswith(ORDERS_1)] for name, lines in shown.items()}
    assert values == {
        "kafka_topic_partition_current_offset": [f"{ORDERS_1} 17"],
        "kafka_topic_partition_oldest_offset": [f"{ORDERS_1} 5"],
        "kafka_topic_partition_leader": [f"{ORDERS_1} 2"],
        "kafka_topic_partition_replicas": [f"{ORDERS_1} 3"],
        "kafka_topic_partition_in_sync_replica": [f"{ORDERS_1} 3"],
        "kafka_topic_partition_leader_is_preferred": [f"{ORDERS_1} 1"],
        "kafka_topic_partition_under_replicated_partition": [f"{ORDERS_1} 0"],
        "kafka_topic_partition_offline": [f"{ORDERS_1} 0"],
        "kafka_topic_partition_under_min_isr": [f"{ORDERS_1} 0"],
    }


def test_a_partition_that_lost_a_replica_is_under_replicated() -> None:
    """Its leader may still be the preferred one; where it moved it is not."""
    shown = exposed(partitions.families, under_replicated())
    preferred, under_replicated_ = (shown[name] for name in FLAGS)
    assert f"{ORDERS_1} 1" in preferred
    assert '{partition="2",topic="orders"} 0' in preferred
    assert all(line.endswith(" 1") for line in under_replicated_)
    assert f"{ORDERS_1} 2" in shown["kafka_topic_partition_in_sync_replica"]
    assert f"{ORDERS_1} 3" in shown["kafka_topic_partition_replicas"]


def test_a_leaderless_partition_keeps_its_replication_series() -> None:
    """It has no leader and no offsets; replicas, ISR and flags stay."""
    shown = exposed(partitions.families, leaderless())
    of_partition = {name: [v for v in ls if v.startswith(ORDERS_1)] for name, ls in shown.items()}
    assert of_partition == {
        "kafka_topic_partition_current_offset": [],
        "kafka_topic_partition_oldest_offset": [],
        "kafka_topic_partition_leader": [],
        "kafka_topic_partition_replicas": [f"{ORDERS_1} 3"],
        "kafka_topic_partition_in_sync_replica": [f"{ORDERS_1} 1"],
        "kafka_topic_partition_leader_is_preferred": [f"{ORDERS_1} 0"],
        "kafka_topic_partition_under_replicated_partition": [f"{ORDERS_1} 1"],
        "kafka_topic_partition_offline": [f"{ORDERS_1} 1"],
        "kafka_topic_partition_under_min_isr": [f"{ORDERS_1} 1"],
    }


def test_where_the_minimum_is_not_known_nothing_is_said_of_it() -> None:
    """Neither that a partition is under it nor that it is not."""
    shown = exposed(partitions.families, healthy())["kafka_topic_partition_under_min_isr"]
    assert len(shown) == 3
    assert not any("payments" in line for line in shown)


def test_a_partition_without_leader_and_replicas_has_no_preferred_leader() -> None:
    """Nothing known is not a preferred leader, and not a raised error."""
    topics = {"orders": Topic("orders", (Partition(0, None, (), ()),))}
    snapshot = replace(healthy(), topology=Topology(None, (), topics), groups={})
    shown = exposed(partitions.families, snapshot)
    assert [shown[name] for name in FLAGS] == [['{partition="0",topic="orders"} 0']] * 2


def test_an_unknown_offset_gives_no_series() -> None:
    """Other partitions of the topic, and other topics, keep theirs."""
    snapshot = replace(healthy(), end={"orders": {2: 30}}, start={})
    shown = exposed(partitions.families, snapshot)
    assert [shown[name] for name in OFFSETS] == [['{partition="2",topic="orders"} 30'], []]


def test_offsets_of_what_the_topology_lacks_give_no_series() -> None:
    """A topic that was deleted, or re-created with fewer partitions, during the cycle."""
    ends = {"orders": {0: 1, 7: 2}, "deleted": {0: 3}}
    shown = exposed(partitions.families, replace(healthy(), end=ends))
    assert shown[OFFSETS[0]] == ['{partition="0",topic="orders"} 1']


def test_constant_labels_are_in_alphabetical_order() -> None:
    """They stand before, between and after the metric's own labels."""
    rendering = Rendering(constant_labels={"env": "e", "region": "r", "zone": "z"})
    leaders = exposed(partitions.families, healthy(), rendering)["kafka_topic_partition_leader"]
    assert leaders[0] == '{env="e",partition="0",region="r",topic="orders",zone="z"} 1'
