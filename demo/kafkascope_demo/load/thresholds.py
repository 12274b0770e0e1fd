"""Whether a test kept within its thresholds; the exit code says so."""

import logging
from collections.abc import Iterator
from typing import Final, Protocol

from kafkascope_demo.load.options import Thresholds

_logger = logging.getLogger(__name__)

_P95: Final = 0.95
_P99: Final = 0.99


class Requests(Protocol):
    """All requests of a test, as Locust's statistics have them."""

    num_requests: int

    @property
    def fail_ratio(self) -> float:
        """Share of them that failed."""

    def get_response_time_percentile(self, percent: float) -> int:
        """Give the milliseconds that this share of them took at most."""


def exceeded(thresholds: Thresholds, requests: Requests) -> list[str]:
    """Say of each threshold that was exceeded what was and what could have been.

    Args:
        thresholds: Of the test.
        requests: All of the test; when there were none, any threshold counts as exceeded.
    """
    measured = list(_measured(thresholds, requests))
    if measured and not requests.num_requests:
        return ["there was no request"]
    return [
        f"{name} is {value:g}, at most {most:g} was asked for"
        for name, value, most in measured
        if value > most
    ]


def _measured(thresholds: Thresholds, requests: Requests) -> Iterator[tuple[str, float, float]]:
    if thresholds.fail_ratio is not None:
        yield "the share of failed requests", requests.fail_ratio, thresholds.fail_ratio
    for share, most in ((_P95, thresholds.p95_ms), (_P99, thresholds.p99_ms)):
        if most is not None:
            milliseconds = requests.get_response_time_percentile(share) or 0
            yield f"p{share * 100:.0f} in ms", float(milliseconds), most


def exit_code(thresholds: Thresholds, requests: Requests, crashed: int = 0) -> int | None:
    """Give the exit code that the thresholds ask for.

    Args:
        thresholds: Of the test.
        requests: All of the test.
        crashed: How many kinds of exceptions ended users' tasks.

    Returns:
        None leaves it to Locust, which gives 1 for any failed request: where no share of them may
        fail by a threshold.
    """
    found = exceeded(thresholds, requests)
    if crashed:
        found.append(f"{crashed} kinds of exceptions in users")
    for line in found:
        _logger.error("threshold exceeded: %s", line)
    if found:
        return 1
    return None if thresholds.fail_ratio is None else 0
