"""Conditions of the scenarios' alerts, as pure functions of what was seen."""

import itertools
from collections.abc import Sequence
from typing import Final

from kafkascope_demo.metricspage import MetricsPage
from kafkascope_demo.scenarios.scenario import Condition, Observation, Watched

_GROWN: Final = 50
_CHANGES: Final = 3
_TIMES: Final = 5
_SCRAPES: Final = 2


def group_stuck(seen: Watched) -> str | None:
    """A group with members has lag all the time and commits nothing, though messages arrive."""
    first, last = _ends(seen)
    if first is None or last is None:
        return None
    group, topic = seen.addresses.group, seen.addresses.topic
    moved = _grown(
        first, last, "kafka_consumergroup_current_offset_sum", consumergroup=group, topic=topic
    )
    arrived = _grown(first, last, "kafka_topic_partition_current_offset", topic=topic)
    lag = min(_lag(seen, page) for page in _pages(seen.window()))
    members = last.total("kafka_consumergroup_members", consumergroup=group) or 0
    if moved == 0 and arrived and lag > 0 and members > 0:
        return f"{group} committed nothing, {arrived:g} messages arrived, lag at least {lag:g}"
    return None


def lag_growing(seen: Watched) -> str | None:
    """A group's lag grew over the window, and did not fall meanwhile by much."""
    first, last = _ends(seen)
    if first is None or last is None:
        return None
    before, after = _lag(seen, first), _lag(seen, last)
    if after - before > _GROWN:
        return f"lag of {seen.addresses.group} grew from {before:g} to {after:g}"
    return None


def lag_above(messages: float) -> Condition:
    """A group's lag is more than so many messages."""

    def condition(seen: Watched) -> str | None:
        page = seen.now.exporter
        lag = _lag(seen, page) if page else 0
        return f"lag of {seen.addresses.group} is {lag:g}" if lag > messages else None

    return condition


def partition_hot(messages: float) -> Condition:
    """One partition's lag is more than so many messages, and several times that of any other."""

    def condition(seen: Watched) -> str | None:
        page = seen.now.exporter
        if page is None:
            return None
        group, topic = seen.addresses.group, seen.addresses.topic
        lags = page.by("partition", "kafka_consumergroup_lag", consumergroup=group, topic=topic)
        ranked = sorted(lags.items(), key=lambda item: item[1], reverse=True)
        if len(ranked) > 1 and ranked[0][1] > max(messages, _TIMES * ranked[1][1]):
            (hot, lag), (other, next_lag) = ranked[:2]
            return f"lag of partition {hot} is {lag:g}, the next ({other}) has {next_lag:g}"
        return None

    return condition


def empty_with_lag(seen: Watched) -> str | None:
    """A group has lag and no members."""
    page, group = seen.now.exporter, seen.addresses.group
    if page is None:
        return None
    members = page.total("kafka_consumergroup_members", consumergroup=group)
    lag = _lag(seen, page)
    return f"{group} has no members and lag {lag:g}" if members == 0 and lag > 0 else None


def dead_letters(seen: Watched) -> str | None:
    """The dead-letter topic grew over the window."""
    first, last = _ends(seen)
    if first is None or last is None:
        return None
    topic = seen.addresses.dead_letter_topic
    grown = _grown(first, last, "kafka_topic_partition_current_offset", topic=topic)
    return f"{topic} grew by {grown:g}" if grown else None


def rebalancing(seen: Watched) -> str | None:
    """A group's number of members changed again and again within the window."""
    group = seen.addresses.group
    counts = [
        count
        for page in _pages(seen.window())
        if (count := page.total("kafka_consumergroup_members", consumergroup=group)) is not None
    ]
    changes = sum(one != other for one, other in itertools.pairwise(counts))
    if changes >= _CHANGES:
        return f"members of {group} changed {changes} times within {seen.window_s:g} s"
    return None


def broker_missing(seen: Watched) -> str | None:
    """There are fewer brokers than there were, and partitions are under-replicated."""
    page = seen.now.exporter
    if page is None:
        return None
    were = max((one.total("kafka_brokers") or 0 for one in _pages(seen.observations)), default=0)
    brokers = page.total("kafka_brokers") or 0
    under = page.total("kafka_topic_partition_under_replicated_partition") or 0
    if brokers < were and under:
        return f"{brokers:g} of {were:g} brokers, {under:g} partitions under-replicated"
    return None


def in_sync_below(topic: str, replicas: int) -> Condition:
    """A topic's partition has fewer in-sync replicas than it takes to write with ``acks=all``."""

    def condition(seen: Watched) -> str | None:
        page = seen.now.exporter
        in_sync = (
            page.by("partition", "kafka_topic_partition_in_sync_replica", topic=topic)
            if page
            else {}
        )
        below = {partition: count for partition, count in in_sync.items() if count < replicas}
        if not below:
            return None
        return f"{len(below)} partitions of {topic} have fewer than {replicas} replicas in sync"

    return condition


def retention_overtook(topic: str, group: str) -> Condition:
    """What a group wants next is no longer kept."""

    def condition(seen: Watched) -> str | None:
        page = seen.now.exporter
        if page is None:
            return None
        oldest = page.by("partition", "kafka_topic_partition_oldest_offset", topic=topic)
        name = "kafka_consumergroup_current_offset"
        for partition, committed in page.by(
            "partition", name, topic=topic, consumergroup=group
        ).items():
            if committed < oldest.get(partition, 0):
                return (
                    f"{group} wants {committed:g} of {topic}, which begins at {oldest[partition]:g}"
                )
        return None

    return condition


def exporter_silent(seen: Watched) -> str | None:
    """The exporter gave no page several times in a row."""
    last = seen.observations[-_SCRAPES:]
    if len(last) == _SCRAPES and all(one.exporter is None for one in last):
        return f"{_SCRAPES} scrapes of the exporter in a row failed"
    return None


def exports_failing(seen: Watched) -> str | None:
    """The producer failed to export telemetry within the window."""
    pages = [one.producer for one in seen.window() if one.producer]
    if not pages:
        return None
    failed = _grown(pages[0], pages[-1], "kafkascope_demo_otlp_export_failures_total")
    return f"{failed:g} exports of the producer failed" if failed else None


def _pages(observations: Sequence[Observation]) -> list[MetricsPage]:
    return [one.exporter for one in observations if one.exporter]


def _ends(seen: Watched) -> tuple[MetricsPage | None, MetricsPage | None]:
    """Give the exporter's first and last page of the window."""
    pages = _pages(seen.window())
    return (pages[0], pages[-1]) if pages else (None, None)


def _grown(first: MetricsPage, last: MetricsPage, name: str, **labels: str) -> float:
    return (last.total(name, **labels) or 0) - (first.total(name, **labels) or 0)


def _lag(seen: Watched, page: MetricsPage) -> float:
    group, topic = seen.addresses.group, seen.addresses.topic
    return page.total("kafka_consumergroup_lag", consumergroup=group, topic=topic) or 0
