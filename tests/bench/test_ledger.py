"""The ledger: what a look at something that grows can have shown."""

import pytest

from tests.bench.ledger import Bounds, Counter


def test_what_was_sent_may_be_seen_and_what_was_acknowledged_must_be() -> None:
    """The bounds differ by what is not certain, and by what came while somebody may have looked."""
    counter = Counter()
    counter.send()
    counter.acknowledge(at=10.0)
    counter.send()

    assert counter.seen_since(9.9) == Bounds(0, 2)
    assert counter.seen_since(10.0) == Bounds(1, 2)

    counter.acknowledge(at=12.0)

    assert counter.seen_since(11.9) == Bounds(1, 2)
    assert counter.seen_since(50.0) == Bounds(2, 2)


def test_never_more_than_one_step_is_uncertain() -> None:
    """A step is sent when the one before is acknowledged, and acknowledged when it was sent."""
    counter = Counter()
    with pytest.raises(ValueError, match="no step"):
        counter.acknowledge(at=1.0)
    counter.send()
    assert counter.waiting
    with pytest.raises(ValueError, match="not acknowledged"):
        counter.send()
