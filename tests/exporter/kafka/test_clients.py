from typing import Any

import pytest
from confluent_kafka import KafkaException
from kafka.errors import SaslAuthenticationFailedError

from kafkascope_exporter.kafka.clients import (
    admin_client,
    kafka_python_configs,
    librdkafka_properties,
)
from tests.exporter.kafka.clustersettings import DEADLINE, NOWHERE, SECRET, cluster, sasl


@pytest.mark.parametrize(
    ("fields", "protocol"),
    [
        ({}, "PLAINTEXT"),
        ({"tls": {"enabled": True}}, "SSL"),
        ({"sasl": sasl("plain")}, "SASL_PLAINTEXT"),
        ({"tls": {"enabled": True}, "sasl": sasl("plain")}, "SASL_SSL"),
    ],
)
def test_both_clients_speak_the_same_protocol(fields: dict[str, Any], protocol: str) -> None:
    """TLS and SASL switch the security protocol of both."""
    settings = cluster(**fields)

    assert kafka_python_configs(settings, DEADLINE)["security_protocol"] == protocol
    assert librdkafka_properties(settings, DEADLINE)["security.protocol"] == protocol


@pytest.mark.parametrize(
    ("mechanism", "kafka_name"),
    [
        ("plain", "PLAIN"),
        ("SCRAM-SHA-256", "SCRAM-SHA-256"),
        ("scram-sha512", "SCRAM-SHA-512"),
        ("oauthbearer", "OAUTHBEARER"),
        ("awsiam", "OAUTHBEARER"),
        ("gssapi", "GSSAPI"),
    ],
)
def test_both_clients_get_the_mechanism(mechanism: str, kafka_name: str) -> None:
    """Each of danielqsj's names becomes Kafka's."""
    settings = cluster(sasl=sasl(mechanism, oauthbearer_token_url=NOWHERE, aws_region="x"))

    assert kafka_python_configs(settings, DEADLINE)["sasl_mechanism"] == kafka_name
    assert librdkafka_properties(settings, DEADLINE)["sasl.mechanism"] == kafka_name


def test_disabled_parts_leave_no_trace() -> None:
    """What is set beside a switch that is off reaches no client."""
    settings = cluster(
        tls={"ca_file": "/nonexistent"}, sasl={"mechanism": "plain", "password": SECRET}
    )

    assert "ssl_context" not in kafka_python_configs(settings, DEADLINE)
    assert "sasl_plain_password" not in kafka_python_configs(settings, DEADLINE)
    assert not [
        n for n in librdkafka_properties(settings, DEADLINE) if n.startswith(("ssl.", "sasl."))
    ]


def test_no_secret_shows_in_what_the_clients_get() -> None:
    """Passwords, and properties that look like secrets, are stars in every repr."""
    settings = cluster(
        sasl=sasl("scram-sha512"),
        tls={"enabled": True, "key_password": SECRET},
        properties={"ssl.key.pem": SECRET},
    )

    shown = repr(kafka_python_configs(settings, DEADLINE)) + repr(
        librdkafka_properties(settings, DEADLINE)
    )

    assert SECRET not in shown
    assert librdkafka_properties(settings, DEADLINE)["sasl.password"] == SECRET
    assert librdkafka_properties(settings, DEADLINE)["ssl.key.pem"] == SECRET


def test_all_clients_of_a_login_share_a_token_source() -> None:
    """Making the clients again asks for no further token."""
    fields = sasl("oauthbearer", oauthbearer_token_url=NOWHERE)

    first, second = (kafka_python_configs(cluster(sasl=fields), DEADLINE) for _ in range(2))

    sources = {id(vars(c["sasl_oauth_token_provider"])["_source"]) for c in (first, second)}
    assert len(sources) == 1


def test_a_login_without_a_token_fails_with_the_reason() -> None:
    """kafka-python gets an error that it passes on, not one that ends its network thread."""
    settings = cluster(sasl=sasl("oauthbearer", oauthbearer_token_url=NOWHERE))
    provider = kafka_python_configs(settings, DEADLINE)["sasl_oauth_token_provider"]

    with pytest.raises(SaslAuthenticationFailedError, match="token"):
        provider.token()


def test_librdkafka_is_not_begun_without_a_token() -> None:
    """Its constructor would hold up the cycle for ten seconds."""
    settings = cluster(sasl=sasl("oauthbearer", oauthbearer_token_url=NOWHERE))

    with pytest.raises(KafkaException) as caught:
        admin_client(settings, DEADLINE)

    (error,) = caught.value.args
    assert error.name() == "SASL_AUTHENTICATION_FAILED"
    assert "token URL" in error.str()


def test_a_connection_gets_a_third_of_the_cycle() -> None:
    """A broker that does not answer must leave time for the others."""
    configs = kafka_python_configs(cluster(), deadline=3.0)
    properties = librdkafka_properties(cluster(), deadline=1.5)

    assert configs["socket_connection_setup_timeout_ms"] == 1000
    assert configs["socket_connection_setup_timeout_max_ms"] == 1000
    assert properties["socket.connection.setup.timeout.ms"] == 1000
    assert properties["socket.timeout.ms"] == 1500
