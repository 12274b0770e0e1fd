"""A load's report: arithmetic on samples, and the table."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_demo.loadreport.rendering import to_markdown
from kafkascope_demo.loadreport.samples import Sample
from kafkascope_demo.loadreport.stages import quantile, report


def sample(second: float, stage: int, requests: float, end: float, committed: float) -> Sample:
    """Make a sample of a topic of two partitions, equally filled."""
    return Sample(
        seconds=second,
        stage=stage,
        users=stage * 10,
        requests=requests,
        failures=requests // 10,
        durations={0.1: requests / 2, 0.2: requests, math.inf: requests},
        end={"0": end / 2, "1": end / 2},
        committed={"0": committed / 2, "1": committed / 2},
        end_to_end={1.0: committed, math.inf: committed},
    )


SAMPLES = [
    sample(0, 0, 500, 100, 100),  # of the load before: Locust begins to count again
    sample(1, 1, 0, 100, 100),
    sample(6, 1, 50, 150, 148),
    sample(11, 2, 100, 200, 200),
    sample(16, 2, 600, 700, 300),
    sample(21, 0, 1100, 1200, 400),
    sample(26, 0, 1100, 1200, 800),
    sample(31, 0, 1100, 1200, 1200),
]


def test_each_stage_has_its_rates_lag_and_times() -> None:
    """From its first sample to the first one after it."""
    first, second = report(SAMPLES).stages
    assert (first.stage, first.seconds, first.users) == (1, 10, 10)
    assert (first.requests_per_s, first.failures) == (10, 10)
    assert (first.p50_ms, first.p99_ms) == (100, 198)
    assert (first.delivered_per_s, first.max_lag, first.end_lag) == (10, 2, 0)
    assert (first.drain_s, first.keeps_up) == (0, True)
    assert (second.seconds, second.requests_per_s, second.failures) == (10, 100, 100)
    assert (second.delivered_per_s, second.consumed_per_s) == (100, 20)
    assert (second.max_lag, second.end_lag) == (800, 800)
    assert (second.drain_s, second.keeps_up) == (10, False)


def test_the_report_says_what_the_consumers_keep_up_with() -> None:
    """And where they fall behind."""
    found = report(SAMPLES)
    assert (found.keeps_up_with, found.falls_behind_at) == (10, 100)
    markdown = to_markdown(found)
    assert "kept up with 10 events/s, and fell behind at 100 events/s" in markdown
    assert markdown.splitlines()[3].startswith("| 2 | 10 | 20 | 100 | 100 | 100 | 198 | 100 | 20 |")
    assert found.to_json()["keeps_up_with_per_s"] == found.keeps_up_with


def test_what_was_not_seen_to_drain_has_no_time() -> None:
    """Instead of one that is invented."""
    *_, last = report(SAMPLES[:-1]).stages
    assert last.drain_s is None
    assert "not seen" in to_markdown(report(SAMPLES[:-1]))


def test_a_consumer_that_loses_ground_does_not_keep_up() -> None:
    """However little: what counts is that lag rises, not how much there is."""
    falling = [sample(at, int(0 < at < 60), 0, at * 300, at * 245) for at in range(0, 65, 5)]
    (stage,) = report(falling).stages
    assert stage.keeps_up is False
    steady = [sample(at, int(0 < at < 60), 0, at * 300, at * 300 - 500) for at in range(0, 65, 5)]
    (stage,) = report(steady).stages
    assert stage.keeps_up is True


def test_a_stage_that_delivered_nothing_says_nothing_of_the_consumers() -> None:
    """Neither that they keep up with 0 events a second."""
    (stage,) = report([sample(at, int(0 < at < 4), 0, 100, 100) for at in range(6)]).stages
    assert stage.keeps_up is None
    assert report([sample(0, 1, 0, 100, 100)]).keeps_up_with is None


def test_a_load_without_a_stage_kept_up_with_none() -> None:
    """Said in words, not by a zero."""
    assert "did not keep up with any" in to_markdown(report(SAMPLES[3:]))
    assert "No stage was long enough" in to_markdown(report(SAMPLES[:1]))


@pytest.mark.parametrize(
    ("buckets", "share", "value"),
    [
        ({}, 0.5, None),
        ({1.0: 0, math.inf: 0}, 0.5, None),
        ({1.0: 10, math.inf: 10}, 0.5, 0.5),
        ({1.0: 5, 2.0: 10, math.inf: 10}, 0.75, 1.5),
        ({1.0: 5, math.inf: 10}, 0.99, 1.0),
        ({math.inf: 10}, 0.99, None),
    ],
)
def test_quantiles_are_those_of_promql(
    buckets: dict[float, float], share: float, value: float | None
) -> None:
    """Interpolated in the bucket; above the last finite bound they are that bound."""
    assert quantile(buckets, share) == value


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.floats(0.01, 0.99))
def test_a_quantile_lies_within_the_bounds(counts: list[int], share: float) -> None:
    """Whatever the counts."""
    cumulative, total = {}, 0
    for bound, count in enumerate(counts, 1):
        total += count
        cumulative[float(bound)] = float(total)
    cumulative[math.inf] = float(total)
    found = quantile(cumulative, share)
    assert found is None if total == 0 else found is not None and 0 <= found <= len(counts)
