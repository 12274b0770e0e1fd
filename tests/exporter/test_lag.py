from hypothesis import given
from hypothesis import strategies as st

from kafkascope_exporter.lag import UNCOMMITTED, lag_sum, lags, offset_sum

PARTITIONS = st.integers(0, 8)
OFFSETS = st.integers(0, 2**63 - 1)
COMMITS = st.dictionaries(PARTITIONS, OFFSETS | st.just(UNCOMMITTED))
ENDS = st.dictionaries(PARTITIONS, OFFSETS)


def test_lag_is_the_distance_to_the_end() -> None:
    """The end offset is that of the next message, and so is the commit."""
    assert lags({0: 40, 1: 42}, {0: 42, 1: 42}) == {0: 2, 1: 0}


def test_lag_is_zero_when_the_commit_is_ahead() -> None:
    """A log that was truncated has no negative lag."""
    assert lags({0: 50}, {0: 42}) == {0: 0}


def test_lag_is_unknown_when_the_end_is() -> None:
    """There is no lag, and no sum either."""
    known = lags({0: 40, 1: 5}, {0: 42})
    assert known == {0: 2}
    assert lag_sum({0: 40, 1: 5}, known) is None


def test_what_is_not_committed_is_in_no_sum() -> None:
    """The sentinel -1 is a sign, not a number."""
    commits = {0: 40, 1: UNCOMMITTED}
    known = lags(commits, {0: 42, 1: 7})
    assert known == {0: 2, 1: UNCOMMITTED}
    assert (offset_sum(commits), lag_sum(commits, known)) == (40, 2)


@given(commits=COMMITS, ends=ENDS)
def test_lag_of_a_commit_is_never_negative(commits: dict[int, int], ends: dict[int, int]) -> None:
    """It is there for exactly the partitions of known end, and -1 only without a commit."""
    known = lags(commits, ends)
    assert known.keys() == commits.keys() & ends.keys()
    assert all(lag >= 0 or commits[partition] == lag == -1 for partition, lag in known.items())


@given(commits=COMMITS, ends=ENDS)
def test_a_sum_is_exact_or_absent(commits: dict[int, int], ends: dict[int, int]) -> None:
    """It is over all committed partitions; with one unknown there is none."""
    committed = {p: offset for p, offset in commits.items() if offset != UNCOMMITTED}
    exact = sum(max(0, ends.get(p, 0) - offset) for p, offset in committed.items())
    known = bool(committed) and committed.keys() <= ends.keys()
    assert lag_sum(commits, lags(commits, ends)) == (exact if known else None)
    assert offset_sum(commits) == (sum(committed.values()) if committed else None)
