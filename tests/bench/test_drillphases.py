"""The drill's verdict on a phase."""

import pytest

from tests.bench.drilldata import Comparison
from tests.bench.drillphases import Phase, Scrape, problems


def phase(name: str, shares: list[float | None], exporter: str = "default") -> Phase:
    """A phase whose scrapes, every 3 s, have these shares; None is one without an answer."""
    made = Phase(name, exporter)
    for turn, share in enumerate(shares):
        told = None if share is None else Comparison(share, (), kafka=round(100 * share))
        made.take(Scrape(at=3.0 * turn, took=0.01, told=told))
    return made


def test_a_phase_that_reaches_all_targets_has_no_problem() -> None:
    """84 % by time, 40 % at the least, and full again within two cycles."""
    good = phase("one frozen", [1.0, 0.45, 1.0, 1.0])
    good.until_full = 3.0

    assert list(problems(good)) == []


def test_every_missed_target_is_named() -> None:
    """The share by time, the least, the answers, and the time until all is there again."""
    bad = phase("one frozen", [1.0, 0.3, None, 1.0])
    bad.until_full = 30.0

    assert list(problems(bad)) == [
        "one frozen, default: 1 scrapes unanswered",
        "one frozen, default: 57% of the lag series, less than 84%",
        "one frozen, default: 0% at the least, less than 40%",
        "one frozen, default: full only 30.0 s after the cluster was whole again",
    ]


def test_a_slow_scrape_is_named() -> None:
    """0.2 s is the most."""
    slow = phase("healthy", [1.0])
    slow.take(Scrape(at=3, took=0.21, told=Comparison(1.0, (), 100)))

    assert list(problems(slow)) == ["healthy, default: a scrape took more than 0.2 s"]


def test_a_wrong_value_is_named_also_after_the_phase() -> None:
    """While the cluster gets well again values must be right, too."""
    after = phase("one killed", [1.0, 1.0], exporter="hold")
    after.take_wrong(Scrape(at=0, took=0.01, told=Comparison(0.5, ("lag: 7 instead of 8",), 50)))

    assert list(problems(after)) == ["one killed, hold: wrong value: lag: 7 instead of 8"]


@pytest.mark.parametrize(("late", "said"), [(0.0, 0), (0.5, 1)])
def test_with_all_frozen_kafkas_series_have_to_go(late: float, said: int) -> None:
    """After hold and staleness there are self metrics only."""
    frozen = phase("all frozen", [1.0, 0.5, 0.0, 0.0, 0.0, 0.0, late])

    assert len(list(problems(frozen))) == said
