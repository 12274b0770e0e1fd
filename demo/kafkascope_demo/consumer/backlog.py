"""Asks the brokers, beside the reading, how many records there are to read."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from kafkascope_demo.consumer.progress import Progress
from kafkascope_demo.consumer.settings import ConsumerSettings

Partition = tuple[str, int]

_EVERY_S: Final = 2.0
_REQUEST_S: Final = 2.0


class Backlog:
    """Looks every two seconds, in a thread and with a client of its own.

    A broker may take its time to answer, and confluent_kafka serves one call of a consumer at a
    time, which is nearly always the reading thread's poll. The client never joins the group.

    Args:
        settings: Of the service.
        done: Gives the next offset of each assigned partition, None where no record was done yet.
        progress: Where the number of records is noted, when each broker has answered.
    """

    def __init__(
        self,
        settings: ConsumerSettings,
        done: Callable[[], Mapping[Partition, int | None]],
        progress: Progress,
    ) -> None:
        # Its log is left out: it repeats what the reading client says of the same brokers.
        quiet = logging.getLogger(f"{__name__}.librdkafka")
        quiet.setLevel(logging.CRITICAL)
        self._consumer = Consumer(
            {
                **settings.kafka,
                "client.id": "kafka-consumer-backlog",
                "group.id": settings.group,
                "enable.auto.commit": False,
                "logger": quiet,
            }
        )
        self._topic = settings.topic
        self._done = done
        self._progress = progress
        self._problem: str | None = "Kafka has not answered yet"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="backlog", daemon=True)

    def problem(self) -> str | None:
        """Say why Kafka did not answer when it was asked last; None when it did."""
        return self._problem

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more, and wait for the request under way."""
        self._stopping.set()
        self._thread.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._look()
            self._stopping.wait(_EVERY_S)

    def _look(self) -> None:
        try:
            self._consumer.list_topics(self._topic, timeout=_REQUEST_S)
        except KafkaException as error:
            self._problem = f"Kafka does not answer: {error.args[0].str()}"
            return
        self._problem = None
        behind = 0
        for (topic, number), offset in self._done().items():
            try:
                behind += self._behind(TopicPartition(topic, number), offset)
            except KafkaException:  # its leader is away; so nobody can tell
                return
        self._progress.find(behind)

    def _behind(self, place: TopicPartition, offset: int | None) -> int:
        low, high = self._consumer.get_watermark_offsets(place, timeout=_REQUEST_S)
        if offset is None:
            (committed,) = self._consumer.committed([place], timeout=_REQUEST_S)
            offset = committed.offset  # negative where there is none
        return max(0, high - max(low, offset))
