"""What users are told of connections that failed."""

import ssl

import pytest
from kafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    RequestTimedOutError,
    SaslAuthenticationFailedError,
)

from kafkascope_exporter.kafka.reasons import FailedConnection


def failed(
    error: Exception, *, answered: bool = False, tls: bool = False, mechanism: str = ""
) -> FailedConnection:
    """A connection that came to such an end."""
    return FailedConnection("kafka:9092", error, answered, (), tls, mechanism)


def handshake(error: Exception) -> Exception:
    """What kafka-python makes of a handshake's failure."""
    try:
        try:
            raise error
        except OSError as inner:
            raise KafkaConnectionError(f"Handshake failed: {inner}")  # noqa: B904 - as it does
    except Exception as outer:  # noqa: BLE001 - kafka-python's, untyped
        return outer


def tls_failure(reason: str, text: str) -> ssl.SSLError:
    """An error as ``ssl`` raises it."""
    error = ssl.SSLError(1, f"[SSL: {reason}] {text} (_ssl.c:1006)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (failed(KafkaConnectionError("111 ECONNREFUSED")), "Connection refused"),
        (
            failed(KafkaConnectionError("socket disconnected")),
            (
                "the broker closed the connection (this listener may speak TLS: --tls.enabled,"
                " or want a login: --sasl.enabled)"
            ),
        ),
        (
            failed(KafkaConnectionError("socket disconnected"), answered=True, tls=True),
            "the broker closed the connection (this listener may want a login: --sasl.enabled)",
        ),
        (
            failed(KafkaConnectionError("socket disconnected"), tls=True, mechanism="PLAIN"),
            "the broker closed the connection (--tls and --sasl flags may not fit this listener)",
        ),
        (
            failed(handshake(tls_failure("WRONG_VERSION_NUMBER", "wrong version number"))),
            (
                "the TLS handshake failed: wrong version number"
                " (this listener may speak no TLS: --tls.enabled)"
            ),
        ),
        (
            failed(handshake(ConnectionResetError(104, "Connection reset by peer"))),
            (
                "the TLS handshake failed: Connection reset by peer"
                " (this listener may speak no TLS: --tls.enabled)"
            ),
        ),
        (
            failed(
                KafkaConnectionError(
                    tls_failure("TLSV13_ALERT_CERTIFICATE_REQUIRED", "certificate required")
                ),
                tls=True,
            ),
            "certificate required (--tls.cert-file, --tls.key-file)",
        ),
        (
            failed(
                SaslAuthenticationFailedError("SaslAuthenticationFailedError: no\nsuch user"),
                mechanism="SCRAM-SHA-256",
            ),
            "no such user (--sasl.username, --sasl.password, --sasl.mechanism)",
        ),
        (
            failed(SaslAuthenticationFailedError("invalid_client"), mechanism="OAUTHBEARER"),
            "invalid_client",
        ),
    ],
)
def test_the_reason_is_one_line_with_address_and_flags(
    failure: FailedConnection, told: str
) -> None:
    """Without names of classes and places in OpenSSL's source."""
    assert failure.reason() == f"kafka:9092: {told}"


def test_a_refusal_says_more_than_an_end_and_that_more_than_silence() -> None:
    """Of several servers the one is told that says most."""
    refusal = failed(SaslAuthenticationFailedError("no"))
    ends = [KafkaConnectionError("111 ECONNREFUSED"), KafkaConnectionError("socket disconnected")]
    silences = [
        KafkaTimeoutError("I/O wait timed out"),
        RequestTimedOutError("Request timed out after 4000 ms"),
        KafkaConnectionError("Connection timed out"),
        handshake(TimeoutError("the broker did not answer in time")),
    ]

    assert {failed(e).weight for e in ends} == {1}
    assert {failed(e).weight for e in silences} == {0}
    assert refusal.weight == 2


def test_only_what_would_be_refused_again_is_a_refusal() -> None:
    """A broker that was restarted is to be tried again in the same cycle."""
    assert failed(SaslAuthenticationFailedError("no")).refused
    assert failed(handshake(tls_failure("CERTIFICATE_VERIFY_FAILED", "expired"))).refused
    assert not failed(KafkaConnectionError("socket disconnected")).refused
    assert not failed(handshake(TimeoutError("the broker did not answer in time"))).refused
