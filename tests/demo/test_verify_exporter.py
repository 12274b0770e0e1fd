"""When the verifier calls the exporter's offsets and lag right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_demo.metricspage import MetricsPage
from kafkascope_demo.verify.exporter import Numbers, disagreements


def page(end: float, committed: float, lag: float, partition: int = 0) -> MetricsPage:
    """A page of one partition."""
    where = f'topic="t",partition="{partition}"'
    return MetricsPage.parse(
        f"kafka_topic_partition_current_offset{{{where}}} {end}\n"
        f'kafka_consumergroup_current_offset{{consumergroup="g",{where}}} {committed}\n'
        f'kafka_consumergroup_lag{{consumergroup="g",{where}}} {lag}\n'
    )


def wrong(shown: MetricsPage, before: Numbers, after: Numbers) -> list[str]:
    """What the verifier has against a page."""
    return list(disagreements({0: before}, shown, {0: after}, "t", "g"))


@given(*(st.integers(0, 10_000) for _ in range(2)), *(st.integers(0, 500) for _ in range(4)))
def test_whatever_was_read_between_two_answers_of_the_brokers_agrees(
    committed: int, behind: int, early: int, late: int, read: int, moved: int
) -> None:
    """Committed first, then the end, as the exporter reads: always within the bounds."""
    before = Numbers(committed + behind, committed)
    shown_commit = committed + min(early, behind)
    shown_end = committed + behind + read
    after = Numbers(shown_end + late, min(shown_commit + moved, shown_end))
    lag = shown_end - shown_commit
    assert not wrong(page(shown_end, shown_commit, lag), before, after)


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (page(9, 5, 5), "kafka_topic_partition_current_offset of partition 0 is 9, not 10 to 12"),
        (page(10, 4, 5), "kafka_consumergroup_current_offset of partition 0 is 4, not 5 to 7"),
        (page(10, 5, 8), "kafka_consumergroup_lag of partition 0 is 8, not 3 to 7"),
    ],
)
def test_a_value_outside_what_the_brokers_said_is_named(shown: MetricsPage, told: str) -> None:
    """With the bounds that it is not within."""
    assert wrong(shown, Numbers(10, 5), Numbers(12, 7)) == [told]


def test_a_partition_that_the_exporter_does_not_show_is_named() -> None:
    """Absence is a disagreement where the brokers have a commit."""
    found = wrong(page(10, 5, 5, partition=1), Numbers(10, 5), Numbers(10, 5))
    assert [told.split()[-2:] for told in found] == [["is", "absent"]] * 3
