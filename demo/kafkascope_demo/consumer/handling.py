"""What is done with a record: log the event, or give away what is none."""

import logging
import time
from collections.abc import Callable

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from kafkascope_demo.consumer.deadletters import DeadLetters
from kafkascope_demo.consumer.fault import ProcessingFault
from kafkascope_demo.consumer.metrics import ConsumerMetrics
from kafkascope_demo.events import NoEventError, read

_log = logging.getLogger("kafka-consumer")


class EventHandler:
    """Handles records, one at a time.

    Args:
        dead_letters: Takes what is no event.
        metrics: Counts.
        fault: Gives the fault that is switched on.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        dead_letters: DeadLetters,
        metrics: ConsumerMetrics,
        fault: Callable[[], ProcessingFault | None],
        sleep: Callable[[float], object],
    ) -> None:
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._fault = fault
        self._sleep = sleep

    def handle(self, message: Message) -> None:
        """Handle a record.

        Raises:
            DeadLetterError: It is no event, and the dead-letter topic does not take it.
        """
        fault = self._fault()
        if fault is not None and fault.processing == "slow":
            self._sleep(fault.delay_s)
        value = message.value()
        try:
            read(value)
        except NoEventError as error:
            place = f"{message.topic()}[{message.partition()}]@{message.offset()}"
            self._dead_letters.send(message, error)
            self._metrics.dead_letter(error.reason)
            _log.warning("%s is no event and is in the dead-letter topic now: %s", place, error)
            return
        _log.info("Kafka says: %s", (value or b"").decode())
        self._metrics.process(_age_s(message))


def _age_s(message: Message) -> float | None:
    kind, milliseconds = message.timestamp()
    return None if kind == TIMESTAMP_NOT_AVAILABLE else time.time() - milliseconds / 1000
