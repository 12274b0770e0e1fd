"""Collection cycles against a cluster of the tests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

from kafkascope_demo.localkafka import LocalKafka
from kafkascope_exporter.collection import ClusterCollection
from kafkascope_exporter.config import Cluster, Collect
from kafkascope_exporter.exporter import collection_of
from kafkascope_exporter.model import CycleReport, Snapshot
from tests.waiting import wait_until

QUICK = Collect(interval=3, deadline=2.4, hold=0, staleness=9)


class Cycles:
    """Runs cycles one by one and keeps what each gave.

    Args:
        collection: what to run.
    """

    def __init__(self, collection: ClusterCollection) -> None:
        self._collection = collection
        self.seen: list[tuple[Snapshot | None, CycleReport]] = []

    def next(self) -> tuple[Snapshot | None, CycleReport]:
        """Run a cycle."""
        self.seen.append(self._collection.cycle())
        return self.seen[-1]

    def snapshot(self) -> Snapshot:
        """Run a cycle that gives a snapshot."""
        snapshot, report = self.next()
        assert snapshot is not None, report
        return snapshot

    def until(
        self, condition: Callable[[Snapshot, CycleReport], bool], deadline_s: float, describe: str
    ) -> Snapshot:
        """Run cycles until one meets ``condition``, and give its snapshot."""

        def met() -> Snapshot | None:
            snapshot, report = self.next()
            return snapshot if snapshot is not None and condition(snapshot, report) else None

        found = wait_until(met, deadline_s, describe)
        assert found is not None
        return found


@contextmanager
def collecting(
    kafka: LocalKafka, collect: Collect = QUICK, *, show_all_offsets: bool = True
) -> Iterator[Cycles]:
    """Collect from ``kafka`` as the exporter does, without its schedule.

    Args:
        kafka: the cluster.
        collect: deadline and hold.
        show_all_offsets: False reads the members' assignments too.
    """
    cluster = Cluster(
        servers=tuple(kafka.bootstrap_servers.split(",")), show_all_offsets=show_all_offsets
    )
    collection = collection_of(cluster, collect)
    try:
        yield Cycles(collection)
    finally:
        collection.close()


def fill(producer: Producer, topic: str, counts: list[int]) -> None:
    """Produce so many messages to each partition."""
    for partition, count in enumerate(counts):
        for _ in range(count):
            producer.produce(topic, b"x", partition=partition)
    assert producer.flush(60) == 0
