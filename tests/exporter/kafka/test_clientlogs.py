import logging

import pytest

from kafkascope_exporter.kafka import clientlogs
from kafkascope_exporter.kafka.clientlogs import librdkafka_logger, route_kafka_python


def ours(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Give what reached our log; pytest also shows what did not leave the client's own logger."""
    return [record for record in caplog.records if record.name == clientlogs.__name__]


def test_kafka_python_is_heard_at_debug_only(caplog: pytest.LogCaptureFixture) -> None:
    """Its errors, one per lost connection, are counted elsewhere; its requests are never logged."""
    route_kafka_python()
    route_kafka_python()
    client = logging.getLogger("kafka.net.connection")
    assert not logging.getLogger("kafka").propagate

    with caplog.at_level(logging.DEBUG):
        client.error("Connection lost: %s", "reset")
        client.debug("Request 1: SaslAuthenticateRequest(auth_bytes=b'secret')")

    assert [(r.levelno, r.getMessage()) for r in ours(caplog)] == [
        (logging.DEBUG, "kafka.net.connection: Connection lost: reset")
    ]


def test_librdkafka_may_warn_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """It repeats an error at each attempt to connect; one of them is enough for a log."""
    client = librdkafka_logger()
    assert librdkafka_logger() is client
    assert not client.propagate

    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            client.error("FAIL Connection refused")
        client.info("noise")

    levels = [record.levelno for record in ours(caplog)]
    assert levels == [logging.WARNING, logging.DEBUG, logging.DEBUG, logging.DEBUG]
