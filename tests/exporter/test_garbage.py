"""When Python's cyclic garbage collector runs."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from kafkascope_exporter.garbage import GarbageCollection


class Node:
    """Refers to itself, so that only the garbage collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_reference_cycles_are_freed_every_five_minutes_and_not_before() -> None:
    """A long run does not grow by them, and a scrape seldom waits for it."""
    now = [0.0]
    garbage = GarbageCollection(lambda: now[0])
    alive = weakref.ref(Node())
    now[0] = 299.9
    garbage.when_due()
    assert alive() is not None
    now[0] = 300.0
    garbage.when_due()
    assert alive() is None


def test_after_one_time_the_next_is_five_minutes_later() -> None:
    """Counted from the end of it."""
    now = [0.0]
    garbage = GarbageCollection(lambda: now[0])
    now[0] = 310.0
    garbage.when_due()
    alive = weakref.ref(Node())
    now[0] = 609.0
    garbage.when_due()
    assert alive() is not None
    now[0] = 610.0
    garbage.when_due()
    assert alive() is None


def test_much_garbage_does_not_wait_for_five_minutes() -> None:
    """Clients that send nonsense leave some with each request."""
    garbage = GarbageCollection(lambda: 0.0)
    gc.collect()
    alive = weakref.ref(Node())
    garbage.when_due()
    assert alive() is not None
    pile = [Node() for _ in range(60_000)]
    pile.clear()
    garbage.when_due()
    assert alive() is None
