from dataclasses import replace

from kafkascope_exporter.metrics import groups
from tests.exporter.exposed import exposed
from tests.exporter.snapshots import healthy, partial_failure

NAME = "kafka_consumergroup_members"
STATE = "kafka_consumergroup_state"


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


def test_each_group_has_the_state_that_its_coordinator_names() -> None:
    """One series, of the state that it is in; none where the broker tells no state."""
    assert exposed(groups.families, healthy())[STATE] == [
        '{consumergroup="billing",state="Stable"} 1',
        '{consumergroup="audit",state="Empty"} 1',
        r'{consumergroup="say \"hi\" \\ to <b>日本</b>\nbye",state="Stable"} 1',
    ]
    untold = {"billing": replace(healthy().groups["billing"], state="")}
    assert exposed(groups.families, replace(healthy(), groups=untold))[STATE] == []
