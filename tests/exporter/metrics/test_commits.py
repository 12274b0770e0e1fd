from dataclasses import replace

from kafkascope_exporter.metrics import commits
from kafkascope_exporter.metrics.rendering import Rendering
from tests.exporter.exposed import exposed
from tests.exporter.snapshots import group_without_commits, healthy, partial_failure

OFFSET = "kafka_consumergroup_current_offset"
SUM = "kafka_consumergroup_current_offset_sum"
MOVED = "kafka_consumergroup_commit_moved_timestamp_seconds"


def test_each_commit_is_shown_and_summed_by_topic() -> None:
    """One series per committed partition, one sum per group and topic."""
    shown = exposed(commits.families, healthy())
    assert shown[OFFSET][:3] == [
        '{consumergroup="billing",partition="0",topic="orders"} 40',
        '{consumergroup="billing",partition="1",topic="orders"} 17',
        '{consumergroup="billing",partition="2",topic="orders"} 20',
    ]
    assert shown[SUM] == [
        '{consumergroup="billing",topic="orders"} 77',
        '{consumergroup="audit",topic="orders"} 17',
        '{consumergroup="audit",topic="payments"} 1000000007',
        r'{consumergroup="say \"hi\" \\ to <b>日本</b>\nbye",topic="payments"} 1000000000',
    ]


def test_a_group_without_commits_gives_no_series() -> None:
    """Neither an offset nor a sum of 0."""
    assert exposed(commits.families, group_without_commits()) == {OFFSET: [], SUM: [], MOVED: []}


def test_unknown_commits_give_no_series() -> None:
    """A group whose coordinator is silent has no commits; another's held ones are shown."""
    shown = exposed(commits.families, partial_failure())
    assert not any("audit" in line for line in shown[OFFSET] + shown[SUM])
    assert '{consumergroup="billing",topic="orders"} 77' in shown[SUM]


def test_the_sentinel_is_shown_and_not_summed() -> None:
    """Partitions without a commit have -1 beside one that has one."""
    shown = exposed(commits.families, healthy(), Rendering(sentinel=True))
    assert [line for line in shown[OFFSET] if "audit" in line] == [
        '{consumergroup="audit",partition="0",topic="orders"} -1',
        '{consumergroup="audit",partition="1",topic="orders"} 17',
        '{consumergroup="audit",partition="2",topic="orders"} -1',
        '{consumergroup="audit",partition="0",topic="payments"} 1000000007',
    ]
    assert '{consumergroup="audit",topic="orders"} 17' in shown[SUM]


def test_commits_have_the_time_when_they_last_moved() -> None:
    """By group and topic, in Unix seconds to the millisecond; only where there is a commit."""
    shown = exposed(commits.families, healthy())[MOVED]
    assert shown[:3] == [
        '{consumergroup="billing",topic="orders"} 1799999996.000',
        '{consumergroup="audit",topic="orders"} 1799996400.000',
        '{consumergroup="audit",topic="payments"} 1799996399.750',
    ]
    assert not any("audit" in line for line in exposed(commits.families, partial_failure())[MOVED])


def test_only_commits_on_assigned_partitions_are_shown_when_asked_for() -> None:
    """``--no-offset.show-all``: the sum is over what is shown."""
    snapshot = healthy()
    billing = replace(snapshot.groups["billing"], assigned={"orders": frozenset({0, 1})})
    snapshot = replace(snapshot, groups={"billing": billing})
    shown = exposed(commits.families, snapshot, Rendering(show_all_offsets=False))
    assert shown == {
        OFFSET: [
            '{consumergroup="billing",partition="0",topic="orders"} 40',
            '{consumergroup="billing",partition="1",topic="orders"} 17',
        ],
        SUM: ['{consumergroup="billing",topic="orders"} 57'],
        MOVED: ['{consumergroup="billing",topic="orders"} 1799999996.000'],
    }


def test_constant_labels_are_in_alphabetical_order() -> None:
    """They stand between the metric's own labels."""
    rendering = Rendering(constant_labels={"cluster": "c", "env": "e", "site": "s"})
    shown = exposed(commits.families, healthy(), rendering)
    head = '{cluster="c",consumergroup="billing",env="e",'
    assert shown[OFFSET][0] == head + 'partition="0",site="s",topic="orders"} 40'
    assert shown[SUM][0] == head + 'site="s",topic="orders"} 77'
