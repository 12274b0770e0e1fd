"""Whether the consumer makes progress: stuck and idle look the same from a distance."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """How the consumer is.

    Args:
        name: ``starting``, ``consuming``, ``idle`` or ``stuck``.
        behind: Records to read when that was asked last.
        since_progress_s: Seconds since a record was finished, or there was none to read.
    """

    name: str
    behind: int
    since_progress_s: float


class Progress:
    """What the consumer's thread notes, and what others ask. Safe to use from every thread.

    Args:
        stuck_after_s: Seconds without progress until the consumer counts as stuck.
        clock: Seconds that only grow.
    """

    def __init__(self, stuck_after_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stuck_after_s = stuck_after_s
        self._clock = clock
        self._lock = threading.Lock()
        self._progressed_at: float | None = None
        self._turned_at = 0.0
        self._behind = 0
        self._busy = False

    def begin(self) -> None:
        """Note that the consumer has begun to read."""
        with self._lock:
            self._progressed_at = self._turned_at = self._clock()

    def turn(self) -> None:
        """Note that the loop has come round, whether or not there was a record."""
        with self._lock:
            self._turned_at = self._clock()

    def finish(self) -> None:
        """Note that a record is done."""
        with self._lock:
            self._progressed_at = self._clock()
            self._busy = True

    def find(self, behind: int) -> None:
        """Note how many records there are to read."""
        with self._lock:
            self._behind = behind
            self._busy = False
            if behind == 0:
                self._progressed_at = self._clock()

    def state(self) -> State:
        """Tell how the consumer is.

        It is stuck when it has been working on one record for too long, and when there are records
        to read of which it has finished none for too long. An idle one has none to read.
        """
        with self._lock:
            now = self._clock()
            if self._progressed_at is None:
                return State("starting", 0, 0.0)
            since = now - self._progressed_at
            hangs = now - self._turned_at >= self._stuck_after_s
            if hangs or (self._behind > 0 and since >= self._stuck_after_s):
                return State("stuck", self._behind, since)
            name = "consuming" if self._busy or self._behind else "idle"
            return State(name, self._behind, since)
