"""The clients' own logs: into ours, quietly, and never with a secret.

Both clients log an error for each connection that fails and for each attempt to make a new one;
the exporter counts failures in metrics and logs when they begin and end. So what the clients say
is for people who look closer: it appears at ``--log.level=debug``.
"""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

# At DEBUG kafka-python logs whole requests, that of a login with the password included, and
# botocore what it signs.
_CAPPED = ("kafka", "botocore", "boto3", "urllib3")
_PAUSE = 60.0


class _Demoting(logging.Handler):
    """Passes records on to our log as DEBUG; errors as WARNING, one in ``pause`` seconds."""

    def __init__(self, warn: bool, clock: Callable[[], float] = time.monotonic) -> None:  # noqa: FBT001 - private
        super().__init__()
        self._warn = warn
        self._clock = clock
        self._quiet_until = float("-inf")

    def emit(self, record: logging.LogRecord) -> None:
        level = logging.DEBUG
        if self._warn and record.levelno >= logging.ERROR and self._clock() >= self._quiet_until:
            self._quiet_until = self._clock() + _PAUSE
            level = logging.WARNING
        if log.isEnabledFor(level):
            log.log(level, "%s: %s", record.name, record.getMessage(), exc_info=record.exc_info)


def route_kafka_python() -> None:
    """Send kafka-python's log to ours, however often this is called."""
    for name in _CAPPED:
        logging.getLogger(name).setLevel(logging.INFO)
    client = logging.getLogger("kafka")
    client.propagate = False
    if not any(isinstance(handler, _Demoting) for handler in client.handlers):
        client.addHandler(_Demoting(warn=False))


def librdkafka_logger() -> logging.Logger:
    """Give the logger for librdkafka's clients, whose ``poll`` must be called to drain it."""
    client = logging.getLogger("librdkafka")
    client.setLevel(logging.DEBUG)
    client.propagate = False
    if not client.handlers:
        client.addHandler(_Demoting(warn=True))
    return client
