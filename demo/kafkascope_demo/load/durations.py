"""Buckets of a histogram from Locust's counts of how many requests took how long."""

from collections.abc import Mapping
from typing import Final

BOUNDS_S: Final = (
    *(0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 20.0, 30.0, 60.0),
)
"""Upper bounds of the buckets, in seconds."""


def buckets(milliseconds: Mapping[int, int]) -> list[tuple[str, float]]:
    """Give cumulative buckets.

    Args:
        milliseconds: How many requests took how long.

    Returns:
        Pairs of an upper bound in seconds, the last of them ``+Inf``, and how many took no longer.
    """
    found = [
        (
            str(bound),
            float(sum(count for took, count in milliseconds.items() if took <= bound * 1000)),
        )
        for bound in BOUNDS_S
    ]
    return [*found, ("+Inf", float(sum(milliseconds.values())))]
