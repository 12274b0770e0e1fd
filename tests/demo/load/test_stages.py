"""Stages of a load: what they are parsed from, and how many users there are when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_demo.load.stages import TALK, Moment, Stage, at, parse_stages


def test_the_talks_stages_are_three_minutes_to_ten_ten_to_twenty_one_to_none() -> None:
    """As its k6 script has them."""
    assert parse_stages(TALK) == (Stage(180, 10), Stage(600, 20), Stage(60, 0))


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("", ()),
        ("0", ()),
        ("90:5", (Stage(90, 5),)),
        ("1h30m10s:7", (Stage(5410, 7),)),
        (" 1.5s:2 , 2m:0", (Stage(1.5, 2), Stage(120, 0))),
    ],
)
def test_durations_have_units_or_are_seconds(text: str, stages: tuple[Stage, ...]) -> None:
    """As Locust's and k6's own."""
    assert parse_stages(text) == stages


@pytest.mark.parametrize(
    "text", ["3m", "3m:", ":10", "3x:10", "3m:-1", "0s:10", "3m:10,", "1m:1.5"]
)
def test_what_is_no_stage_is_named(text: str) -> None:
    """With an example of what is one."""
    with pytest.raises(ValueError, match="such as 3m:10,10m:20,1m:0"):
        parse_stages(text)


def test_users_change_in_a_straight_line_from_the_stage_before() -> None:
    """From one at first, as k6 begins."""
    stages = parse_stages("9s:10,10s:20,10s:0")
    assert [at(stages, second) for second in (0, 4.5, 9, 14, 24, 29)] == [
        Moment(1, 1),
        Moment(1, 6),  # halfway from one to ten is five and a half
        Moment(2, 10),
        Moment(2, 15),
        Moment(3, 10),
        None,
    ]


STAGES = st.lists(
    st.builds(Stage, st.floats(0.1, 1000), st.integers(0, 1000)), min_size=1, max_size=6
)


@given(STAGES, st.floats(0, 1e5))
def test_there_is_a_moment_until_the_stages_are_over_and_always_in_a_loop(
    stages: list[Stage], seconds: float
) -> None:
    """And users are never more than the most that a stage asks for, or the first one."""
    whole = sum(stage.seconds for stage in stages)
    moment = at(stages, seconds)
    if abs(seconds - whole) > 1e-6 * max(1, whole):
        assert (moment is not None) == (seconds < whole)
    looped = at(stages, seconds, loop=True)
    if looped is not None:  # at the seam of two rounds floats may fall on either side
        assert 0 <= looped.users <= max(1, *(stage.users for stage in stages))
