"""A cluster of three brokers that answers like Kafka, and misbehaves as a test tells it to."""

from types import SimpleNamespace
from uuid import UUID

from kafkascope_exporter.kafka.listoffsets import LATEST, ListOffsetsResponse
from kafkascope_exporter.kafka.wire import Call, ClusterUnreachableError
from tests.exporter.kafka.fakewire import FakeWire, Silence, told

NOT_LEADER = 6


class FakeCluster(FakeWire):
    """One topic ``orders``, one group ``billing`` on broker 1; leaders by partition can change.

    Attributes:
        leaders: which broker leads which partition.
        claimed: the leaders that metadata name, when they are not ``leaders`` (once).
        frozen: brokers that say nothing.
        away: no bootstrap server answers either.
        uuid: the topic's id.
        born_again: the topic's id from the second answer to Metadata on, when it is created
            anew meanwhile.
        type: the group's type.
        begun: whether the bootstrap servers were to be asked again, by call of `connect`.
    """

    def __init__(self, *leaders: int) -> None:
        super().__init__(self._respond)
        self.leaders = list(leaders)
        self.claimed: list[int] | None = None
        self.frozen: set[int] = set()
        self.away = False
        self.uuid = UUID(int=1)
        self.born_again: UUID | None = None
        self.type = "Classic"
        self.begun: list[bool] = []
        self.closed = False

    def connect(self, deadline: float, *, again: bool = False) -> None:  # noqa: ARG002 - as `Wire` has it
        """Fail when nobody is there and the bootstrap servers have to be asked."""
        self.begun.append(again)
        if self.away and (again or len(self.begun) == 1):
            raise ClusterUnreachableError("kafka:9092: Connection refused", "NETWORK_EXCEPTION")

    def learn(self, brokers: object, deadline: float) -> None:
        """Know all brokers already."""

    def why(self) -> str:
        """Name no connection that failed."""
        return ""

    def take_requests(self) -> dict[tuple[str, str], int]:
        """Count nothing."""
        return {}

    def close(self) -> None:
        """Remember that."""
        self.closed = True

    def _respond(self, call: Call) -> SimpleNamespace | ListOffsetsResponse:
        if call.broker in self.frozen:
            raise Silence
        if call.api == "Metadata":
            return self._metadata()
        if call.api == "ListGroups":
            return told(error_code=0, groups=self._groups(call.broker))
        if call.api == "OffsetFetch":
            return told(groups=[self._commits()])
        if call.api == "DescribeGroups":
            return told(groups=[self._described()])
        if call.api == "DescribeConfigs":
            return told(results=[self._config(r.resource_name) for r in call.request.resources])
        return self._offsets(call)

    def _config(self, topic: str) -> SimpleNamespace:
        value = told(name="min.insync.replicas", value="2")
        return told(error_code=0, resource_name=topic, configs=[value])

    def _metadata(self) -> SimpleNamespace:
        leaders, self.claimed = self.claimed or self.leaders, None
        partitions = [
            told(partition_index=i, leader_id=leader, replica_nodes=[1, 2, 3], isr_nodes=[leader])
            for i, leader in enumerate(leaders)
        ]
        orders = told(name="orders", error_code=0, partitions=partitions, topic_id=self.uuid)
        self.uuid = self.born_again or self.uuid
        brokers = [told(node_id=b.id, host=b.host, port=b.port, rack=None) for b in self.brokers()]
        return told(cluster_id="c", brokers=brokers, topics=[orders])

    def _groups(self, broker: int) -> list[SimpleNamespace]:
        billing = told(
            group_id="billing",
            group_state="Stable",
            group_type=self.type,
            protocol_type="consumer",
        )
        return [billing] if broker == 1 else []

    def _commits(self) -> SimpleNamespace:
        partitions = [
            told(partition_index=i, committed_offset=5, error_code=0)
            for i in range(len(self.leaders))
        ]
        topic = told(name="orders", partitions=partitions)
        return told(group_id="billing", error_code=0, topics=[topic])

    def _described(self) -> SimpleNamespace:
        return told(
            group_id="billing",
            error_code=0,
            group_state="Stable",
            protocol_type="consumer",
            members=[told(member_assignment=b"")],
        )

    def _offsets(self, call: Call) -> ListOffsetsResponse:
        offset = 9 if call.request.timestamp == LATEST else 0
        response = ListOffsetsResponse(0, {"orders": {}}, {"orders": {}})
        for i in call.request.partitions["orders"]:
            if self.leaders[i] == call.broker:
                response.offsets["orders"][i] = offset
            else:
                response.errors["orders"][i] = NOT_LEADER
        return response
