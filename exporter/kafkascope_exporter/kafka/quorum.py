"""Which controller leads the cluster?

Source: DescribeQuorum API (KIP-595), the leader of ``__cluster_metadata``. In KRaft the controller
that Metadata and DescribeCluster name is any live broker.

A broker passes the question on to the controllers. Where those have no leader, it says nothing,
and reads nothing else from that connection meanwhile: hence a connection for this question alone.
"""

from collections.abc import Callable, Sequence
from typing import Final

from kafka.protocol.admin import DescribeQuorumRequest

from kafkascope_exporter.kafka.codes import NOT_GRANTED, UNSUPPORTED, error_name
from kafkascope_exporter.kafka.wire import Answer, Call, ClusterUnreachableError, Wire
from kafkascope_exporter.model import Broker, BrokerId, Controller, Failure

_LOG: Final = "__cluster_metadata"
_AT_ONCE: Final = 2  # so that one broker that is silent does not hide the answer
_QUIET: Final = NOT_GRANTED | {UNSUPPORTED}


class QuorumReader:
    """Reads who leads the controllers.

    Args:
        connect: makes connections to the cluster, for this question alone.
    """

    def __init__(self, connect: Callable[[], Wire]) -> None:
        self._connect = connect
        self._wire: Wire | None = None
        self._order: list[BrokerId] = []

    def read(
        self, told_by: Wire, brokers: Sequence[Broker], deadline: float
    ) -> tuple[Controller | None, list[Failure]]:
        """Ask two brokers at a time, and take the first answer.

        A cluster with ZooKeeper, and a principal that may not Describe the cluster, get ``None``
        and no failure.

        Args:
            told_by: connections that know what the brokers support.
            brokers: those of the cluster.
            deadline: on the clock of `time.monotonic`.

        Returns:
            The controller, ``None`` when there is none or nobody tells; and what failed.
        """
        able = [b.id for b in brokers if told_by.supports(DescribeQuorumRequest, 0, b.id)]
        if not able:
            return None, []
        wire = self._wire = self._wire or self._connect()
        try:
            wire.connect(deadline)
        except ClusterUnreachableError as error:
            self.close()
            return None, [Failure("DescribeQuorum", "", error.code)]
        known = {broker.id for broker in wire.brokers()}
        order = [b for b in self._order if b in able]
        order = [b for b in (*order, *(b for b in able if b not in order)) if b in known]
        answers = wire.ask_any([_call(broker) for broker in order], deadline, _AT_ONCE)
        failures = [answer.failure() for answer in answers if answer.response is None]
        answer = next((answer for answer in answers if answer.response is not None), None)
        if answer is None:
            self._order = order[_AT_ONCE:] + order[:_AT_ONCE]
            self.close()  # what it waits for would hold up the next question
            return None, failures
        self._order = [answer.call.broker, *(b for b in order if b != answer.call.broker)]
        controller, failed = _controller(answer)
        return controller, failures + failed

    def close(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None


def _call(broker: BrokerId) -> Call:
    topic = DescribeQuorumRequest.TopicData
    partition = topic.PartitionData(partition_index=0)
    request = DescribeQuorumRequest(topics=[topic(topic_name=_LOG, partitions=[partition])])
    return Call("DescribeQuorum", broker, request)


def _controller(answer: Answer) -> tuple[Controller | None, list[Failure]]:
    partitions = [p for topic in answer.response.topics or () for p in topic.partitions]
    codes = [answer.response.error_code, *(p.error_code for p in partitions)]
    code = next(filter(None, map(error_name, codes)), "")
    if code:
        failed = Failure("DescribeQuorum", str(answer.call.broker), code)
        return None, [] if code in _QUIET else [failed]
    if not partitions or partitions[0].leader_id < 0:
        return None, []
    return Controller(partitions[0].leader_id, partitions[0].leader_epoch), []
