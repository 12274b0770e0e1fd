from kafkascope_exporter.metrics import groups
from tests.exporter.exposed import exposed
from tests.exporter.snapshots import healthy, partial_failure

NAME = "kafka_consumergroup_members"


def test_members_of_each_group_are_counted() -> None:
    """An empty group has 0; a hostile name is escaped."""
    assert exposed(groups.families, healthy())[NAME] == [
        '{consumergroup="billing"} 2',
        '{consumergroup="audit"} 0',
        r'{consumergroup="say \"hi\" \\ to <b>日本</b>\nbye"} 1',
    ]


def test_unknown_members_give_no_series() -> None:
    """A group whose coordinator is silent has no number of members, not 0."""
    shown = exposed(groups.families, partial_failure())[NAME]
    assert not any("billing" in line for line in shown)
    assert '{consumergroup="audit"} 0' in shown
