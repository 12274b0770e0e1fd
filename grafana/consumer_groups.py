"""Consumer groups: lag, pace, time to drain, states, members, stale commits, retention."""

from typing import Final

from grafana_foundation_sdk.builders import timeseries
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
    drawn_thresholds,
    lines,
    link_column,
    number,
    rows,
    states,
    steps,
)
from grafana.promql import (
    GROUP,
    GROUP_TOPIC,
    SHOWN,
    STATES,
    TOPIC,
    drain_time,
    group_state,
    growing,
    lag,
    metric,
    most,
    or_zero,
    over_partitions,
    pace,
    retention_margin,
    total,
)
from grafana.variables import cluster, consumergroup, topic

_LAG: Final = lag()
_PACE: Final = pace()
_RANKING: Final = f"kafka_consumergroup_lag_sum{{{GROUP_TOPIC}}}"
_MEMBERS: Final = metric("kafka_consumergroup_members", "consumergroup", GROUP)
_OF_GROUP: Final = total("consumergroup", _LAG)
_MOVED: Final = metric(
    "kafka_consumergroup_commit_moved_timestamp_seconds", "consumergroup, topic", GROUP_TOPIC
)
_STALE: Final = f"(time() - {_MOVED}) and on (cluster, consumergroup, topic) {_LAG} > 0"
_DESERTED: Final = f"{_MEMBERS} == 0 and on (cluster, consumergroup) {_OF_GROUP} > 0"
_PAIR: Final = "{{consumergroup}} {{topic}} {{cluster}}"
_MOST: Final = f"Of the {SHOWN} with the most lag within the time shown."


def _numbers() -> Panels:
    plain = (
        ("Groups", "Consumer groups that are chosen.", units.Short, f"count({_MEMBERS})"),
        ("Members now", "Members of these groups.", units.Short, f"sum({_MEMBERS})"),
        ("Lag of all", "Messages that they have not yet committed.", MESSAGES, f"sum({_LAG})"),
        (
            "Committed",
            "Messages per second that they commit.",
            units.MessagesPerSecond,
            f"sum({_PACE})",
        ),
    )
    deserted = number(
        "Empty with lag",
        "Groups that have lag and no member: nobody works on it.",
        units.Short,
        or_zero(f"count({_DESERTED})", _MEMBERS),
    )
    stale = number(
        "Lagging and still",
        "Groups and topics with lag whose committed offset has not moved for five minutes.",
        units.Short,
        or_zero(f"count({_STALE} > 300)", _MOVED),
    )
    return [
        *(
            number(title, description, unit, expr).thresholds(steps(start="blue"))
            for title, description, unit, expr in plain
        ),
        deserted.thresholds(any_is_bad()),
        stale.thresholds(any_is_bad()),
    ]


def _lag() -> Panels:
    drain = lines(
        "Time to drain",
        "Lag divided by the pace of commits of the last five minutes: how long the group would "
        "need "
        f"for what it has not read, if nothing more came. Absent while nothing is committed. "
        f"{_MOST}",
        units.Seconds,
        Query(most(drain_time(), "consumergroup, topic", _RANKING), _PAIR),
    )
    return [
        lines(
            "Lag",
            f"Messages between the committed offsets and the end of each topic. {_MOST}",
            MESSAGES,
            Query(most(_LAG, "consumergroup, topic", _RANKING), _PAIR),
        ).data_links([links.group_of_series()]),
        drawn_thresholds(coarse(drain), (300, "orange"), (3600, "red")).data_links(
            [links.group_of_series()]
        ),
        lines(
            "Messages committed",
            f"Messages per second by which committed offsets move. {_MOST}",
            units.MessagesPerSecond,
            Query(most(_PACE, "consumergroup, topic", _RANKING), _PAIR),
        ).data_links([links.group_of_series()]),
        coarse(_written_and_committed()),
    ]


def _written_and_committed() -> timeseries.Panel:
    read = f"on (cluster, topic) {_LAG}"
    end = f"kafka_topic_partition_current_offset{{{TOPIC}}}"
    written = over_partitions("topic", growing(end))
    return lines(
        "Written and committed",
        "Messages per second written to the topics that these groups read, and committed by the "
        "groups. "
        "Where several groups read a topic, each commits it.",
        units.MessagesPerSecond,
        Query(f"sum({written} and {read})", "written", colour="blue"),
        Query(f"sum({_PACE})", "committed", colour="green"),
    )


def _membership() -> Panels:
    return [
        coarse(
            states(
                "State",
                f"State of each group as Kafka names it. {_MOST}",
                Query(
                    most(group_state(GROUP), "consumergroup", _RANKING),
                    "{{consumergroup}} {{cluster}}",
                ),
                STATES,
            )
        ),
        lines(
            "Members",
            f"Members of each group. One that goes up and down is a group that rebalances. {_MOST}",
            units.Short,
            Query(most(_MEMBERS, "consumergroup", _RANKING), "{{consumergroup}} {{cluster}}"),
        ).data_links([links.group_of_series()]),
    ]


def _risk() -> Panels:
    stale = lines(
        "Time since the commit moved",
        f"How long the committed offset has stood still although there is lag. {_MOST}",
        units.Seconds,
        Query(most(_STALE, "consumergroup, topic", _RANKING), _PAIR),
    )
    risk = rows(
        "Retention risk",
        f"Of the partitions with lag, the {SHOWN} where the fewest messages are kept before the "
        f"committed "
        "offset. Below 0, messages were deleted that the group had not read.",
        Column(
            "Messages before it is too late",
            MESSAGES,
            f"bottomk({SHOWN}, {retention_margin(GROUP_TOPIC)})",
            steps((0, "orange"), (1000, "green"), start="red").build(),
        ),
    )
    return [
        drawn_thresholds(coarse(stale), (300, "orange"), (1800, "red")).data_links(
            [links.group_of_series()]
        ),
        link_column(risk, "consumergroup", links.group_of_row()).span(12).height(8),
    ]


def _list() -> Panels:
    among = f"and on (cluster, consumergroup) topk(100, {_OF_GROUP})"
    still = f"max by (cluster, consumergroup) ({_STALE})"
    table = rows(
        "Group list",
        "The 100 groups with the most lag now. A name leads to the group in depth.",
        Column("Lag", MESSAGES, f"topk(100, {_OF_GROUP})"),
        Column("Members", units.Short, f"{_MEMBERS} {among}"),
        Column("Committed", units.MessagesPerSecond, f"{total('consumergroup', _PACE)} {among}"),
        Column(
            "Commit stands still",
            units.Seconds,
            f"{still} {among}",
            steps((300, "orange"), (1800, "red"), start="text").build(),
        ),
    )
    return [link_column(table, "consumergroup", links.group_of_row())]


DASHBOARD: Final = Frame(
    uid=links.GROUPS,
    title="Consumer groups",
    description="Which groups lag, whether they catch up, and which are stuck, empty or at risk.",
    variables=[cluster(), consumergroup(), topic()],
    rows={
        "Now": _numbers(),
        "Lag": _lag(),
        "Membership": _membership(),
        "Risk": _risk(),
        "List": _list(),
    },
)
