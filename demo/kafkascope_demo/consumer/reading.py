"""Reads records as a member of a group, at least once each: offsets are stored after processing."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from kafkascope_demo.consumer.backlog import Partition
from kafkascope_demo.consumer.deadletters import DeadLetterError
from kafkascope_demo.consumer.metrics import ConsumerMetrics
from kafkascope_demo.consumer.progress import Progress
from kafkascope_demo.consumer.settings import ConsumerSettings

_log = logging.getLogger(__name__)

_POLL_S: Final = 0.25
_RETRY_S: Final = 1.0


class FatalError(Exception):
    """The client can never read again."""


class Reader:
    """Reads a topic until it is told to stop.

    Args:
        make: Makes the client of its configuration.
        settings: Of the service.
        handle: What is done with each record; raises ``DeadLetterError`` when it is to come again.
        progress: Where progress is noted.
        metrics: Has the gauge of assigned partitions.
        is_stuck: Whether the fault ``stuck`` is switched on.
        stopping: Ends the reading.
    """

    def __init__(
        self,
        make: Callable[[dict[str, Any]], Consumer],
        settings: ConsumerSettings,
        handle: Callable[[Message], None],
        progress: Progress,
        metrics: ConsumerMetrics,
        is_stuck: Callable[[], bool],
        stopping: threading.Event,
    ) -> None:
        self._topic = settings.topic
        self._handle = handle
        self._progress = progress
        self._metrics = metrics
        self._is_stuck = is_stuck
        self._stopping = stopping
        self._assigned: frozenset[Partition] = frozenset()
        self._next: dict[Partition, int] = {}
        self._paused: frozenset[Partition] = frozenset()
        self._consumer = make(_configuration(settings))

    @property
    def assigned(self) -> frozenset[Partition]:
        """Topic and number of the partitions that this member has."""
        return self._assigned

    def done(self) -> dict[Partition, int | None]:
        """Give the next offset of each assigned partition, None where no record was done yet."""
        done = self._next
        return {partition: done.get(partition) for partition in self._assigned}

    def run(self) -> None:
        """Read until the end; then commit and leave the group.

        Raises:
            FatalError: The client can never read again.
        """
        self._consumer.subscribe(
            [self._topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )
        self._progress.begin()
        try:
            while not self._stopping.is_set():
                self._turn()
        finally:
            self._consumer.close()
            self._hold(frozenset())

    def _turn(self) -> None:
        self._heed_fault()
        message = self._consumer.poll(_POLL_S)
        self._progress.turn()
        if message is None:
            return
        error = message.error()
        if error is not None:
            self._take_error(message, error)
        elif self._is_stuck():
            self._put_back(message)
        else:
            self._take(message)

    def _take(self, message: Message) -> None:
        """Handle a record, and store its offset for the next commit."""
        try:
            self._handle(message)
        except DeadLetterError as error:
            _log.error("a dead letter is not written; its record is read again: %s", error)
            self._put_back(message)
            self._stopping.wait(_RETRY_S)
            return
        try:
            self._consumer.store_offsets(message)
        except KafkaException as error:
            # The partition went to another member meanwhile, which reads the record again.
            _log.info("offset not stored: %s", error.args[0].str())
        self._note_done(message, past=1)
        self._progress.finish()

    def _take_error(self, message: Message, error: KafkaError) -> None:
        """Take what the client reports; it goes on by itself unless that is fatal.

        Raises:
            FatalError: It does not.
        """
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - so the client calls it
            # Past markers of transactions and other records that no program sees.
            self._note_done(message, past=0)
        elif error.fatal():
            raise FatalError(error.str())
        else:
            _log.warning("Kafka's client: %s", error.str())

    def _note_done(self, message: Message, past: int) -> None:
        place = _place(message)
        self._next[place.topic, place.partition] = place.offset + past

    def _heed_fault(self) -> None:
        """While stuck, poll paused partitions: the member stays in the group and does nothing."""
        if self._is_stuck():
            running = self._assigned - self._paused
            self._consumer.pause([TopicPartition(*partition) for partition in running])
            self._paused = self._assigned
        elif self._paused:
            self._consumer.resume([TopicPartition(*partition) for partition in self._paused])
            self._paused = frozenset()

    def _put_back(self, message: Message) -> None:
        """Have a record read again."""
        try:
            self._consumer.seek(_place(message))
        except KafkaException as error:  # it went to another member meanwhile
            _log.info("record not put back: %s", error.args[0].str())

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._hold(self._assigned | _names(partitions))

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._hold(self._assigned - _names(partitions))

    def _on_lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._hold(self._assigned - _names(partitions))
        _log.warning(
            "lost %d partitions: the group has gone on without this member", len(partitions)
        )

    def _hold(self, partitions: frozenset[Partition]) -> None:
        if partitions != self._assigned:
            names = ", ".join(f"{topic}[{number}]" for topic, number in sorted(partitions))
            _log.info("assigned: %s", names or "nothing")
        self._assigned = partitions
        self._paused &= partitions
        self._next = {name: offset for name, offset in self._next.items() if name in partitions}
        self._metrics.assigned_partitions.set(len(partitions))


def _place(message: Message) -> TopicPartition:
    """Give where a record is; its type allows for messages that have no place."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise ValueError("this message has no place in Kafka")
    return TopicPartition(topic, partition, offset)


def _names(partitions: list[TopicPartition]) -> frozenset[Partition]:
    return frozenset((place.topic, place.partition) for place in partitions)


def _configuration(settings: ConsumerSettings) -> dict[str, Any]:
    return {
        "client.id": "kafka-consumer",
        # A member that was killed is missed after 15 seconds instead of 45; a group coordinator
        # that was killed has a successor before that.
        "session.timeout.ms": 15_000,
        **settings.kafka,
        "group.id": settings.group,
        # Not the talk's `latest`, which loses what comes before the group's first commit.
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "enable.auto.offset.store": False,
        "enable.auto.commit": True,
        "auto.commit.interval.ms": 1000,
        "logger": logging.getLogger("librdkafka"),
    }
