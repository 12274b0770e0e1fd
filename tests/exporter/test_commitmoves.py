"""When commits last moved."""

from dataclasses import replace

from kafkascope_exporter.commitmoves import CommitMoves
from kafkascope_exporter.model import Group
from tests.exporter.snapshots import group


def billing(*offsets: int) -> dict[str, Group]:
    """One group with commits on one topic."""
    return {"billing": group("billing", members=1, commits={"orders": dict(enumerate(offsets))})}


def test_a_commit_that_moves_has_the_time_of_that_cycle() -> None:
    """Of whichever partition; one that stands keeps its time, at first that of the first cycle."""
    moves = CommitMoves()
    times = [
        moves.update(billing(*offsets), float(now), all_listed=True)["billing"]["orders"]
        for now, offsets in enumerate([(5, 5), (5, 5), (5, 6), (5, 6), (4, 6)])
    ]
    assert times == [0, 0, 2, 2, 4]


def test_what_was_not_read_keeps_its_time() -> None:
    """A coordinator that is silent for a while does not make a stuck group look alive."""
    moves = CommitMoves()
    moves.update(billing(5), 0.0, all_listed=True)
    unread = {"billing": replace(billing(5)["billing"], commits=None)}
    assert moves.update(unread, 1.0, all_listed=True) == {"billing": {"orders": 0}}
    assert moves.update({}, 2.0, all_listed=False) == {}
    assert moves.update(billing(5), 3.0, all_listed=True) == {"billing": {"orders": 0}}


def test_a_group_that_is_gone_begins_anew() -> None:
    """And so does a topic that it has no commit on any more."""
    moves = CommitMoves()
    moves.update(billing(5), 0.0, all_listed=True)
    moves.update({}, 1.0, all_listed=True)
    assert moves.update(billing(5), 2.0, all_listed=True) == {"billing": {"orders": 2}}
