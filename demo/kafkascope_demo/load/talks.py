"""The six events that the talk's load generator sends, with its weights."""

import random
from typing import Final

from kafkascope_demo.events import Event

WEIGHTED: Final = (
    (Event("Fast learning Go", "Takuya Niita", "2024-02-07 19:00"), 2),
    (Event("Next.js basics", "Kyotaro Nonaka", "2024-03-06 19:00"), 2),
    (Event("Shin Kafka", "Shuhei Kawamura", "2024-04-10 19:00"), 2),
    (Event("Landscape of NewSQL", "Yutaka Ichikawa", "2024-05-08 19:00"), 50),
    (Event("IaaS infrastructure build with Kubernetes", "Takuya Niita", "2024-06-05 19:00"), 10),
    (Event("Ecosystem of LLM", "Shuhei Kawamura", "2024-07-10 19:00"), 10),
)
"""Events and how often each is sent, relative to the others."""

_EVENTS: Final = tuple(event for event, _ in WEIGHTED)
_WEIGHTS: Final = tuple(weight for _, weight in WEIGHTED)


def choose(chance: random.Random) -> Event:
    """Choose an event at random, by weight.

    Args:
        chance: Where the choice comes from.
    """
    return chance.choices(_EVENTS, _WEIGHTS)[0]
