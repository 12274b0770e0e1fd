"""Attributes after semantic conventions v1.44.0, prebuilt per client, operation and topic.

``tests/tracing/semconv-1.44.0.toml`` names the source of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias, TypeVar

from opentelemetry.trace import SpanKind

from kafkascope_tracing.metrics import AttributeSet

Value: TypeAlias = str | int | bool | list[str]
SpanAttributes: TypeAlias = dict[str, Value]
Role: TypeAlias = Literal["producer", "consumer"]

SYSTEM: Final = "messaging.system"
OPERATION_NAME: Final = "messaging.operation.name"
OPERATION_TYPE: Final = "messaging.operation.type"
DESTINATION_NAME: Final = "messaging.destination.name"
PARTITION_ID: Final = "messaging.destination.partition.id"
GROUP_NAME: Final = "messaging.consumer.group.name"
CLIENT_ID: Final = "messaging.client.id"
BATCH_COUNT: Final = "messaging.batch.message_count"
KAFKA_KEY: Final = "messaging.kafka.message.key"
KAFKA_OFFSET: Final = "messaging.kafka.offset"
KAFKA_TOMBSTONE: Final = "messaging.kafka.message.tombstone"
KAFKA_CLUSTER_ID: Final = "messaging.kafka.cluster.id"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"

# Experimental, named as in OpenTelemetry's Java instrumentation; off by default.
QUEUE_TIME: Final = "kafka.record.queue_time_ms"
BOOTSTRAP_SERVERS: Final = "messaging.kafka.bootstrap.servers"
TRANSACTION_OUTCOME: Final = "kafkascope.transaction.outcome"
ACKNOWLEDGE_TYPE: Final = "kafkascope.acknowledge.type"

# Semantic conventions v1.24, given beside the others with `messaging/dup`.
OLD_OPERATION: Final = "messaging.operation"
OLD_PARTITION: Final = "messaging.kafka.destination.partition"
OLD_OFFSET: Final = "messaging.kafka.message.offset"
OLD_GROUP: Final = "messaging.kafka.consumer.group"
OLD_CLIENT_ID: Final = "messaging.client_id"

_DEFAULT_PORT: Final = 9092
_DEFAULT_CLIENT_ID: Final = "rdkafka"
_CACHE_LIMIT: Final = 4096
"""Prebuilt entries per client; whoever uses more topics has them built anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of the messaging conventions; each is one object, found by its identity.

    Args:
        name: ``messaging.operation.name`` and the first word of the span's name.
        type: ``messaging.operation.type``; empty where the conventions have none.
        kind: Of the span.
        old_name: ``messaging.operation`` of v1.24.
    """

    name: str
    type: str
    kind: SpanKind
    old_name: str


SEND: Final = Operation("send", "send", SpanKind.PRODUCER, "publish")
SEND_OF_CREATED: Final = Operation("send", "send", SpanKind.CLIENT, "publish")
CREATE: Final = Operation("create", "create", SpanKind.PRODUCER, "create")
POLL: Final = Operation("poll", "receive", SpanKind.CLIENT, "receive")
PROCESS: Final = Operation("process", "process", SpanKind.CONSUMER, "process")
COMMIT: Final = Operation("commit", "settle", SpanKind.CLIENT, "settle")
ACKNOWLEDGE: Final = Operation("acknowledge", "settle", SpanKind.CLIENT, "settle")
TRANSACTION: Final = Operation("transaction", "", SpanKind.INTERNAL, "")


_CONSUMING: Final = frozenset({POLL, PROCESS, COMMIT, ACKNOWLEDGE})


class MetricSets(NamedTuple):
    """The attributes of a count and of a duration: only the latter has the operation's type."""

    counted: AttributeSet
    measured: AttributeSet


class SpanBase(NamedTuple):
    """What every span of one client, operation and topic starts with. Not to be changed."""

    name: str
    kind: SpanKind
    attributes: SpanAttributes


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a client connects first."""

    address: str
    port: int


def endpoint_of(config: Mapping[str, object]) -> Endpoint | None:
    """Return the first bootstrap server, None when there is none that can be read."""
    servers = config.get("bootstrap.servers", config.get("metadata.broker.list"))
    if not isinstance(servers, str):
        return None
    first = servers.split(",")[0].strip()
    host_and_port = first.rpartition("://")[2]
    host, colon, port = host_and_port.rpartition(":")
    if not colon or "]" in port:
        host, port = host_and_port, ""
    host = host.strip("[]")
    if not host or not (port.isdecimal() or not port):
        return None
    return Endpoint(host, int(port) if port else _DEFAULT_PORT)


class ClientAttributes:
    """What spans and metrics of one client have in common.

    Args:
        config: The client's configuration; what is no text in it counts as absent. An empty one is
            that of a client which is not known.
        role: Only consumers have a group.
        old_names: Give names of v1.24 as well.
        experimental: Give the bootstrap servers as well.
    """

    __slots__ = (
        "_common",
        "_metric_sets",
        "_old_names",
        "_role",
        "_server",
        "_span_bases",
        "group",
        "key",
    )

    def __init__(
        self,
        config: Mapping[str, object],
        *,
        role: Role,
        old_names: bool = False,
        experimental: bool = False,
    ) -> None:
        self._role = role
        self._old_names = old_names
        self.group = _text(config.get("group.id")) if role == "consumer" else ""
        endpoint = endpoint_of(config)
        self._server: dict[str, str | int] = (
            {}
            if endpoint is None
            else {SERVER_ADDRESS: endpoint.address, SERVER_PORT: endpoint.port}
        )
        self._common: SpanAttributes = {**self._server}
        if config:
            client_id = _text(config.get("client.id")) or _DEFAULT_CLIENT_ID
            self._common[CLIENT_ID] = client_id
            if old_names:
                self._common[OLD_CLIENT_ID] = client_id
        servers = _text(config.get("bootstrap.servers"))
        if experimental and servers:
            self._common[BOOTSTRAP_SERVERS] = servers
        self.key = (role, self.group, *sorted(self._common.items(), key=lambda item: item[0]))
        """Equal for clients whose attributes are equal."""
        self._span_bases: dict[tuple[Operation, str | None, int], SpanBase] = {}
        self._metric_sets: dict[object, MetricSets] = {}

    @property
    def cluster_id(self) -> str:
        """The cluster's id; empty while it is not known."""
        return str(self._common.get(KAFKA_CLUSTER_ID, ""))

    @cluster_id.setter
    def cluster_id(self, cluster_id: str) -> None:
        self._common[KAFKA_CLUSTER_ID] = cluster_id
        self._span_bases = {}

    def span_base(self, operation: Operation, topic: str | None, partition: int = -1) -> SpanBase:
        """Return name, kind and first attributes of a span.

        Args:
            operation: What is done.
            topic: The destination; None when there are several.
            partition: Negative when there are several, or when it is not known.
        """
        bases = self._span_bases  # these ones: the setter above may replace them meanwhile
        key = (operation, topic, partition)
        found = bases.get(key)
        if found is None:
            found = self._make_span_base(operation, topic)
            self.add_position(found.attributes, partition, None)
            _keep(bases, key, found)
        return found

    def _make_span_base(self, operation: Operation, topic: str | None) -> SpanBase:
        attributes: SpanAttributes = {SYSTEM: "kafka", OPERATION_NAME: operation.name}
        if operation.type:
            attributes[OPERATION_TYPE] = operation.type
        if topic is not None:
            attributes[DESTINATION_NAME] = topic
        # Create spans are not about a client's talk with its brokers: no client, no cluster.
        attributes.update(self._server if operation is CREATE else self._common)
        consumes = operation in _CONSUMING
        if consumes and self.group:
            attributes[GROUP_NAME] = self.group
        if self._old_names:
            if operation.old_name:
                attributes[OLD_OPERATION] = operation.old_name
            if consumes and self.group:
                attributes[OLD_GROUP] = self.group
        name = operation.name if topic is None else f"{operation.name} {topic}"
        return SpanBase(name, operation.kind, attributes)

    def metric_set(
        self,
        operation: Operation,
        topic: str | None,
        partition: int | None = None,
        error: str = "",
    ) -> MetricSets:
        """Return the attributes of measurements, the same object each time.

        Args:
            operation: What was done.
            topic: The destination; None when there are several.
            partition: None when there are several, negative when it is not known.
            error: ``error.type``; empty when there was none.
        """
        key = (operation, topic, partition, error)
        found = self._metric_sets.get(key)
        if found is None:
            found = self._make_metric_set(operation, topic, partition, error)
            _keep(self._metric_sets, key, found)
        return found

    def _make_metric_set(
        self, operation: Operation, topic: str | None, partition: int | None, error: str
    ) -> MetricSets:
        attributes: dict[str, str | int] = {
            SYSTEM: "kafka",
            OPERATION_NAME: operation.name,
            **self._server,
        }
        if topic is not None:
            attributes[DESTINATION_NAME] = topic
        if partition is not None and partition >= 0:
            attributes[PARTITION_ID] = str(partition)
        if self.group and operation in _CONSUMING:
            attributes[GROUP_NAME] = self.group
        if error:
            attributes[ERROR_TYPE] = error
        counted = tuple(sorted(attributes.items()))
        if operation.type and operation is not PROCESS:
            attributes[OPERATION_TYPE] = operation.type
        return MetricSets(counted, tuple(sorted(attributes.items())))

    def position(self, partition: int | None, offset: int | None) -> SpanAttributes:
        """Return the attributes of a partition and an offset that are known."""
        attributes: SpanAttributes = {}
        self.add_position(attributes, partition, offset)
        return attributes

    def add_position(
        self, attributes: SpanAttributes, partition: int | None, offset: int | None
    ) -> None:
        """Add the attributes of a partition and an offset that are known."""
        if partition is not None and partition >= 0:
            attributes[PARTITION_ID] = str(partition)
            if self._old_names:
                attributes[OLD_PARTITION] = partition
        if offset is not None and offset >= 0:
            attributes[KAFKA_OFFSET] = offset
            if self._old_names:
                attributes[OLD_OFFSET] = offset


def key_text(key: object) -> str | None:
    """Return a key's canonical text, None for one that has none (binary, or no key)."""
    if isinstance(key, bytes):
        try:
            key = key.decode()
        except UnicodeDecodeError:
            return None
    return key if isinstance(key, str) and key.isprintable() else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


_K = TypeVar("_K")
_V = TypeVar("_V")


def _keep(cache: dict[_K, _V], key: _K, value: _V) -> None:
    if len(cache) < _CACHE_LIMIT:
        cache[key] = value
