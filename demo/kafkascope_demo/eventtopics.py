"""Makes the topics of the demo, however long Kafka is away."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from kafkascope_demo.environment import Environment

_log = logging.getLogger(__name__)

_REQUEST_S: Final = 10.0
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 15.0
_MOST_PARTITIONS: Final = 10_000
_MOST_REPLICAS: Final = 100
# Somebody else manages the topics: they are there, or will be.
_NOT_ALLOWED: Final = frozenset(
    {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}
)


@dataclass(frozen=True, slots=True)
class TopicShape:
    """What a topic is to be when it is made; one that is there already is left as it is.

    Args:
        partitions: How many.
        replication_factor: Replicas of each.
        min_insync_replicas: How many of them a write needs.
    """

    partitions: int
    replication_factor: int
    min_insync_replicas: int

    def new(self, name: str) -> NewTopic:
        """Give the request for a topic of this shape."""
        config = {"min.insync.replicas": str(self.min_insync_replicas)}
        return NewTopic(name, self.partitions, self.replication_factor, config=config)


def read_shape(environment: Environment) -> TopicShape:
    """Read what topics are to be when a service makes them.

    Raises:
        SettingError: One of the settings is not what it can be.
    """
    return TopicShape(
        partitions=environment.whole("PARTITIONS", 3, least=1, most=_MOST_PARTITIONS),
        replication_factor=environment.whole("REPLICATION_FACTOR", 3, least=1, most=_MOST_REPLICAS),
        min_insync_replicas=environment.whole(
            "MIN_INSYNC_REPLICAS", 2, least=1, most=_MOST_REPLICAS
        ),
    )


class EventTopics:
    """Makes topics in a thread of its own, again and again until they are there.

    Args:
        properties: librdkafka's, to connect with.
        names: Of the topics.
        shape: What they are to be.
    """

    def __init__(
        self,
        properties: Mapping[str, str],
        names: Sequence[str],
        shape: TopicShape,
    ) -> None:
        self._properties = properties
        self._names = names
        self._shape = shape
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._make, name="topics", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until they are there, and tell whether they are."""
        return self._ready.wait(timeout_s)

    def close(self) -> None:
        """Try no more."""
        self._stopping.set()

    def _make(self) -> None:
        # Its log is left out: it repeats what the service's other client says of the same brokers.
        quiet = logging.getLogger(f"{__name__}.librdkafka")
        quiet.setLevel(logging.CRITICAL)
        configuration: dict[str, Any] = {**self._properties, "logger": quiet}
        admin = AdminClient(configuration)
        missing = list(self._names)
        pause = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            admin.poll(0)
            missing = [name for name in missing if not self._is_there(admin, name)]
            if not missing:
                self._ready.set()
                return
            self._stopping.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _is_there(self, admin: AdminClient, name: str) -> bool:
        """Make one topic, and tell whether it is there now."""
        asked = admin.create_topics([self._shape.new(name)], request_timeout=_REQUEST_S)
        try:
            asked[name].result(_REQUEST_S + 1)
        except KafkaException as raised:
            error: KafkaError = raised.args[0]
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return True
            if error.code() in _NOT_ALLOWED:
                _log.info("not allowed to make topic %s: somebody else has to", name)
                return True
            _log.warning("topic %s is not made yet: %s", name, error.str())
            return False
        _log.info("made topic %s: %s", name, self._shape)
        return True
