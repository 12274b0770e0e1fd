"""Brokers that stop, freeze and come back: nothing wrong is told, and all is told again."""

from collections.abc import Mapping

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import LocalKafka
from kafkascope_exporter.config import Collect
from kafkascope_exporter.model import CycleReport, Snapshot
from tests.integration.collecting import Cycles, collecting, fill
from tests.integration.commits import commit
from tests.integration.conftest import MakeTopic

COUNTS = [11, 12, 13, 14, 15, 16]
COMMITS = {partition: partition + 1 for partition in range(len(COUNTS))}
GROUPS = 9
_DEADLINE_S = 90


class Known:
    """A topic of three replicas and groups, of which every number is known."""

    def __init__(self, topic: str, groups: list[str]) -> None:
        self.topic = topic
        self.groups = groups

    def is_all_there(self, snapshot: Snapshot, _: CycleReport | None = None) -> bool:
        """Tell whether nothing of it is missing in ``snapshot``."""
        return (
            snapshot.end.get(self.topic) == dict(enumerate(COUNTS))
            and snapshot.start.get(self.topic) == dict.fromkeys(range(len(COUNTS)), 0)
            and all(
                group in snapshot.groups
                and (snapshot.groups[group].commits or {}).get(self.topic) == COMMITS
                for group in self.groups
            )
        )

    def wrong(self, snapshot: Snapshot) -> list[str]:
        """Name every value that is there and not right."""
        told: dict[str, tuple[Mapping[int, int], Mapping[int, int]]] = {
            "end": (snapshot.end.get(self.topic, {}), dict(enumerate(COUNTS))),
            "start": (snapshot.start.get(self.topic, {}), dict.fromkeys(range(len(COUNTS)), 0)),
        }
        for name in self.groups:
            group = snapshot.groups.get(name)
            commits = group.commits if group else None
            told[f"commits of {name}"] = ((commits or {}).get(self.topic, {}), COMMITS)
            members = group.members if group else None
            told[f"members of {name}"] = ({} if members is None else {0: members}, {0: 0})
        return [
            f"{what}, {key}: {value} instead of {right.get(key)}"
            for what, (values, right) in told.items()
            for key, value in values.items()
            if value != right.get(key)
        ]

    def assert_never_wrong(self, cycles: Cycles) -> None:
        """No cycle told a wrong value."""
        for snapshot, report in cycles.seen:
            assert snapshot or report.failures
            assert snapshot is None or self.wrong(snapshot) == []

    def assert_gaps_were_counted(self, cycles: Cycles) -> None:
        """Where something was absent, the reports say that it was missing, and why."""
        gaps = [report for s, report in cycles.seen if s and not self.is_all_there(s)]
        assert not gaps or any(report.failures for report in gaps)
        assert not gaps or any(sum(report.missing.values()) for report in gaps)


@pytest.fixture
def known(make_topic: MakeTopic, producer: Producer, admin: AdminClient, group: str) -> Known:
    """Known data on the breakable cluster, its groups spread over all coordinators."""
    topic = make_topic(partitions=len(COUNTS), replication=3)
    fill(producer, topic, COUNTS)
    groups = [f"{group}-{number}" for number in range(GROUPS)]
    for name in groups:
        commit(admin, name, topic, COMMITS)
    return Known(topic, groups)


def test_a_stopped_broker_costs_its_own_series_until_leaders_have_moved(
    breakable_kafka: LocalKafka, known: Known
) -> None:
    """Killed: the missing is counted, all is full again without it, and with it again."""
    with collecting(breakable_kafka) as cycles:
        cycles.until(known.is_all_there, _DEADLINE_S, "everything")
        breakable_kafka.stop_broker(2, kill=True)
        while_down = cycles.until(
            lambda s, r: known.is_all_there(s, r) and len(s.topology.brokers) == 2,
            _DEADLINE_S,
            "everything from two brokers",
        )
        partitions = while_down.topology.topics[known.topic].partitions
        assert all(2 in p.replicas and 2 not in p.isr for p in partitions)
        breakable_kafka.start_broker(2)
        cycles.until(
            lambda s, r: known.is_all_there(s, r) and len(s.topology.brokers) == 3,
            _DEADLINE_S,
            "everything from three brokers",
        )
        known.assert_never_wrong(cycles)
        known.assert_gaps_were_counted(cycles)


def test_a_frozen_broker_costs_its_own_series_until_leaders_have_moved(
    breakable_kafka: LocalKafka, known: Known
) -> None:
    """SIGSTOP: live brokers' values come at once, the others when their leaders have moved."""
    with collecting(breakable_kafka) as cycles:
        cycles.until(known.is_all_there, _DEADLINE_S, "everything")
        breakable_kafka.pause_broker(3)
        snapshot, report = cycles.next()
        assert snapshot is not None
        assert any(f.broker == "3" and f.code == "TIMED_OUT" for f in report.failures), report
        assert snapshot.end[known.topic], "the live brokers' partitions are told all the same"
        cycles.until(
            lambda s, r: known.is_all_there(s, r) and len(s.topology.brokers) == 2,
            _DEADLINE_S,
            "everything without the frozen broker",
        )
        breakable_kafka.resume_broker(3)
        cycles.until(
            lambda s, r: known.is_all_there(s, r) and len(s.topology.brokers) == 3,
            _DEADLINE_S,
            "everything from three brokers",
        )
        known.assert_never_wrong(cycles)
        known.assert_gaps_were_counted(cycles)


def test_held_values_bridge_a_frozen_broker(breakable_kafka: LocalKafka, known: Known) -> None:
    """With a hold longer than a failover, no value is ever missing, and held ones are counted."""
    hold = Collect(interval=3, deadline=2.4, hold=120, staleness=360)
    with collecting(breakable_kafka, hold) as cycles:
        cycles.until(known.is_all_there, _DEADLINE_S, "everything")
        before = len(cycles.seen)
        breakable_kafka.pause_broker(1)
        cycles.until(
            lambda s, r: not r.failures and len(s.topology.brokers) == 2, _DEADLINE_S, "a failover"
        )
        after = cycles.seen[before:]
        assert all(snapshot and known.is_all_there(snapshot) for snapshot, _ in after)
        assert any(report.held["end_offset"] and report.held["group"] for _, report in after)
        known.assert_never_wrong(cycles)
        breakable_kafka.resume_broker(1)


def test_a_cluster_that_goes_and_comes_back_is_told_again(
    breakable_kafka: LocalKafka, known: Known
) -> None:
    """All down at the start and later: nothing, then all, then the topology only, then all."""
    everyone = breakable_kafka.broker_ids
    breakable_kafka.stop_broker(*everyone)
    with collecting(breakable_kafka) as cycles:
        snapshot, report = cycles.next()
        assert snapshot is None
        assert not report.succeeded
        assert [failure.api for failure in report.failures] == ["Connect"]
        breakable_kafka.start_broker(*everyone)
        full = cycles.until(known.is_all_there, _DEADLINE_S, "everything at last")

        breakable_kafka.stop_broker(*everyone, kill=True)
        snapshot, report = cycles.next()
        assert snapshot is not None
        assert not report.succeeded
        assert snapshot.taken_at == full.taken_at, "it stays as old as what was last read"
        assert not snapshot.end.get(known.topic)
        assert not snapshot.groups
        assert report.missing["end_offset"] >= len(COUNTS)
        breakable_kafka.start_broker(*everyone)
        cycles.until(known.is_all_there, _DEADLINE_S, "everything again")
        known.assert_never_wrong(cycles)


def test_a_partition_without_a_leader_keeps_what_metadata_tells_of_it(
    breakable_kafka: LocalKafka, make_topic: MakeTopic, producer: Producer
) -> None:
    """Its only replica is on the stopped broker: no offsets, counted; replicas and ISR stay."""
    topic = make_topic(partitions=3, replication=1)
    fill(producer, topic, [1, 2, 3])
    with collecting(breakable_kafka) as cycles:
        before = cycles.until(
            lambda s, _: s.end.get(topic) == {0: 1, 1: 2, 2: 3}, _DEADLINE_S, "all offsets"
        )
        stopped = before.topology.topics[topic].partitions[0].leader
        assert stopped is not None
        breakable_kafka.stop_broker(stopped)
        offline = cycles.until(
            lambda s, _: s.topology.topics[topic].partitions[0].leader is None,
            _DEADLINE_S,
            "a partition without a leader",
        )
        assert offline.topology.topics[topic].partitions[0].replicas == (stopped,)
        assert 0 not in offline.end.get(topic, {})
        assert offline.end[topic].keys() >= {1, 2} - {
            p.id for p in offline.topology.topics[topic].partitions if p.leader is None
        }
        assert offline.missing["end_offset"] >= 1
        breakable_kafka.start_broker(stopped)
