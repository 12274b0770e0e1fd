"""One consumer group in depth: topic by topic and partition by partition."""

from typing import Final

from grafana_foundation_sdk.models import units

from grafana import links
from grafana.frame import Frame
from grafana.panels import (
    MESSAGES,
    Column,
    Panels,
    Query,
    drawn_thresholds,
    lines,
    number,
    rows,
    stacked,
    states,
    steps,
)
from grafana.promql import (
    CLUSTER,
    STATES,
    TOPIC,
    drain_time,
    group_state,
    growing,
    lag,
    metric,
    over_partitions,
    pace,
    retention_margin,
    total,
)
from grafana.variables import cluster, one_consumergroup, topics_of_one_consumergroup

_GROUP: Final = f'{CLUSTER}, consumergroup="$consumergroup"'
"""One value, which Grafana does not escape for a regular expression."""
_GROUP_TOPIC: Final = f'{_GROUP}, topic=~"$topic"'
_LAG: Final = lag(_GROUP_TOPIC)
_PACE: Final = pace(_GROUP_TOPIC)
_PARTITION: Final = "consumergroup, topic, partition"
_PARTITION_LAG: Final = metric("kafka_consumergroup_lag", _PARTITION, _GROUP_TOPIC)
_COMMITTED: Final = metric("kafka_consumergroup_current_offset", _PARTITION, _GROUP_TOPIC)
_END: Final = metric("kafka_topic_partition_current_offset", "topic, partition", TOPIC)
_OLDEST: Final = metric("kafka_topic_partition_oldest_offset", "topic, partition", TOPIC)
_MEMBERS: Final = metric("kafka_consumergroup_members", "consumergroup", _GROUP)
_MOVED: Final = metric(
    "kafka_consumergroup_commit_moved_timestamp_seconds", "consumergroup, topic", _GROUP_TOPIC
)
_MARGIN: Final = retention_margin(_GROUP_TOPIC)
_TOPIC_LEGEND: Final = "{{topic}} {{cluster}}"
_PARTITION_LEGEND: Final = "{{topic}} {{partition}} {{cluster}}"


def _numbers() -> Panels:
    drain = f"max({drain_time(_GROUP_TOPIC)})"
    margin = f"min({_MARGIN})"
    return [
        number(
            "Lag now", "Messages that the group has not committed.", MESSAGES, f"sum({_LAG})"
        ).thresholds(steps(start="blue")),
        number(
            "Members now", "Members of the group; 0 is an empty group.", units.Short, _MEMBERS
        ).thresholds(steps((1, "green"), start="red")),
        number(
            "Committed", "Messages per second committed.", units.MessagesPerSecond, f"sum({_PACE})"
        ).thresholds(steps(start="blue")),
        number(
            "Drained in",
            "Lag divided by the pace of the last five minutes; nothing while nothing is committed.",
            units.Seconds,
            drain,
        ).thresholds(steps((300, "orange"), (3600, "red"))),
        number(
            "Commit last moved",
            "When a committed offset of the group was last seen to move.",
            units.Seconds,
            f"time() - max({_MOVED})",
        ).thresholds(steps((300, "orange"), (1800, "red"))),
        number(
            "Before it is too late",
            "Of the partitions with lag, the fewest messages kept before the committed offset; "
            "below 0 "
            "some were lost. Nothing without lag.",
            MESSAGES,
            margin,
        ).thresholds(steps((0, "orange"), (1000, "green"), start="red")),
    ]


def _lag() -> Panels:
    drain = lines(
        "Time to drain by topic",
        "Lag divided by the pace of commits of the last five minutes.",
        units.Seconds,
        Query(drain_time(_GROUP_TOPIC), _TOPIC_LEGEND),
    )
    return [
        stacked(
            lines("Lag by topic", "Messages by topic.", MESSAGES, Query(_LAG, _TOPIC_LEGEND))
        ).data_links([links.topic_of_series()]),
        lines(
            "Lag by partition",
            "Messages by partition. One partition alone is a hot key or a stuck member; all of "
            "them is "
            "a group that is too slow.",
            MESSAGES,
            Query(f"topk(50, {_PARTITION_LAG})", _PARTITION_LEGEND),
        ).data_links([links.topic_of_series()]),
        lines(
            "Written and committed by topic",
            "Messages per second written to the group's topics, and committed by it.",
            units.MessagesPerSecond,
            Query(_written(), "written {{topic}}", colour="blue"),
            Query(total("topic", _PACE), "committed {{topic}}", colour="green"),
        ),
        drawn_thresholds(drain, (300, "orange"), (3600, "red")),
    ]


def _written() -> str:
    end = f"kafka_topic_partition_current_offset{{{TOPIC}}}"
    written = over_partitions("topic", growing(end))
    return f"{written} and on (cluster, topic) {_LAG}"


def _membership() -> Panels:
    return [
        states(
            "State of the group",
            "As Kafka names it. Long times in PreparingRebalance or CompletingRebalance are "
            "times in "
            "which nobody reads.",
            Query(group_state(_GROUP), "{{consumergroup}} {{cluster}}"),
            STATES,
        ),
        lines(
            "Members of the group",
            "Members, and the partitions that the group has committed: members above that number "
            "have "
            "nothing to read.",
            units.Short,
            Query(_MEMBERS, "members {{cluster}}", colour="green"),
            Query(f"count by (cluster) ({_COMMITTED})", "partitions {{cluster}}", colour="blue"),
        ),
    ]


def _risk() -> Panels:
    stale = lines(
        "Time since the commit moved by topic",
        "How long the committed offset of a topic has stood still. Without lag that is as it "
        "should be.",
        units.Seconds,
        Query(f"time() - {_MOVED}", _TOPIC_LEGEND),
    )
    return [
        stale,
        lines(
            "Messages kept before the commit",
            "By partition with lag: how many more messages retention may delete before the group "
            "loses some. Below 0 it has.",
            MESSAGES,
            Query(f"bottomk(50, {_MARGIN})", _PARTITION_LEGEND),
        ),
    ]


def _partitions() -> Panels:
    joined = "* on (cluster, topic, partition) group_left ()"
    table = rows(
        "Partitions of the group",
        "Offsets and lag of each partition that the group has committed; the 200 with the most "
        "lag.",
        Column("Lag", MESSAGES, f"topk(200, {_PARTITION_LAG})"),
        Column("Committed offset", units.Short, _COMMITTED),
        Column("End offset", units.Short, f"({_COMMITTED} * 0 + 1) {joined} {_END}"),
        Column("Oldest offset", units.Short, f"({_COMMITTED} * 0 + 1) {joined} {_OLDEST}"),
    )
    return [table]


DASHBOARD: Final = Frame(
    uid=links.GROUP,
    title="One consumer group",
    description="A consumer group in depth: topic by topic, partition by partition.",
    variables=[cluster(), one_consumergroup(), topics_of_one_consumergroup()],
    rows={
        "Now": _numbers(),
        "Lag": _lag(),
        "Membership": _membership(),
        "Risk": _risk(),
        "Partitions": _partitions(),
    },
)
