"""When Python looks for reference cycles: between collection cycles, and seldom.

It holds the interpreter lock meanwhile, so scrapes wait for it, and what a collection cycle makes
has none (docs/adr/0003).
"""

import gc
import time
from collections.abc import Callable
from typing import Final

_EVERY_S: Final = 300.0
# What clients make without end must not wait so long. Between cycles, when the old snapshot is
# gone, so many new objects are garbage for the most part; within one, only a flood reaches more.
_BETWEEN_CYCLES: Final = 50_000
_AT_MOST: Final = 500_000


class GarbageCollection:
    """Python's cyclic garbage collector on a timetable.

    Args:
        clock: seconds that never jump.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = clock() + _EVERY_S
        gc.freeze()
        gc.set_threshold(_AT_MOST, 1, 1)

    def when_due(self) -> None:
        """Collect if five minutes have passed since the last time, or much has piled up."""
        if self._clock() >= self._due or gc.get_count()[0] > _BETWEEN_CYCLES:
            gc.collect()
            self._due = self._clock() + _EVERY_S
