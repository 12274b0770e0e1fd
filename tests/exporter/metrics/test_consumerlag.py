from dataclasses import replace

from kafkascope_exporter.metrics import consumerlag
from kafkascope_exporter.metrics.rendering import Rendering
from tests.exporter.exposed import exposed
from tests.exporter.snapshots import group_without_commits, healthy, leaderless, partial_failure

LAG = "kafka_consumergroup_lag"
SUM = "kafka_consumergroup_lag_sum"


def of_group(lines: list[str], group: str) -> list[str]:
    """Give the lines of a group, without its label."""
    label = f'{{consumergroup="{group}",'
    return [line.removeprefix(label) for line in lines if line.startswith(label)]


def test_lag_is_shown_by_partition_and_summed_by_topic() -> None:
    """A partition that is caught up has 0."""
    shown = exposed(consumerlag.families, healthy())
    assert of_group(shown[LAG], "billing") == [
        'partition="0",topic="orders"} 2',
        'partition="1",topic="orders"} 0',
        'partition="2",topic="orders"} 10',
    ]
    assert of_group(shown[SUM], "billing") == ['topic="orders"} 12']
    assert of_group(shown[SUM], "audit") == ['topic="orders"} 0', 'topic="payments"} 0']


def test_lag_is_zero_when_the_commit_is_ahead_of_the_log() -> None:
    """A log that was truncated gives no negative lag."""
    shown = exposed(consumerlag.families, replace(healthy(), end={"orders": {0: 1, 1: 17, 2: 30}}))
    assert of_group(shown[LAG], "billing")[0] == 'partition="0",topic="orders"} 0'
    assert of_group(shown[SUM], "billing") == ['topic="orders"} 10']


def test_an_unknown_end_offset_takes_the_lag_and_its_sum_away() -> None:
    """A sum over the rest would be too small; other topics and groups keep theirs."""
    shown = exposed(consumerlag.families, leaderless())
    assert of_group(shown[LAG], "billing") == [
        'partition="0",topic="orders"} 2',
        'partition="2",topic="orders"} 10',
    ]
    assert of_group(shown[SUM], "billing") == []
    assert of_group(shown[SUM], "audit") == ['topic="payments"} 0']


def test_no_commits_give_no_lag() -> None:
    """Neither for a group without commits nor for one whose commits are unknown."""
    assert exposed(consumerlag.families, group_without_commits()) == {LAG: [], SUM: []}
    shown = exposed(consumerlag.families, partial_failure())
    assert of_group(shown[LAG] + shown[SUM], "audit") == []


def test_the_sentinel_is_shown_and_not_summed() -> None:
    """Partitions without a commit have -1 beside one that has one."""
    shown = exposed(consumerlag.families, healthy(), Rendering(sentinel=True))
    assert of_group(shown[LAG], "audit") == [
        'partition="0",topic="orders"} -1',
        'partition="1",topic="orders"} 0',
        'partition="2",topic="orders"} -1',
        'partition="0",topic="payments"} 0',
    ]
    assert of_group(shown[SUM], "audit") == ['topic="orders"} 0', 'topic="payments"} 0']


def test_a_sum_does_not_need_the_end_of_what_is_not_committed() -> None:
    """With the sentinel, an uncommitted partition of unknown end has no lag and costs no sum."""
    snapshot = replace(healthy(), end={"orders": {1: 20}})
    shown = exposed(consumerlag.families, snapshot, Rendering(sentinel=True))
    assert of_group(shown[LAG], "audit") == ['partition="1",topic="orders"} 3']
    assert of_group(shown[SUM], "audit") == ['topic="orders"} 3']


def test_only_assigned_partitions_have_lag_when_asked_for() -> None:
    """``--no-offset.show-all``: an unknown end elsewhere does not cost the sum."""
    snapshot = leaderless()
    billing = replace(snapshot.groups["billing"], assigned={"orders": frozenset({2})})
    snapshot = replace(snapshot, groups={"billing": billing})
    shown = exposed(consumerlag.families, snapshot, Rendering(show_all_offsets=False))
    assert of_group(shown[LAG], "billing") == ['partition="2",topic="orders"} 10']
    assert of_group(shown[SUM], "billing") == ['topic="orders"} 10']
