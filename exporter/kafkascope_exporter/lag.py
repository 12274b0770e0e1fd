"""Consumer lag: how many messages a group has yet to consume. Pure arithmetic, in messages."""

from collections.abc import Collection, Mapping
from typing import Final

from kafkascope_exporter.model import PartitionId

UNCOMMITTED: Final = -1
"""Stands for the offset and the lag of a partition without a commit, where one is wanted."""


def lags(
    commits: Mapping[PartitionId, int], ends: Mapping[PartitionId, int]
) -> dict[PartitionId, int]:
    """Give the messages between commit and end of the log, where the end is known.

    Never negative: a commit is read before the end offset, but the log may have been truncated,
    or the topic created anew, since the group committed.

    Args:
        commits: committed offset, or `UNCOMMITTED`, by partition.
        ends: log end offset by partition; a partition that is not here has no lag.
    """
    return {
        partition: UNCOMMITTED if offset == UNCOMMITTED else end - offset if end > offset else 0
        for partition, offset in commits.items()
        if (end := ends.get(partition)) is not None
    }


def offset_sum(commits: Mapping[PartitionId, int]) -> int | None:
    """Add up the committed offsets of a topic; ``None`` when it has no commit."""
    return _sum(commits.values())


def lag_sum(commits: Mapping[PartitionId, int], known: Mapping[PartitionId, int]) -> int | None:
    """Add up the lags of a topic.

    Args:
        commits: committed offset, or `UNCOMMITTED`, by partition.
        known: what `lags` gives for them.

    Returns:
        The sum, or ``None`` when the lag of a committed partition is unknown (the sum would be
        too small) or there is no commit.
    """
    if len(known) < len(commits) and any(
        offset != UNCOMMITTED and partition not in known for partition, offset in commits.items()
    ):
        return None
    return _sum(known.values())


def _sum(values: Collection[int]) -> int | None:
    if UNCOMMITTED in values:
        values = [value for value in values if value != UNCOMMITTED]
    return sum(values) if values else None
