"""The load's events, options, thresholds and buckets.

Locust is not imported here: it patches the whole process for gevent.
"""

import random
from collections import Counter
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import configargparse
import pytest

from kafkascope_demo.load import talks, thresholds
from kafkascope_demo.load.durations import BOUNDS_S, buckets
from kafkascope_demo.load.options import DefaultStages, Load, Thresholds, add_options
from kafkascope_demo.load.stages import Stage


class Parser(configargparse.ArgumentParser):  # type: ignore[misc] # it has no types
    """A parser with what Locust's own has besides."""

    def add_argument(self, *names: Any, include_in_web_ui: bool = True, **rest: Any) -> Any:  # noqa: ANN401 - as it is
        """Add an argument, on the web page or not."""
        assert isinstance(include_in_web_ui, bool)
        return super().add_argument(*names, **rest)


def parsed(*arguments: str) -> SimpleNamespace:
    """Parse a command line of Locust with our options."""
    parser = Parser()
    parser.add_argument("--users", dest="num_users")
    add_options(parser)
    return SimpleNamespace(**vars(parser.parse_args(list(arguments))))


def test_the_six_events_have_the_talks_weights() -> None:
    """76 in all, the fourth of them 50."""
    assert [weight for _, weight in talks.WEIGHTED] == [2, 2, 2, 50, 10, 10]
    chance = random.Random(1)  # noqa: S311 - no secret
    chosen = Counter(talks.choose(chance).title for _ in range(7600))
    for event, weight in talks.WEIGHTED:
        assert weight * 60 < chosen[event.title] < weight * 140


def test_options_are_the_talks_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the command line or in the environment."""
    options = parsed()
    assert isinstance(options.stages, DefaultStages)
    load = Load.read(options)  # type: ignore[arg-type] # a namespace, too
    assert load.stages[0] == Stage(180, 10)
    assert (load.loop, load.user_rate, load.reuse_connections) == (False, 0, True)
    monkeypatch.setenv("STAGES", "5s:3")
    monkeypatch.setenv("NO_CONNECTION_REUSE", "on")
    load = Load.read(parsed("--loop", "on", "--user-rate", "2.5"))  # type: ignore[arg-type] # a namespace, too
    assert load == Load((Stage(5, 3),), True, 2.5, False, 60)  # noqa: FBT003 - of a test


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--stages", "3m"), "argument --stages: '3m' is no stage"),
        (("--loop", "yes"), "argument --loop: 'yes' is neither on nor off"),
        (("--user-rate", "-1"), "argument --user-rate: '-1' is not a number of at least 0"),
        (("--max-fail-ratio", "5"), "argument --max-fail-ratio: '5' is no share: from 0 to 1"),
        (("--max-p95", "nan"), "argument --max-p95: 'nan' is not a number of at least 0"),
    ],
)
def test_an_option_that_is_wrong_is_named(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what it takes."""
    with pytest.raises(SystemExit):
        parsed(*arguments)
    assert told in capsys.readouterr().err


@dataclass
class Requests:
    """What Locust counted."""

    num_requests: int
    failed: int = 0
    took_ms: int = 10

    @property
    def fail_ratio(self) -> float:
        """Share of failures."""
        return self.failed / self.num_requests if self.num_requests else 0.0

    def get_response_time_percentile(self, percent: float) -> int:
        """Give a time that grows with the percentile."""
        return round(self.took_ms * percent * 100)


@pytest.mark.parametrize(
    ("limits", "requests", "code"),
    [
        (Thresholds(None, None, None), Requests(10, failed=10), None),
        (Thresholds(0.1, None, None), Requests(10, failed=1), 0),
        (Thresholds(0.1, None, None), Requests(10, failed=2), 1),
        (Thresholds(None, 950, 990), Requests(10), None),
        (Thresholds(None, 949, None), Requests(10), 1),
        (Thresholds(None, None, 989), Requests(10), 1),
        (Thresholds(1, None, None), Requests(0), 1),
    ],
)
def test_thresholds_make_the_exit_code(
    limits: Thresholds, requests: Requests, code: int | None
) -> None:
    """None leaves it to Locust, for which a failed request is 1; without any none is kept."""
    assert thresholds.exit_code(limits, requests) == code


def test_users_that_crash_are_no_success() -> None:
    """Whatever the thresholds say of requests."""
    assert thresholds.exit_code(Thresholds(1, None, None), Requests(10), crashed=1) == 1


def test_buckets_are_cumulative_seconds() -> None:
    """From Locust's counts by millisecond."""
    found = dict(buckets({0: 1, 4: 2, 5: 1, 70000: 3}))
    assert (found["0.001"], found["0.004"], found["0.005"]) == (1, 3, 4)
    assert (found[str(BOUNDS_S[-1])], found["+Inf"]) == (4, 7)
