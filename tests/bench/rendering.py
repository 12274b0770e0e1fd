"""Measure what it costs to make a page, without Kafka: by metric group, and by deflate level.

`python -m tests.bench.rendering [PARTITIONS]` prints the least CPU milliseconds of several runs
for that many partitions (default 10,000) in topics of ten, a tenth as many groups with 18 commits
each. docs/adr/0002 stands on it.
"""

import argparse
import random
import time
import zlib
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from kafkascope_exporter.exposition import Renderer, respond
from kafkascope_exporter.metrics import METRICS
from kafkascope_exporter.metrics.family import Family, MetricGroup
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.metrics.self import SelfMetrics
from kafkascope_exporter.model import Broker, Group, Partition, Snapshot, Topic, Topology

_RUNS = 11
_BROKERS = 3
_PARTITIONS_PER_TOPIC = 10
_COMMITS_PER_GROUP = 18

Made = TypeVar("Made")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("partitions", type=int, nargs="?", default=10_000)
    snapshot = cluster(parser.parse_args().partitions)
    labels = timed("labels (once per topology)", lambda: Labels(snapshot.topology, {}))
    shown = timed("shown", lambda: Rendering().shown(snapshot))
    for group in METRICS:
        timed(f"lines of {group.name}", partial(_lines, group, shown, labels))
    renderer = Renderer(Rendering())
    page = timed("page, all of it", lambda: renderer.render([snapshot]))
    for level in (1, 2, 3, 4, 6):
        deflated = timed(f"deflate, level {level}", partial(_deflate, page.identity, level))
        print(f"{'':34}{len(deflated) / 1e6:8.2f} MB")
    metrics = SelfMetrics("0")
    tail = timed("scrape: self metrics", lambda: metrics.render(openmetrics=True))
    timed("scrape: gzip body", lambda: respond(page, tail, gzip=True))
    print(f"{sum(page.series.values())} series, {page.size / 1e6:.2f} MB")


def timed(what: str, make: Callable[[], Made]) -> Made:
    """Call ``make`` several times, and print the least CPU time of this thread."""
    least = float("inf")
    for _ in range(_RUNS):
        begun = time.thread_time()
        made = make()
        least = min(least, time.thread_time() - begun)
    print(f"{what:34}{least * 1e3:8.2f} ms")
    return made


def cluster(partitions: int) -> Snapshot:
    """Make a snapshot with random offsets."""
    chance = random.Random(1)  # noqa: S311 - test data
    ids = range(_PARTITIONS_PER_TOPIC)
    names = [f"bench.topic-{n:05}" for n in range(partitions // _PARTITIONS_PER_TOPIC)]
    topics = {
        name: Topic(name, tuple(Partition(i, *_placed(n + i)) for i in ids))
        for n, name in enumerate(names)
    }
    end = {name: {i: chance.randrange(10**6, 10**7) for i in ids} for name in names}
    start = {name: {i: chance.randrange(10**5) for i in ids} for name in names}
    groups = {}
    for n in range(partitions // 10):
        commits: dict[str, dict[int, int]] = {}
        for at in range(_COMMITS_PER_GROUP):
            name = names[(2 * n + at // _PARTITIONS_PER_TOPIC) % len(names)]
            offset = chance.randrange(10**5, 10**6)
            commits.setdefault(name, {})[at % _PARTITIONS_PER_TOPIC] = offset
        id_ = f"bench-group-{n:05}"
        groups[id_] = Group(id_, 1, "Stable", "classic", "consumer", 2, commits)
    brokers = tuple(Broker(id_, "127.0.0.1", 9092 + id_) for id_ in range(_BROKERS))
    return Snapshot(time.time(), Topology("bench", brokers, topics), end, start, groups)


def _placed(seed: int) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    leader = seed % _BROKERS
    return leader, (leader,), (leader,)


def _lines(group: MetricGroup, shown: Snapshot, labels: Labels) -> list[Family]:
    return list(group.families(shown, labels))


def _deflate(text: tuple[bytes, ...], level: int) -> bytes:
    deflate = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return b"".join([*map(deflate.compress, text), deflate.flush(zlib.Z_FULL_FLUSH)])


if __name__ == "__main__":
    main()
