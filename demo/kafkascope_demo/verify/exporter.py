"""Whether the exporter is up and fresh, and whether its lag is what the brokers say."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.metricspage import MetricsPage
from kafkascope_demo.verify.report import Check, Outcome

_FRESH_NAME: Final = "the exporter is up, fresh and complete"
_LAG_NAME: Final = "the exporter's lag is what the brokers' own numbers give"
_CYCLES_S: Final = 100.0
_ASK_S: Final = 10.0
_FIX: Final = "read the exporter's log; kafka_exporter_errors_total says which requests fail"


@dataclass(frozen=True, slots=True)
class Numbers:
    """End and committed offset of a partition, as the brokers or the exporter tell them."""

    end: float
    committed: float


def _fresh(addresses: Addresses) -> Iterator[Outcome]:
    page = _next_cycle(addresses.exporter, web.get_metrics(addresses.exporter))
    up = page.total("kafka_exporter_up")
    missing = page.total("kafka_exporter_missing")
    brokers = page.total("kafka_brokers")
    yield Outcome(
        _FRESH_NAME,
        passed=up == 1 and missing == 0,
        evidence=f"kafka_exporter_up {up or 0:g}, a new cycle was shown, {missing or 0:g} values "
        f"missing, {brokers or 0:g} brokers",
        fix=_FIX,
    )


def _next_cycle(url: str, page: MetricsPage) -> MetricsPage:
    """Scrape until a cycle newer than the page's is shown.

    Raises:
        WebError: There is none.
    """
    seen = page.total("kafka_exporter_snapshot_timestamp_seconds")
    ends_at = time.monotonic() + _CYCLES_S
    while time.monotonic() < ends_at:
        newer = web.get_metrics(url)
        if newer.total("kafka_exporter_snapshot_timestamp_seconds") != seen:
            return newer
        time.sleep(0.2)
    raise web.WebError(f"{url}/metrics", f"shows no new cycle within {_CYCLES_S:.0f} s")


def _lag(addresses: Addresses) -> Iterator[Outcome]:
    before = _ask_brokers(addresses)
    # The first new cycle may have begun before the brokers were asked; the one after it did not.
    newer = _next_cycle(addresses.exporter, web.get_metrics(addresses.exporter))
    page = _next_cycle(addresses.exporter, newer)
    after = _ask_brokers(addresses)
    wrong = list(disagreements(before, page, after, addresses.topic, addresses.group))
    group, topic = addresses.group, addresses.topic
    lag = page.total("kafka_consumergroup_lag", consumergroup=group, topic=topic) or 0
    told = f"{len(before)} partitions of {topic} agree, lag of {group} {lag:g}"
    yield Outcome(
        _LAG_NAME,
        passed=bool(before) and not wrong,
        evidence="; ".join(wrong) or (told if before else f"{addresses.group} has no commit yet"),
        fix=_FIX if before else "wait until the consumers have processed an event",
    )


def _ask_brokers(addresses: Addresses) -> dict[int, Numbers]:
    """Ask for the committed and then the end offset of each partition with a commit."""
    admin = AdminClient(
        {**addresses.kafka_properties, "bootstrap.servers": addresses.bootstrap_servers}
    )
    asked = ConsumerGroupTopicPartitions(addresses.group)
    told = admin.list_consumer_group_offsets([asked])[addresses.group].result(_ASK_S)
    committed = {
        found.partition: found.offset
        for found in told.topic_partitions
        if found.topic == addresses.topic and found.offset >= 0
    }
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call] # confluent_kafka: no types
    ends = admin.list_offsets({TopicPartition(addresses.topic, n): latest for n in committed})
    return {
        partition.partition: Numbers(end.result(_ASK_S).offset, committed[partition.partition])
        for partition, end in ends.items()
    }


def disagreements(
    before: Mapping[int, Numbers],
    page: MetricsPage,
    after: Mapping[int, Numbers],
    topic: str,
    group: str,
) -> Iterator[str]:
    """Say where a page is not between what the brokers said before and after its cycle.

    Offsets only grow while a group works, so each value has a lowest and a highest one; lag is at
    least the end before minus the commit after, and at most the reverse.

    Args:
        before: What the brokers said before the page's cycle began, by partition.
        page: The exporter's metrics.
        after: What they said after it was shown.
        topic: The topic.
        group: The group that committed.
    """
    shown = {
        name: page.by("partition", name, topic=topic, **labels)
        for name, labels in (
            ("kafka_topic_partition_current_offset", {}),
            ("kafka_consumergroup_current_offset", {"consumergroup": group}),
            ("kafka_consumergroup_lag", {"consumergroup": group}),
        )
    }
    for partition in sorted(before):
        low, high = before[partition], after.get(partition, before[partition])
        bounds = (
            (low.end, high.end),
            (low.committed, high.committed),
            (max(0, low.end - high.committed), max(0, high.end - low.committed)),
        )
        for (name, values), (least, most) in zip(shown.items(), bounds, strict=True):
            value = values.get(str(partition))
            if value is None:
                yield f"{name} of partition {partition} is absent"
            elif not least <= value <= most:
                yield f"{name} of partition {partition} is {value:g}, not {least:g} to {most:g}"


FRESH = Check(_FRESH_NAME, _fresh, _FIX)
LAG = Check(_LAG_NAME, _lag, _FIX)
