"""What ``error.type`` says: Kafka's own names of protocol errors, librdkafka's of local ones.

Sources: Kafka's protocol errors (org.apache.kafka.common.protocol.Errors) and librdkafka's
``rd_kafka_resp_err_t``; only names that differ are listed.
"""

from __future__ import annotations

from typing import Final

_KAFKA_NAMES: Final = {
    "INVALID_MSG": "CORRUPT_MESSAGE",
    "INVALID_MSG_SIZE": "INVALID_FETCH_SIZE",
    "MSG_SIZE_TOO_LARGE": "MESSAGE_TOO_LARGE",
    "NOT_LEADER_FOR_PARTITION": "NOT_LEADER_OR_FOLLOWER",
    "STALE_CTRL_EPOCH": "STALE_CONTROLLER_EPOCH",
    "TOPIC_EXCEPTION": "INVALID_TOPIC_EXCEPTION",
    "UNKNOWN": "UNKNOWN_SERVER_ERROR",
    "UNKNOWN_TOPIC_OR_PART": "UNKNOWN_TOPIC_OR_PARTITION",
}


def error_type(error: object) -> str:
    """Return the low-cardinality name of a client's error or of an exception.

    Args:
        error: A ``KafkaError``, a ``KafkaException`` around one, or any other exception.
    """
    inner = error
    if isinstance(error, BaseException) and error.args:
        inner = error.args[0]
    name = getattr(inner, "name", None)
    if callable(name) and callable(getattr(inner, "code", None)):
        text = str(name())
        return _KAFKA_NAMES.get(text, text)
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else _qualified(kind)


def _qualified(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def exception_of(error: object) -> BaseException | None:
    """Return an error as an exception: None for none, a ``KafkaException`` for a ``KafkaError``."""
    if error is None or isinstance(error, BaseException):
        return error
    from confluent_kafka.cimpl import KafkaException  # noqa: PLC0415 - loaded when one comes here

    return KafkaException(error)
