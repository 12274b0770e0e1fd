"""What one collection cycle knows about a Kafka cluster, as frozen data.

Offsets are positions in a partition's log, in messages; times are Unix seconds. A value that
could not be read is absent (a missing key or ``None``), never a made-up number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

TopicName: TypeAlias = str
GroupId: TypeAlias = str
PartitionId: TypeAlias = int
BrokerId: TypeAlias = int

PartitionOffsets: TypeAlias = Mapping[TopicName, Mapping[PartitionId, int]]
"""One offset per partition: topic name → partition id → offset (≥ 0)."""


MISSING_KINDS: Final = (
    "end_offset",
    "start_offset",
    "group_list",
    "group",
    "group_offsets",
    "group_members",
)
"""What can be missing: offsets of partitions, group lists of brokers, groups, parts of groups.

``group_offsets`` are the commits; as label values these names are not free to change.
"""

HELD_KINDS: Final = ("end_offset", "start_offset", "group", "group_offsets", "group_members")
"""What can be held: as `MISSING_KINDS`, and whole groups whose broker gave no list."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A live broker as the cluster's metadata names it."""

    id: BrokerId
    host: str
    port: int
    rack: str | None = None

    @property
    def address(self) -> str:
        """The advertised ``host:port``."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Partition:
    """Where a partition's replicas live; ``leader`` is ``None`` when it has none (offline)."""

    id: PartitionId
    leader: BrokerId | None
    replicas: tuple[BrokerId, ...]
    isr: tuple[BrokerId, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and its partitions in ascending order of their ids.

    ``uuid`` tells a re-created topic from its predecessor (KIP-516); brokers before 2.8 give none.
    """

    name: TopicName
    partitions: tuple[Partition, ...]
    uuid: UUID | None = None


@dataclass(frozen=True, slots=True)
class Topology:
    """The cluster's metadata: brokers, and the topics that pass the filters.

    A cycle whose metadata equals the one before keeps the same ``Topology`` object, so identity
    tells whether label caches are still good.
    """

    cluster_id: str | None
    brokers: tuple[Broker, ...]
    topics: Mapping[TopicName, Topic]


@dataclass(frozen=True, slots=True)
class Group:
    """A group, its state as the coordinator gives it, and its committed offsets.

    ``members`` is ``None`` when it is not known, ``commits`` when the coordinator did not give
    them. ``commits`` holds only partitions with a commit that exist in the topology.
    ``assigned`` is known only when member assignments were asked for (``offset.show-all`` off).
    """

    id: GroupId
    coordinator: BrokerId
    state: str
    type: str
    protocol_type: str
    members: int | None
    commits: PartitionOffsets | None
    assigned: Mapping[TopicName, frozenset[PartitionId]] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """``count`` things that one API call to one broker could not tell.

    ``api`` is Kafka's API name (``ListOffsets``), ``broker`` the node id as text (empty when no
    single broker was asked), ``code`` Kafka's error name (``NOT_COORDINATOR``) or ``TIMED_OUT``.
    """

    api: str
    broker: str
    code: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Controller:
    """The controller that leads the metadata quorum, and its leader epoch."""

    id: BrokerId
    epoch: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a cycle read, complete and immutable; what the metric groups render.

    ``end`` is the log end offset (high watermark) and ``start`` the log start offset of each
    partition that answered. ``min_in_sync`` is ``min.insync.replicas`` by topic, where it is known.
    ``commit_moved`` tells in Unix seconds when a group's commits on a topic last moved, or were
    first seen. ``missing`` counts what should be here and is not, by `MISSING_KINDS`;
    ``held`` counts what an earlier cycle read (``--collect.hold``), by `HELD_KINDS`.
    """

    taken_at: float
    topology: Topology
    end: PartitionOffsets
    start: PartitionOffsets
    groups: Mapping[GroupId, Group]
    min_in_sync: Mapping[TopicName, int] = field(default_factory=dict)
    controller: Controller | None = None
    commit_moved: Mapping[GroupId, Mapping[TopicName, float]] = field(default_factory=dict)
    missing: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CycleReport:
    """How one cycle went; the exporter's self metrics are made of these.

    ``durations`` are seconds by phase and ``cpu`` the seconds of CPU that the process used
    meanwhile, ``requests`` counts calls by (API name, broker id as text). ``succeeded`` says that
    the cluster's metadata was read, and ``unreachable`` why not; ``overran`` that the cycle took
    longer than the collect interval. ``sizes`` counts the brokers, topics, partitions and groups
    that it saw.
    """

    started_at: float
    duration: float
    succeeded: bool
    overran: bool
    durations: Mapping[str, float]
    cpu: Mapping[str, float]
    requests: Mapping[tuple[str, str], int]
    failures: tuple[Failure, ...]
    missing: Mapping[str, int]
    held: Mapping[str, int]
    unreachable: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
