"""Topics and partitions: what is written, how it is spread, and how it is replicated."""

from typing import Final

from grafana_foundation_sdk.models import units

from grafana import links
from grafana.frame import Frame
from grafana.panels import (
    MESSAGES,
    Column,
    Panels,
    Query,
    any_is_bad,
    coarse,
    lines,
    link_column,
    number,
    rows,
    steps,
)
from grafana.promql import (
    SHOWN,
    TOPIC,
    each,
    growing,
    growth,
    lag,
    metric,
    most,
    over_partitions,
    total,
)
from grafana.variables import cluster, consumergroup, topic

_PARTITION: Final = "topic, partition"
_END: Final = metric("kafka_topic_partition_current_offset", _PARTITION, TOPIC)
_START: Final = metric("kafka_topic_partition_oldest_offset", _PARTITION, TOPIC)
_KEPT: Final = f"{_END} - {_START}"
_WRITTEN: Final = growth("kafka_topic_partition_current_offset", _PARTITION, TOPIC)
_RANKING: Final = f"rate(kafka_topic_partition_current_offset{{{TOPIC}}}[$__range] @ end())"
_RAW_END: Final = f"kafka_topic_partition_current_offset{{{TOPIC}}}"
_RAW_START: Final = f"kafka_topic_partition_oldest_offset{{{TOPIC}}}"
_BY_TOPIC: Final = over_partitions("topic", growing(_RAW_END))
_KEPT_BY_TOPIC: Final = over_partitions("topic", f"{_RAW_END} - {_RAW_START}")
_REPLICAS: Final = metric("kafka_topic_partition_replicas", _PARTITION, TOPIC)
_IN_SYNC: Final = metric("kafka_topic_partition_in_sync_replica", _PARTITION, TOPIC)
_PARTITIONS: Final = metric("kafka_topic_partitions", "topic", TOPIC)


def _flagged(name: str) -> str:
    return over_partitions("topic", f"{name}{{{TOPIC}}}")


_UNDER_MIN_ISR: Final = _flagged("kafka_topic_partition_under_min_isr")
_UNDER_REPLICATED: Final = _flagged("kafka_topic_partition_under_replicated_partition")
_OFFLINE: Final = _flagged("kafka_topic_partition_offline")


def _numbers() -> Panels:
    counts = (
        ("Topics", "Topics that are chosen.", f"count({_PARTITIONS})"),
        ("Partitions", "Their partitions.", f"sum({_PARTITIONS})"),
        ("Replicas", "Replicas that there should be.", f"sum({_REPLICAS})"),
    )
    troubles = (
        (
            "Replicas out of sync",
            "Replicas that lag behind or are gone.",
            f"sum({_REPLICAS} - {_IN_SYNC})",
        ),
        ("Under min ISR now", "Partitions that refuse acks=all.", f"sum({_UNDER_MIN_ISR})"),
        ("Offline now", "Partitions without a leader.", f"sum({_OFFLINE})"),
    )
    return [
        *(
            number(title, description, units.Short, expr).thresholds(steps(start="blue"))
            for title, description, expr in counts
        ),
        *(
            number(title, description, units.Short, expr).thresholds(any_is_bad())
            for title, description, expr in troubles
        ),
    ]


def _traffic() -> Panels:
    busiest = f"topk({SHOWN}, {over_partitions('topic', _RANKING)})"
    by_topic = f"{_BY_TOPIC} and on (cluster, topic) {busiest}"
    hottest = f"topk({SHOWN}, max by (cluster, topic, partition) ({_RANKING}))"
    by_partition = f"{_WRITTEN} and on (cluster, topic, partition) {hottest}"
    share = f"{each('topic', growing(_RAW_END))} / ({_BY_TOPIC} > 0)"
    panels = [
        lines(
            "Messages per topic",
            f"Messages per second written to the {SHOWN} busiest topics of the time shown.",
            units.MessagesPerSecond,
            Query(by_topic, "{{topic}} {{cluster}}"),
        ).data_links([links.topic_of_series()]),
        lines(
            "Messages per partition",
            f"Messages per second written to the {SHOWN} busiest partitions of the time shown. "
            f"One that is "
            "far above the others of its topic is hot: its key is.",
            units.MessagesPerSecond,
            Query(by_partition, "{{topic}} {{partition}} {{cluster}}"),
        ).data_links([links.topic_of_series()]),
        lines(
            "Share of the hottest partition",
            "Part of a topic's messages that went to its busiest partition: 1 is all of them, "
            "and one "
            "divided by the number of partitions is an even spread.",
            units.PercentUnit,
            Query(f"{share} and on (cluster, topic) {busiest}", "{{topic}} {{cluster}}"),
        ).max(1),
        lines(
            "Messages kept",
            "End offsets less log start offsets. In compacted topics fewer messages are kept.",
            MESSAGES,
            Query(
                f"{_KEPT_BY_TOPIC} and on (cluster, topic) {busiest}",
                "{{topic}} {{cluster}}",
            ),
        ),
    ]
    return [coarse(panel) for panel in panels]


def _replication() -> Panels:
    named = (
        (
            "Under min ISR",
            (
                "Partitions by topic with fewer replicas in sync than min.insync.replicas: "
                "acks=all is refused."
            ),
            "kafka_topic_partition_under_min_isr",
        ),
        (
            "Under-replicated",
            "Partitions by topic with fewer replicas in sync than there should be.",
            "kafka_topic_partition_under_replicated_partition",
        ),
        (
            "Offline",
            "Partitions by topic without a leader. They have no leader series: this metric tells.",
            "kafka_topic_partition_offline",
        ),
    )
    return [
        lines(
            title,
            f"{description} The {SHOWN} topics with the most of them within the time shown.",
            units.Short,
            Query(
                most(_flagged(name), "topic", f"{name}{{{TOPIC}}}"),
                "{{topic}} {{cluster}}",
            ),
        ).span(8)
        for title, description, name in named
    ]


def _tables() -> Panels:
    topics = rows(
        "Topic list",
        f"The {SHOWN} topics with the most partitions; choose topics above to see others.",
        Column("Partitions", units.Short, f"topk({SHOWN}, {_PARTITIONS})"),
        Column(
            "min.insync.replicas",
            units.Short,
            f"{metric('kafka_topic_min_in_sync_replicas', 'topic', TOPIC)}"
            f" and on (cluster, topic) topk({SHOWN}, {_PARTITIONS})",
        ),
        Column(
            "Lag of all groups",
            MESSAGES,
            f"{total('topic', lag())} and on (cluster, topic) topk({SHOWN}, {_PARTITIONS})",
        ),
    )
    most_kept = f"topk(100, {_KEPT})"
    among = f"and on (cluster, topic, partition) {most_kept}"
    partitions = rows(
        "Partition list",
        "The 100 partitions that hold the most messages; choose a topic above to see its own.",
        Column("Messages kept", MESSAGES, most_kept),
        Column("Oldest offset", units.Short, f"{_START} {among}"),
        Column("End offset", units.Short, f"{_END} {among}"),
        Column(
            "Leader",
            units.NoUnit,
            f"{metric('kafka_topic_partition_leader', _PARTITION, TOPIC)} {among}",
        ),
        Column("Replicas", units.Short, f"{_REPLICAS} {among}"),
        Column(
            "In sync", units.Short, f"{_IN_SYNC} {among}", steps((1, "green"), start="red").build()
        ),
    )
    return [link_column(topics, "topic", links.topic_of_row()), partitions]


DASHBOARD: Final = Frame(
    uid=links.TOPICS,
    title="Topics and partitions",
    description="What is written to topics, how it is spread over partitions, how they are "
    "replicated.",
    variables=[cluster(), topic(), consumergroup()],
    rows={
        "Now": _numbers(),
        "Traffic": _traffic(),
        "Replication": _replication(),
        "Lists": _tables(),
    },
)
