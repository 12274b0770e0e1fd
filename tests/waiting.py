"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

_PAUSE_S: Final = 0.05

T = TypeVar("T")


def wait_until(condition: Callable[[], T], deadline_s: float, describe: str) -> T:
    """Ask again and again until the answer is true, and return it.

    Args:
        condition: The question; an ``AssertionError`` in it counts as a no.
        deadline_s: Seconds after which the test fails.
        describe: What is being waited for, for the failure's message.

    Raises:
        AssertionError: The deadline passed; the message has the last answer.
    """
    ends_at = time.monotonic() + deadline_s
    while True:
        last: object
        try:
            answer = condition()
        except AssertionError as error:
            last = error
        else:
            if answer:
                return answer
            last = answer
        if time.monotonic() >= ends_at:
            raise AssertionError(f"not within {deadline_s:g} s: {describe}; at last: {last!r}")
        time.sleep(_PAUSE_S)
