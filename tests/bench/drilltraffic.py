"""Messages and commits that go on through the drill, each of them noted in a ledger."""

import threading
import time
from collections.abc import Mapping
from functools import partial

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from tests.bench.drilldata import GROUPS, PLACES, TOPICS, Ledger, commits
from tests.bench.ledger import Counter

_MESSAGE_EVERY_S = 0.5
_COMMIT_EVERY = 4  # so many messages of each partition
# What waits for a broker that is frozen is to go to the next one soon.
_TIMEOUT_MS = 5_000


class DrillTraffic:
    """Adds a message to each partition and, now and then, one to every offset of each group.

    A message or a commit waits until the one before is acknowledged, so that never more than one
    of each is uncertain.

    Args:
        properties: librdkafka properties to connect with.
        ledger: where all of it is noted.
    """

    def __init__(self, properties: Mapping[str, str], ledger: Ledger) -> None:
        self._ledger = ledger
        self._stopping = threading.Event()
        self._failure: KafkaError | None = None
        self._producer = Producer(
            {
                **properties,
                "acks": "all",
                "enable.idempotence": True,  # a message that is sent again is written once
                "linger.ms": 0,
                "message.timeout.ms": 0,
                "request.timeout.ms": _TIMEOUT_MS,
                "socket.timeout.ms": _TIMEOUT_MS,
                "log_level": 0,
            }
        )
        self._idle = [True] * len(GROUPS)
        self._consumers = [
            Consumer(
                {
                    **properties,
                    "group.id": group,
                    "enable.auto.commit": False,
                    "on_commit": partial(self._committed, number),
                    "socket.timeout.ms": _TIMEOUT_MS,
                    "log_level": 0,
                }
            )
            for number, group in enumerate(GROUPS)
        ]
        self._thread = threading.Thread(target=self._run, name="drill-traffic", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not acknowledged yet stays so."""
        self._stopping.set()
        self._thread.join()
        self._producer.purge()
        for consumer in self._consumers:
            consumer.close()

    def check(self) -> None:
        """Raise what ended the traffic.

        Raises:
            KafkaException: Kafka refused a message for good.
        """
        if self._failure is not None:
            raise KafkaException(self._failure)

    def _run(self) -> None:
        tick = 0
        while not self._stopping.wait(_MESSAGE_EVERY_S) and self._failure is None:
            tick += 1
            self._produce()
            for number, consumer in enumerate(self._consumers):
                consumer.poll(0)
                if self._idle[number] and (tick + number) % _COMMIT_EVERY == 0:
                    self._commit(number, consumer)

    def _produce(self) -> None:
        self._producer.poll(0)
        for (topic, place), counter in zip(PLACES, self._ledger.messages, strict=True):
            if not counter.waiting:
                counter.send()
                told = partial(self._delivered, counter)
                self._producer.produce(TOPICS[topic], b"x", partition=place, on_delivery=told)
        self._producer.poll(0)

    def _delivered(self, counter: Counter, error: KafkaError | None, _: Message) -> None:
        if error is None:
            counter.acknowledge(time.monotonic())
        elif not self._stopping.is_set():
            self._failure = error

    def _commit(self, number: int, consumer: Consumer) -> None:
        """Commit the next turn, or again one of which no acknowledgement came."""
        counter = self._ledger.turns[number]
        if not counter.waiting:
            counter.send()
        self._idle[number] = False
        try:
            consumer.commit(offsets=commits(number, counter.sent), asynchronous=True)
        except KafkaException:  # not even sent: the next time will do
            self._idle[number] = True

    def _committed(self, number: int, error: KafkaError | None, told: list[TopicPartition]) -> None:
        if error is None and all(place.error is None for place in told):
            self._ledger.turns[number].acknowledge(time.monotonic())
        self._idle[number] = True
