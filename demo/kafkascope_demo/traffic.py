"""A steady producer and a consumer that falls behind a little and catches up, in turns."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

TOPIC: Final = "kafkascope-demo"
GROUP: Final = "kafkascope-demo-consumer"
PARTITIONS: Final = 6

MESSAGES_PER_SECOND: Final = 40
WORKS_S: Final = 12.0
RESTS_S: Final = 8.0

_TICK_S: Final = 0.1
_TOPIC_DEADLINE_S: Final = 30


class Traffic:
    """Produces to `TOPIC` and consumes from it as `GROUP`, each on a thread of its own.

    The consumer works for `WORKS_S` seconds, during which it keeps up with the producer, and then
    rests for `RESTS_S`, during which its lag grows by `MESSAGES_PER_SECOND` a second.

    Args:
        properties: librdkafka properties to connect with, bootstrap servers among them.
        replication: the topic's replication factor.
    """

    def __init__(self, properties: Mapping[str, str], replication: int) -> None:
        self._properties: dict[str, str | int | float | bool] = dict(properties)
        self._replication = replication
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), daemon=True)
            for work in (self._produce, self._consume)
        ]
        self._failure: KafkaException | None = None

    def start(self) -> None:
        """Create the topic and begin.

        Raises:
            KafkaException: The topic cannot be created.
        """
        admin = AdminClient(self._properties)
        topic = NewTopic(TOPIC, PARTITIONS, self._replication)
        for created in admin.create_topics([topic]).values():
            try:
                created.result(_TOPIC_DEADLINE_S)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise
        for thread in self._threads:
            thread.start()

    def check(self) -> None:
        """Raise what ended one of the two.

        Raises:
            KafkaException: Kafka refused a request for good.
        """
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End both; the consumer leaves its group."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=10)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except KafkaException as error:
            self._failure = error

    def _produce(self) -> None:
        producer = Producer({**self._properties, "linger.ms": 20})
        produced = 0
        begun = time.monotonic()
        while not self._stopping.wait(_TICK_S):
            due = int((time.monotonic() - begun) * MESSAGES_PER_SECOND)
            try:
                while produced < due:
                    producer.produce(TOPIC, f"message {produced}", partition=produced % PARTITIONS)
                    produced += 1
            except BufferError:  # no broker has taken a message for long; go on when one does
                pass
            producer.poll(0)
        producer.flush(5)
        producer.purge()

    def _consume(self) -> None:
        consumer = Consumer(
            {
                **self._properties,
                "group.id": GROUP,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe([TOPIC])
        begun = time.monotonic()
        while not self._stopping.is_set():
            if (time.monotonic() - begun) % (WORKS_S + RESTS_S) >= WORKS_S:
                self._stopping.wait(_TICK_S)
                continue
            messages = consumer.consume(500, timeout=_TICK_S)
            if any(message.error() is None for message in messages):
                _commit(consumer)
        consumer.close()


def _commit(consumer: Consumer) -> None:
    """Commit; what a moving coordinator or a rebalance refuses, the next commit makes good."""
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        if error.args[0].fatal():
            raise
