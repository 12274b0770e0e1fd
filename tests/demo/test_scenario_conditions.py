"""When a scenario's condition is there, and when it is not."""

from collections.abc import Sequence

import pytest

from kafkascope_demo.addresses import Addresses, TraceBackend
from kafkascope_demo.metricspage import MetricsPage
from kafkascope_demo.scenarios import SCENARIOS, conditions
from kafkascope_demo.scenarios.outages import REPLICAS
from kafkascope_demo.scenarios.outages import TOPIC as MIN_ISR_TOPIC
from kafkascope_demo.scenarios.scenario import Condition, Observation, Watched
from kafkascope_demo.scenarios.topics import RETENTION_GROUP, RETENTION_TOPIC

ADDRESSES = Addresses(
    bootstrap_servers="127.0.0.1:1",
    exporter="",
    producer="",
    consumers=(),
    locust=None,
    prometheus=None,
    traces=TraceBackend("receiver", "", None),
    topic="t",
    group="g",
    dead_letter_topic="dead",
    kafka_properties={},
)


def exporter(
    *,
    lags: Sequence[int] = (0, 0, 0),
    committed: int = 100,
    end: int = 100,
    members: int = 2,
    brokers: int = 3,
    under: int = 0,
    dead: int = 0,
) -> str:
    """A page of the exporter."""
    lag = "".join(
        f'kafka_consumergroup_lag{{consumergroup="g",topic="t",partition="{n}"}} {lag}\n'
        for n, lag in enumerate(lags)
    )
    return (
        f"{lag}kafka_brokers {brokers}\n"
        f'kafka_consumergroup_members{{consumergroup="g"}} {members}\n'
        f'kafka_consumergroup_current_offset_sum{{consumergroup="g",topic="t"}} {committed}\n'
        f'kafka_topic_partition_current_offset{{topic="t",partition="0"}} {end}\n'
        f'kafka_topic_partition_current_offset{{topic="dead",partition="0"}} {dead}\n'
        f'kafka_topic_partition_under_replicated_partition{{topic="t",partition="0"}} {under}\n'
    )


def told(condition: Condition, *pages: str | None, producers: Sequence[str] = ()) -> str | None:
    """What a condition says of pages that were seen 10 s apart, within a window of 20 s."""
    given = [*producers, *("" for _ in pages[len(producers) :])]
    seen = [
        Observation(
            10.0 * n, None if page is None else MetricsPage.parse(page), MetricsPage.parse(own)
        )
        for n, (page, own) in enumerate(zip(pages, given, strict=True))
    ]
    return condition(Watched(ADDRESSES, seen, 20.0))


def test_a_group_is_stuck_when_messages_arrive_and_nothing_is_committed() -> None:
    """With members, lag, and a whole window without a commit."""
    pages = [exporter(end=100 + n, lags=(n, 0, 0)) for n in range(4)]
    assert told(conditions.group_stuck, *pages) == (
        "g committed nothing, 2 messages arrived, lag at least 1"
    )


@pytest.mark.parametrize(
    "last",
    [
        exporter(end=103, lags=(3, 0, 0), committed=101),
        exporter(end=101, lags=(3, 0, 0)),
        exporter(end=103, lags=(0, 0, 0)),
        exporter(end=103, lags=(3, 0, 0), members=0),
    ],
    ids=["commits", "idle topic", "no lag", "no members"],
)
def test_a_group_is_not_stuck_when(last: str) -> None:
    """One of the signs is missing."""
    before = exporter(end=101, lags=(1, 0, 0))
    assert told(conditions.group_stuck, before, before, before, last) is None


def test_a_group_is_not_stuck_when_the_first_message_has_just_arrived() -> None:
    """After a quiet time nothing was committed for long, and there is lag: both for good reason."""
    pages = [exporter(), exporter(), exporter(), exporter(end=101, lags=(1, 0, 0))]
    assert told(conditions.group_stuck, *pages) is None


def test_nothing_is_said_of_change_before_a_whole_window_was_seen() -> None:
    """The first look at a demo tells no trend."""
    pages = exporter(end=1, lags=(1, 0, 0)), exporter(end=900, lags=(900, 0, 0))
    assert told(conditions.group_stuck, *pages) is None
    assert told(conditions.lag_growing, *pages) is None


def test_lag_grows() -> None:
    """Over the window, by more than what batches and commit intervals make."""
    pages = [exporter(lags=(lag, 0, 0)) for lag in (0, 10, 60, 90)]
    assert told(conditions.lag_growing, *pages) == "lag of g grew from 10 to 90"
    assert told(conditions.lag_growing, *pages[:1], *pages[:1], *pages[:2]) is None


def test_a_partition_is_hot_beside_the_others() -> None:
    """Much lag in one, little in the rest; much lag in all is not that."""
    hot = conditions.partition_hot(1000)
    assert told(hot, exporter(lags=(5000, 900, 0))) == (
        "lag of partition 0 is 5000, the next (1) has 900"
    )
    assert told(hot, exporter(lags=(5000, 4900, 0))) is None
    assert told(hot, exporter(lags=(900, 0, 0))) is None


def test_a_group_is_empty_with_lag() -> None:
    """Both at once."""
    assert told(conditions.empty_with_lag, exporter(members=0, lags=(7, 0, 0))) == (
        "g has no members and lag 7"
    )
    assert told(conditions.empty_with_lag, exporter(members=0)) is None
    assert told(conditions.empty_with_lag, exporter(lags=(7, 0, 0))) is None


def test_dead_letters_arrive() -> None:
    """Within the window; older ones do not count."""
    pages = [exporter(dead=n) for n in (0, 0, 0, 2)]
    assert told(conditions.dead_letters, *pages) == "dead grew by 2"
    assert told(conditions.dead_letters, exporter(dead=0), *[exporter(dead=2)] * 3) is None


def test_members_come_and_go() -> None:
    """Three changes within a window are a storm, a single join is not."""
    pages = [exporter(members=n) for n in (2, 3, 2, 3)]
    seen = [
        Observation(float(at), MetricsPage.parse(page), None)
        for at, page in enumerate([*pages, *pages])
    ]
    assert conditions.rebalancing(Watched(ADDRESSES, seen, 6.0)) is not None
    calm = [Observation(float(at), MetricsPage.parse(pages[0]), None) for at in range(4)]
    joined = Observation(4.0, MetricsPage.parse(pages[1]), None)
    assert conditions.rebalancing(Watched(ADDRESSES, [*calm, joined], 3.0)) is None


def test_a_broker_is_missing() -> None:
    """Fewer than were seen before, and replicas out of sync."""
    page = exporter(brokers=2, under=1)
    assert told(conditions.broker_missing, exporter(), page) == (
        "2 of 3 brokers, 1 partitions under-replicated"
    )
    assert told(conditions.broker_missing, exporter(), exporter(under=1)) is None
    assert told(conditions.broker_missing, page) is None


def test_a_topic_is_under_its_min_isr() -> None:
    """One partition is enough; a topic that is gone is not."""
    condition = conditions.in_sync_below(MIN_ISR_TOPIC, REPLICAS)
    name = f'kafka_topic_partition_in_sync_replica{{topic="{MIN_ISR_TOPIC}",partition='
    assert told(condition, f'{name}"0"}} 3\n{name}"1"}} 2\n') == (
        f"1 partitions of {MIN_ISR_TOPIC} have fewer than 3 replicas in sync"
    )
    assert told(condition, f'{name}"0"}} 3\n') is None
    assert told(condition, exporter()) is None


def test_retention_overtakes_a_group() -> None:
    """The committed offset is before the oldest one that is kept."""
    condition = conditions.retention_overtook(RETENTION_TOPIC, RETENTION_GROUP)
    where = f'topic="{RETENTION_TOPIC}",partition="0"'
    oldest = f"kafka_topic_partition_oldest_offset{{{where}}} 60\n"
    commit = f'kafka_consumergroup_current_offset{{consumergroup="{RETENTION_GROUP}",{where}}}'
    assert told(condition, f"{oldest}{commit} 10\n") is not None
    assert told(condition, f"{oldest}{commit} 60\n") is None
    assert told(condition, oldest) is None


def test_the_exporter_is_silent_after_two_failed_scrapes() -> None:
    """A single failed scrape happens."""
    assert told(conditions.exporter_silent, exporter(), None, None) is not None
    assert told(conditions.exporter_silent, exporter(), None) is None
    assert told(conditions.exporter_silent, None, exporter()) is None


def test_exports_of_telemetry_fail() -> None:
    """When their counter rises within the window, whatever happened before."""
    name = 'kafkascope_demo_otlp_export_failures_total{signal="traces"}'
    risen = [f"{name} {count}\n" for count in (4, 4, 4, 6)]
    pages = [exporter()] * 4
    assert told(conditions.exports_failing, *pages, producers=risen) == (
        "2 exports of the producer failed"
    )
    same = [f"{name} 4\n"] * 4
    assert told(conditions.exports_failing, *pages, producers=same) is None


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_condition_is_there_in_a_healthy_demo(name: str) -> None:
    """Everything moves, nothing lags."""
    pages = [exporter(end=100 + n, committed=100 + n, lags=(1, 0, 2)) for n in range(4)]
    assert told(SCENARIOS[name].condition, *pages) is None
