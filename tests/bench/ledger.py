"""What was written so far, and when: the bounds that a right value lies between."""

import bisect
from dataclasses import dataclass, field
from typing import NamedTuple


class Bounds(NamedTuple):
    """The least and the most that a value may be."""

    least: int
    most: int


@dataclass(slots=True)
class Counter:
    """How many steps of something that only grows were sent, and acknowledged when.

    One thread writes it; another may read it meanwhile. A step that was sent may have taken
    effect; one that was acknowledged has. The next is sent when the one before is acknowledged.
    """

    sent: int = 0
    _acknowledged: list[float] = field(default_factory=list)

    @property
    def waiting(self) -> bool:
        """Whether a step was sent and is not acknowledged yet."""
        return self.sent > len(self._acknowledged)

    def send(self) -> None:
        """Note a step that is about to be sent."""
        if self.waiting:
            raise ValueError("the step before this one is not acknowledged yet")
        self.sent += 1

    def acknowledge(self, at: float) -> None:
        """Note that the step that was sent last has taken effect by ``at``, a monotonic time."""
        if not self.waiting:
            raise ValueError("no step is waiting to be acknowledged")
        self._acknowledged.append(at)

    def seen_since(self, since: float) -> Bounds:
        """Give what a look at the thing can have shown, at whatever time from ``since`` to now."""
        return Bounds(bisect.bisect_right(self._acknowledged, since), self.sent)
