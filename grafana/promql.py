"""Pieces of PromQL that the dashboards share.

Each value is taken once for each cluster, however many exporters read that cluster, and with or
without a label ``cluster``: ``max by (cluster, …)`` leaves out ``instance``, and an empty
``cluster`` is matched by the variable's ``.*``.
"""

from typing import Final

CLUSTER: Final = 'cluster=~"$cluster"'
TOPIC: Final = f'{CLUSTER}, topic=~"$topic"'
GROUP: Final = f'{CLUSTER}, consumergroup=~"$consumergroup"'
GROUP_TOPIC: Final = f'{GROUP}, topic=~"$topic"'

SHOWN: Final = 20
"""Series that a panel shows at most, however many groups and topics there are."""

STATES: Final = {
    "Stable": "green",
    "Empty": "text",
    "PreparingRebalance": "orange",
    "CompletingRebalance": "yellow",
    "Assigning": "orange",
    "Reconciling": "yellow",
    "Dead": "red",
}
"""States of groups (Kafka's names), in the order of their numbers from 1, and their colours."""


def each(labels: str, selector: str) -> str:
    """Give one value for each set of labels, from however many exporters.

    Args:
        labels: Which besides ``cluster``; may be empty.
        selector: An instant vector.
    """
    return f"max by ({', '.join(filter(None, ['cluster', labels]))}) ({selector})"


def metric(name: str, labels: str, matchers: str) -> str:
    """Give ``each`` of a metric."""
    return each(labels, f"{name}{{{matchers}}}")


def growth(name: str, labels: str, matchers: str, window: str = "$__rate_interval") -> str:
    """Give how fast an offset grows, per second; a step back is no growth.

    Offsets are gauges: a topic that is created anew, or a group that is reset, begins lower, and
    ``rate`` would take the whole offset for new.
    """
    return each(labels, growing(f"{name}{{{matchers}}}", window))


def growing(selector: str, window: str = "$__rate_interval") -> str:
    """Give the same as ``growth`` for each series."""
    return f"clamp_min(deriv({selector}[{window}]), 0)"


def over_partitions(labels: str, vector: str, how: str = "sum") -> str:
    """Sum (or count) series of partitions, once for each cluster and set of labels.

    At 10,000 partitions this is several times cheaper than ``total`` of ``each``: what one exporter
    tells is summed first, and of two exporters the higher sum counts.

    Args:
        labels: Which besides ``cluster``; may be empty.
        vector: An instant vector as scraped.
        how: Name of the aggregation.
    """
    inner = ", ".join(filter(None, ["cluster", "instance", labels]))
    return each(labels, f"{how} by ({inner}) ({vector})")


def total(labels: str, vector: str) -> str:
    """Give the sum for each cluster and set of labels."""
    return f"sum by ({', '.join(filter(None, ['cluster', labels]))}) ({vector})"


def most(vector: str, labels: str, ranking: str) -> str:
    """Keep those series whose labels had the highest of another metric within the time shown.

    The ranking is evaluated once and for the whole range (``@ end()``), so that lines do not come
    and go, and what has ended meanwhile is shown too.

    Args:
        vector: What is shown.
        labels: By which it is ranked, besides ``cluster``.
        ranking: Selector of a metric with these labels.
    """
    highest = each(labels, f"max_over_time({ranking}[$__range] @ end())")
    return f"{vector} and on (cluster, {labels}) topk({SHOWN}, {highest})"


def or_zero(vector: str, known: str) -> str:
    """Give 0 where nothing is found among what is known; nothing where that is not known either.

    Args:
        vector: Such as a count, which is absent when it has nothing to count.
        known: Series that are there whether or not there is something to count.
    """
    return f"{vector} or 0 * count({known})"


def quantile(share: float, histogram: str, matchers: str, labels: str = "") -> str:
    """Give a quantile of a histogram's observations in the interval."""
    by = ", ".join(filter(None, ["le", labels]))
    rate = f"rate({histogram}_bucket{{{matchers}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({by}) ({rate}))"


def lag(matchers: str = GROUP_TOPIC) -> str:
    """Give the lag of each group and topic, from the series that there are fewest of."""
    return metric("kafka_consumergroup_lag_sum", "consumergroup, topic", matchers)


def pace(matchers: str = GROUP_TOPIC, window: str = "$__rate_interval") -> str:
    """Give the messages per second that each group commits of each topic."""
    name = "kafka_consumergroup_current_offset_sum"
    return growth(name, "consumergroup, topic", matchers, window)


def group_state(matchers: str) -> str:
    """Give each group's state as its number in ``STATES``."""
    numbered = " or ".join(
        f'kafka_consumergroup_state{{{matchers}, state="{state}"}} * {number}'
        for number, state in enumerate(STATES, 1)
    )
    return each("consumergroup", numbered)


def drain_time(matchers: str = GROUP_TOPIC) -> str:
    """Give the seconds in which the lag would be gone at the pace of the last five minutes.

    Absent where nothing is committed.
    """
    return f"{lag(matchers)} / ({pace(matchers, '5m')} > 0)"


def retention_margin(matchers: str) -> str:
    """Give, for partitions with lag, the messages kept before the committed offset.

    Below 0, messages were deleted that the group had not read.
    """
    labels = "consumergroup, topic, partition"
    committed = metric("kafka_consumergroup_current_offset", labels, matchers)
    oldest = metric("kafka_topic_partition_oldest_offset", "topic, partition", TOPIC)
    behind = metric("kafka_consumergroup_lag", labels, matchers)
    margin = f"({committed} - on (cluster, topic, partition) group_left () {oldest})"
    return f"{margin} and on (cluster, {labels}) {behind} > 0"
