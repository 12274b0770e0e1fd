from dataclasses import replace

import pytest

from kafkascope_exporter.config import Cluster, Metrics
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.model import PartitionOffsets, Snapshot
from tests.exporter.snapshots import group, healthy

Assigned = dict[str, frozenset[int]]


def one_group(commits: dict[str, dict[int, int]], assigned: Assigned | None = None) -> Snapshot:
    """Give the healthy cluster with one group, ``g``."""
    only = replace(group("g", members=1, commits=commits), assigned=assigned)
    return replace(healthy(), groups={"g": only})


def shown(rendering: Rendering, snapshot: Snapshot) -> PartitionOffsets | None:
    """Give the commits of ``g`` that are shown."""
    return rendering.shown(snapshot).groups["g"].commits


def test_the_settings_of_the_cluster_and_of_the_metrics_are_taken() -> None:
    """Each of the three settings comes from where the user gives it."""
    cluster = Cluster(labels={"env": "x"}, show_all_offsets=False)
    assert Rendering.of(cluster, Metrics(uncommitted="sentinel")) == Rendering(
        constant_labels={"env": "x"}, show_all_offsets=False, sentinel=True
    )
    assert Rendering.of(Cluster(), Metrics()) == Rendering()


@pytest.mark.parametrize("sentinel", [False, True])
def test_commits_on_what_the_topology_lacks_are_not_shown(sentinel: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """A topic that was deleted, and partitions of one that was re-created with fewer."""
    commits = {"deleted": {0: 1}, "payments": {0: 5, 7: 9}, "orders": {9: 1}}
    assert shown(Rendering(sentinel=sentinel), one_group(commits)) == {"payments": {0: 5}}


def test_unknown_commits_stay_unknown() -> None:
    """They are not the same as none."""
    snapshot = replace(healthy(), groups={"g": group("g", members=1, commits=None)})
    assert shown(Rendering(sentinel=True), snapshot) is None


def test_without_assignments_known_none_are_shown_when_wanted() -> None:
    """Showing all instead would make series come and go with each failed DescribeGroups."""
    commits = {"orders": {0: 1}}
    assert shown(Rendering(show_all_offsets=False), one_group(commits, None)) == {}
    assert shown(Rendering(show_all_offsets=False), one_group(commits, {})) == {}
    assert shown(Rendering(), one_group(commits, None)) == commits


def test_the_sentinel_is_for_assigned_partitions_when_only_these_are_shown() -> None:
    """A topic whose assigned partitions have no commit is left out whole."""
    commits = {"orders": {0: 1, 2: 3}, "payments": {0: 4}}
    some = one_group(commits, {"orders": frozenset({1, 2}), "payments": frozenset()})
    rendering = Rendering(show_all_offsets=False, sentinel=True)
    assert shown(rendering, some) == {"orders": {1: -1, 2: 3}}
    none = one_group({"orders": {0: 1}}, {"orders": frozenset({1, 2})})
    assert shown(rendering, none) == {}


def test_the_snapshot_itself_is_not_changed() -> None:
    """It is shared with the next cycle, which may hold its values."""
    snapshot = one_group({"orders": {0: 1}, "deleted": {0: 1}})
    Rendering(sentinel=True).shown(snapshot)
    assert snapshot.groups["g"].commits == {"orders": {0: 1}, "deleted": {0: 1}}
