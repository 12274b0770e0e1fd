"""Compare the ways to ask every partition for its end offset, in CPU and wall seconds.

`python -m tests.bench.list_offsets_paths BOOTSTRAP_SERVERS` prints the least of seven interleaved
runs of each way against the same cluster: one librdkafka consumer handle per leader
(``offsets_for_times``), kafka-python's own request and response classes, and ours. docs/adr/0004
stands on it.
"""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from kafka.protocol.consumer import ListOffsetsRequest as GenericRequest

from kafkascope_exporter.config import Filter
from kafkascope_exporter.kafka.listoffsets import LATEST
from kafkascope_exporter.kafka.metadata import MetadataReader
from kafkascope_exporter.kafka.offsets import every_partition, read_offsets
from kafkascope_exporter.kafka.wire import Call, Wire
from kafkascope_exporter.model import BrokerId, Topology

_RUNS = 7
_CHUNK = 500
_DEADLINE = 30.0

ByLeader = dict[BrokerId, list[tuple[str, int]]]


def main() -> None:
    """Measure against the cluster named on the command line."""
    servers = sys.argv[1]
    wire = Wire(
        {
            "bootstrap_servers": servers.split(","),
            "receive_message_max_bytes": 1 << 30,
            "max_in_flight_requests_per_connection": 1 << 20,
        }
    )
    wire.connect(time.monotonic() + _DEADLINE)
    topology, _ = MetadataReader(wire, Filter()).read(time.monotonic() + _DEADLINE)
    if topology is None:
        sys.exit(f"no broker of {servers} answered")
    led = _by_leader(topology)
    handles = {leader: _handle(servers) for leader in led}
    ways: dict[str, Callable[[], int]] = {
        "librdkafka, a handle per leader": lambda: _by_handles(handles, led),
        "kafka-python's classes": lambda: _by_classes(wire, led),
        "struct on the same connections": lambda: _by_struct(wire, topology),
    }
    for way, (wall, cpu, answered) in _measure(ways).items():
        print(f"{way:34} wall {wall:.3f} s  CPU {cpu:.3f} s  {answered} offsets")
    wire.close()


def _measure(ways: dict[str, Callable[[], int]]) -> dict[str, tuple[float, float, int]]:
    best: dict[str, tuple[float, float, int]] = {}
    for _ in range(_RUNS):
        for way, ask in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            answered = ask()
            took = (time.perf_counter() - wall, time.process_time() - cpu)
            before = best.get(way, (*took, answered))
            best[way] = (min(before[0], took[0]), min(before[1], took[1]), answered)
    return best


def _by_leader(topology: Topology) -> ByLeader:
    led: ByLeader = {}
    for topic in topology.topics.values():
        for partition in topic.partitions:
            if partition.leader is not None:
                led.setdefault(partition.leader, []).append((topic.name, partition.id))
    return led


def _handle(servers: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "list-offsets-paths",
            "enable.auto.commit": False,
            "isolation.level": "read_uncommitted",
        }
    )


def _by_handles(handles: dict[BrokerId, Consumer], led: ByLeader) -> int:
    answered: dict[BrokerId, int] = {}

    def ask(leader: BrokerId) -> None:
        offsets = 0
        for at in range(0, len(led[leader]), _CHUNK):
            wanted = [TopicPartition(t, p, LATEST) for t, p in led[leader][at : at + _CHUNK]]
            told = handles[leader].offsets_for_times(wanted, timeout=_DEADLINE)
            offsets += sum(1 for t in told if t.error is None and t.offset >= 0)
        answered[leader] = offsets

    threads = [threading.Thread(target=ask, args=(leader,)) for leader in led]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answered.values())


def _by_classes(wire: Wire, led: ByLeader) -> int:
    topic_class: Any = GenericRequest.ListOffsetsTopic
    calls = []
    for leader, partitions in led.items():
        topics: dict[str, list[Any]] = {}
        for name, partition in partitions:
            asked = topic_class.ListOffsetsPartition(
                partition_index=partition, current_leader_epoch=-1, timestamp=LATEST
            )
            topics.setdefault(name, []).append(asked)
        asked_topics = [topic_class(name=n, partitions=p) for n, p in topics.items()]
        request = GenericRequest(
            replica_id=-1, isolation_level=0, topics=asked_topics, max_version=7
        )
        calls.append(Call("ListOffsets", leader, request))
    answers = wire.ask(calls, time.monotonic() + _DEADLINE)
    return sum(1 for a in answers for t in a.response.topics for p in t.partitions if p.offset >= 0)


def _by_struct(wire: Wire, topology: Topology) -> int:
    wanted = {LATEST: list(every_partition(topology))}
    read = read_offsets(wire, topology, wanted, time.monotonic() + _DEADLINE)[LATEST]
    return sum(map(len, read.offsets.values()))


if __name__ == "__main__":
    main()
