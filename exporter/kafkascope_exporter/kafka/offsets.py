"""Where does each partition's log end, and where does it start?

Source: ListOffsets, read_uncommitted, so that "latest" is the high watermark and not the last
stable offset. Each partition's leader is asked for its own partitions, so a silent broker costs
only those.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kafkascope_exporter.kafka.codes import error_name
from kafkascope_exporter.kafka.listoffsets import ListOffsetsRequest
from kafkascope_exporter.kafka.wire import Answer, Call, Wire
from kafkascope_exporter.model import (
    BrokerId,
    Failure,
    PartitionId,
    Topic,
    TopicName,
    Topology,
)

PARTITIONS_PER_REQUEST = 2000
"""Bounds how long one request keeps one of the broker's request handlers busy."""

_LEADER_CHANGED = frozenset(
    {
        "FENCED_LEADER_EPOCH",
        "KAFKA_STORAGE_ERROR",
        "LEADER_NOT_AVAILABLE",
        "NOT_LEADER_FOR_PARTITION",
        "OFFSET_NOT_AVAILABLE",
        "REPLICA_NOT_AVAILABLE",
        "UNKNOWN_LEADER_EPOCH",
        "UNKNOWN_TOPIC_OR_PARTITION",
    }
)

TopicPartition = tuple[TopicName, PartitionId]


@dataclass(frozen=True, slots=True)
class OffsetsRead:
    """What ListOffsets told for one timestamp.

    ``unanswered`` are the partitions whose leader did not answer or is not known; ``moved`` those
    whose leader says that it leads them no more. Those refused for another reason are in neither.
    """

    offsets: dict[TopicName, dict[PartitionId, int]]
    unanswered: list[TopicPartition]
    moved: list[TopicPartition]
    failures: list[Failure]


def every_partition(topology: Topology) -> Iterator[TopicPartition]:
    """Name each partition of the topology."""
    return ((t.name, p.id) for t in topology.topics.values() for p in t.partitions)


def read_offsets(
    wire: Wire,
    topology: Topology,
    wanted: Mapping[int, Iterable[TopicPartition]],
    deadline: float,
) -> dict[int, OffsetsRead]:
    """Ask the leaders for offsets.

    Args:
        wire: connections to the cluster.
        topology: who leads what.
        wanted: by timestamp (`listoffsets.LATEST`, `listoffsets.EARLIEST`, or milliseconds since
            the epoch) the partitions to ask for, in the order of importance. Those without a
            leader are not asked for, as nobody could answer.
        deadline: on the clock of `time.monotonic`.

    Returns:
        What was told, by timestamp.
    """
    reads: dict[int, OffsetsRead] = {}
    calls = []
    for timestamp, partitions in wanted.items():
        by_leader, leaderless = _by_leader(topology, partitions)
        reads[timestamp] = OffsetsRead({}, leaderless, [], [])
        calls += [
            Call("ListOffsets", leader, ListOffsetsRequest(chunk, timestamp))
            for leader, topics in by_leader.items()
            for chunk in _chunks(topics)
        ]
    for answer in wire.ask(calls, deadline):
        _take(answer, reads[answer.call.request.timestamp])
    return reads


def topics_gone(before: Topology, after: Topology) -> frozenset[TopicName]:
    """Name the topics of ``before`` that have been deleted since, and created again or not.

    A topic is another one when its id is (KIP-516). Brokers before 2.8 tell none: there a topic
    that has come back counts as the same.
    """
    return frozenset(
        name
        for name, topic in before.topics.items()
        if name not in after.topics or _ids_differ(topic, after.topics[name])
    )


def ask_again(read: OffsetsRead, gone: Collection[TopicName], after: Topology) -> OffsetsRead:
    """Take out of a read what it told of topics that have gone, and what has to be asked again.

    Args:
        read: what was told before; not changed.
        gone: `topics_gone`, whose offsets are those of another log.
        after: the newest metadata.

    Returns:
        What still holds; ``moved`` are the partitions that have moved and exist, and all
        partitions of the topics that have been created again.
    """
    kept = {topic: told for topic, told in read.offsets.items() if topic not in gone}
    counts = {name: len(topic.partitions) for name, topic in after.topics.items()}
    moved = [(t, p) for t, p in read.moved if t not in gone and p < counts.get(t, 0)]
    new = [(t, p.id) for t in gone if t in after.topics for p in after.topics[t].partitions]
    unanswered = [(t, p) for t, p in read.unanswered if t not in gone]
    return OffsetsRead(kept, unanswered, moved + new, list(read.failures))


def _ids_differ(before: Topic, after: Topic) -> bool:
    return None not in (before.uuid, after.uuid) and before.uuid != after.uuid


def _take(answer: Answer, read: OffsetsRead) -> None:
    asked = answer.call.request.partitions
    if answer.response is None:
        silent = [(topic, i) for topic, ids in asked.items() for i in ids]
        read.unanswered.extend(silent)
        read.failures.append(answer.failure(len(silent)))
        return
    for topic, offsets in answer.response.offsets.items():
        read.offsets.setdefault(topic, {}).update(offsets)
    for topic, errors in answer.response.errors.items():
        for partition, error in errors.items():
            code = error_name(error) or "OFFSET_NOT_AVAILABLE"
            read.failures.append(Failure("ListOffsets", str(answer.call.broker), code))
            if code in _LEADER_CHANGED:
                read.moved.append((topic, partition))


def _by_leader(
    topology: Topology, partitions: Iterable[TopicPartition]
) -> tuple[dict[BrokerId, dict[TopicName, list[PartitionId]]], list[TopicPartition]]:
    leaders = {
        name: {p.id: p.leader for p in topic.partitions} for name, topic in topology.topics.items()
    }
    by_leader: dict[BrokerId, dict[TopicName, list[PartitionId]]] = defaultdict(dict)
    leaderless: list[TopicPartition] = []
    for topic, partition in partitions:
        leader = leaders[topic].get(partition) if topic in leaders else None
        if leader is None:
            leaderless.append((topic, partition))
        else:
            by_leader[leader].setdefault(topic, []).append(partition)
    return by_leader, leaderless


def _chunks(
    topics: dict[TopicName, list[PartitionId]],
) -> Iterator[dict[TopicName, list[PartitionId]]]:
    chunk: dict[TopicName, list[PartitionId]] = {}
    size = 0
    for topic, ids in topics.items():
        for at in range(0, len(ids), PARTITIONS_PER_REQUEST):
            part = ids[at : at + PARTITIONS_PER_REQUEST]
            if size and size + len(part) > PARTITIONS_PER_REQUEST:
                yield chunk
                chunk, size = {}, 0
            chunk[topic] = part
            size += len(part)
    if chunk:
        yield chunk
