"""Names of what goes wrong: Kafka's own, as the protocol guide has them, and two of ours."""

from kafka.errors import (
    BrokerResponseError,
    Cancelled,
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    RequestTimedOutError,
    UnknownBrokerIdError,
    for_code,
)

TIMED_OUT = "TIMED_OUT"
UNREACHABLE = "NETWORK_EXCEPTION"
UNSUPPORTED = "UNSUPPORTED_VERSION"
NOT_GRANTED = frozenset({"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"})
"""The principal lacks a right. Where that one is optional, it is no failure."""

_CODES: tuple[tuple[type[KafkaError], str], ...] = (
    (KafkaTimeoutError, TIMED_OUT),
    (RequestTimedOutError, TIMED_OUT),
    (NodeNotReadyError, UNREACHABLE),
    (KafkaConnectionError, UNREACHABLE),
    (UnknownBrokerIdError, UNREACHABLE),
    (Cancelled, UNREACHABLE),
    (IncompatibleBrokerVersion, UNSUPPORTED),
)


def error_name(code: int) -> str:
    """Name Kafka's error ``code`` as the protocol guide does; empty for 0 (no error)."""
    if code == 0:
        return ""
    error = for_code(code)
    return str(getattr(error, "message", None) or f"ERROR_{code}")


def code_of(error: Exception) -> str:
    """Name what kafka-python raised for a call."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    if isinstance(error, BrokerResponseError):
        return str(error.message or type(error).__name__)
    return type(error).__name__
