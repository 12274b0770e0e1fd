"""Controller, min ISR, offline partitions, and commits that move, against real Kafka."""

import re

import pytest
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import LocalKafka
from kafkascope_exporter.config import Collect
from tests.integration.collecting import collecting
from tests.integration.commits import commit
from tests.integration.conftest import MakeTopic

pytestmark = pytest.mark.timeout(240)

FRESH = Collect(interval=3, deadline=2.4, hold=0, staleness=9)


def quorum_leader(kafka: LocalKafka) -> tuple[int, int]:
    """Give id and epoch of the controllers' leader as Kafka's own tool tells them."""
    done = kafka.tool("metadata-quorum", ["describe", "--status"])
    assert done.returncode == 0, done.stderr
    found = dict(re.findall(r"(LeaderId|LeaderEpoch):\s+(\d+)", done.stdout))
    return int(found["LeaderId"]), int(found["LeaderEpoch"])


def test_the_controller_is_the_one_that_kafkas_tool_names(kafka: LocalKafka) -> None:
    """With its epoch; metadata would name any live broker."""
    with collecting(kafka) as cycles:
        snapshot = cycles.until(lambda s, _: s.controller is not None, 30, "a controller")
    assert snapshot.controller is not None
    assert (snapshot.controller.id, snapshot.controller.epoch) == quorum_leader(kafka)


def test_the_minimum_of_in_sync_replicas_is_each_topics_own(
    kafka: LocalKafka, make_topic: MakeTopic
) -> None:
    """The default of the brokers where a topic sets none."""
    strict = make_topic(replication=3, config={"min.insync.replicas": "2"})
    plain = make_topic(replication=1)
    with collecting(kafka) as cycles:
        snapshot = cycles.until(lambda s, _: {strict, plain} <= s.min_in_sync.keys(), 90, "them")
    assert (snapshot.min_in_sync[strict], snapshot.min_in_sync[plain]) == (2, 1)


def test_a_commit_that_moves_has_the_time_of_the_cycle_that_saw_it(
    kafka: LocalKafka, admin: AdminClient, topic: str, group: str
) -> None:
    """One that stands keeps it."""
    commit(admin, group, topic, {0: 1})
    with collecting(kafka) as cycles:
        first = cycles.until(lambda s, _: group in s.commit_moved, 30, "the commit")
        stood = cycles.snapshot()
        assert stood.commit_moved[group] == first.commit_moved[group]
        commit(admin, group, topic, {0: 2})
        moved = cycles.until(
            lambda s, _: s.commit_moved[group] != first.commit_moved[group], 30, "it to move"
        )
    assert moved.commit_moved[group][topic] == moved.taken_at > first.taken_at


def test_when_brokers_stop_the_controller_moves_and_partitions_are_offline(
    breakable_kafka: LocalKafka, make_topic: MakeTopic
) -> None:
    """And the first questions to the dead broker hide none of it."""
    kafka = breakable_kafka
    topic = make_topic(partitions=3, replication=1)
    with collecting(kafka, FRESH) as cycles:
        before = cycles.until(
            lambda s, _: s.controller is not None and topic in s.topology.topics, 30, "all of it"
        )
        assert before.controller is not None
        victim = before.controller.id
        kafka.stop_broker(victim, kill=True)
        after = cycles.until(
            lambda s, _: s.controller is not None and s.controller.id != victim,
            60,
            "another controller",
        )
        assert after.controller is not None
        assert after.controller.epoch > before.controller.epoch
        offline = cycles.until(
            lambda s, _: any(p.leader is None for p in s.topology.topics[topic].partitions),
            60,
            "a partition without leader",
        )
    lost = [p for p in offline.topology.topics[topic].partitions if p.leader is None]
    assert [p.replicas for p in lost] == [(victim,)]
