"""What an audit says of the events that it sent."""

from collections import Counter

import pytest

from kafkascope_demo.audit import Audit, title_of

ALL = frozenset({"a-0", "a-1", "a-2"})


def test_nothing_is_lost_when_all_that_was_acknowledged_is_stored_and_processed() -> None:
    """What was stored without being acknowledged, or twice, is told, and is no loss."""
    audit = Audit(4, ALL, Counter({"a-0": 1, "a-1": 2, "a-2": 1, "a-3": 1}), processed=True)
    assert audit.ok
    assert [line.split()[-1] for line in audit.lines()][:6] == ["4", "3", "4", "1", "1", "0"]


@pytest.mark.parametrize(
    "audit",
    [
        Audit(3, ALL, Counter({"a-0": 1, "a-1": 1}), processed=True),
        Audit(3, ALL, Counter(ALL), processed=False),
        Audit(3, frozenset(), Counter(), processed=True),
    ],
    ids=["one is not stored", "not all of it is processed", "none was acknowledged"],
)
def test_an_audit_that_cannot_vouch_for_all_of_it_fails(audit: Audit) -> None:
    """Also one that has seen nothing."""
    assert not audit.ok


@pytest.mark.parametrize(
    ("value", "title"),
    [
        (b'{"title": "a-1", "speaker": "s"}', "a-1"),
        (b"Event [title=a-1, speaker=s, date=d]", "a-1"),
        (b"[1]", ""),
        (b"\xff no event", ""),
    ],
)
def test_the_title_is_read_in_either_format(value: bytes, title: str) -> None:
    """And of what is no event there is none."""
    assert title_of(value) == title
