from __future__ import annotations

import logging
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from kafkascope_demo.localkafka import ClusterSpec, LocalKafka
from tests.waiting import wait_until

SPECS: Final = {
    "sasl-plain": ClusterSpec(nodes=1, listener="SASL_PLAINTEXT", sasl_mechanism="PLAIN"),
    "scram-256": ClusterSpec(nodes=1, listener="SASL_PLAINTEXT", sasl_mechanism="SCRAM-SHA-256"),
    "tls-scram-512-acls": ClusterSpec(
        nodes=1, listener="SASL_SSL", sasl_mechanism="SCRAM-SHA-512", acls=True
    ),
    "oauthbearer": ClusterSpec(nodes=1, listener="SASL_PLAINTEXT", sasl_mechanism="OAUTHBEARER"),
    "tls": ClusterSpec(nodes=1, listener="SSL"),
    "mtls-acls": ClusterSpec(nodes=1, listener="SSL", client_auth=True, acls=True),
}
WITH_PASSWORD: Final = ("sasl-plain", "scram-256", "tls-scram-512-acls")
WITH_ACLS: Final = ("tls-scram-512-acls", "mtls-acls")

SILENT: Final = logging.getLogger("tests.integration.refused")
SILENT.setLevel(logging.CRITICAL)

SecuredKafka = Callable[[ClusterSpec], LocalKafka]


def broker_ids(properties: Mapping[str, str]) -> list[int]:
    """Connect and ask which brokers there are."""
    return list(AdminClient({**properties}).list_topics(timeout=10).brokers)


def assert_refused(properties: Mapping[str, Any], *wanted: int) -> None:
    """Connect in vain until the client meets one of the ``wanted`` error codes."""
    met: set[int] = set()
    configuration: dict[str, Any] = {
        **properties,
        "error_cb": lambda error: met.add(error.code()),
    }
    client = AdminClient(configuration, logger=SILENT)

    def told() -> bool:
        client.poll(0.1)
        return not met.isdisjoint(wanted)

    wait_until(told, 20, f"one of the errors {wanted}")
    with pytest.raises(KafkaException):
        client.list_topics(timeout=1)


def create_topic(kafka: LocalKafka, name: str) -> None:
    """Create a topic as admin, who may do everything."""
    client = AdminClient({**kafka.client_properties()})
    client.create_topics([NewTopic(name, 1, 1)])[name].result(30)


@pytest.mark.parametrize("name", SPECS)
def test_a_client_with_the_given_properties_connects(
    secured_kafka: SecuredKafka, name: str
) -> None:
    """Both users of a secured listener reach the broker."""
    kafka = secured_kafka(SPECS[name])

    assert broker_ids(kafka.client_properties()) == [1]
    assert broker_ids(kafka.client_properties("exporter")) == [1]


@pytest.mark.parametrize("name", WITH_PASSWORD)
def test_a_wrong_password_is_refused(secured_kafka: SecuredKafka, name: str) -> None:
    """The broker answers a wrong password with an authentication error."""
    properties = secured_kafka(SPECS[name]).client_properties("exporter")

    assert_refused({**properties, "sasl.password": "wrong"}, KafkaError._AUTHENTICATION)


def test_a_wrong_client_secret_gets_no_token(secured_kafka: SecuredKafka) -> None:
    """The token issuer refuses the secret, so the client never authenticates."""
    properties = secured_kafka(SPECS["oauthbearer"]).client_properties("exporter")

    wrong = {**properties, "sasl.oauthbearer.client.secret": "wrong"}

    assert_refused(wrong, KafkaError._AUTHENTICATION)


def test_a_token_of_another_issuer_is_refused(secured_kafka: SecuredKafka) -> None:
    """The broker checks tokens: one that it cannot verify does not authenticate."""
    kafka = secured_kafka(SPECS["oauthbearer"])
    forged = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsImV4cCI6OTk5OTk5OTk5OX0."
    properties = {
        "bootstrap.servers": kafka.bootstrap_servers,
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "OAUTHBEARER",
        "oauth_cb": lambda _: (forged, time.time() + 300, "admin", {}),
    }

    assert_refused(properties, KafkaError._AUTHENTICATION)


def test_the_token_issuer_refuses_an_unknown_scope(secured_kafka: SecuredKafka) -> None:
    """Scopes that the issuer does not know give no token."""
    properties = secured_kafka(SPECS["oauthbearer"]).client_properties("exporter")
    form = {
        "grant_type": "client_credentials",
        "client_id": "exporter",
        "client_secret": properties["sasl.oauthbearer.client.secret"],
        "scope": "everything",
    }
    url = str(properties["sasl.oauthbearer.token.endpoint.url"])

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=10)  # noqa: S310 - ours

    with caught.value as answer:
        assert (answer.code, answer.read()) == (400, b'{"error": "invalid_scope"}')


def test_a_broker_of_an_unknown_authority_is_not_trusted(secured_kafka: SecuredKafka) -> None:
    """A client that does not know the cluster's authority does not connect."""
    properties = secured_kafka(SPECS["tls"]).client_properties()
    del properties["ssl.ca.location"]

    assert_refused(properties, KafkaError._SSL)


def test_a_client_without_certificate_is_refused(secured_kafka: SecuredKafka) -> None:
    """A listener that demands client certificates closes connections without one."""
    properties = secured_kafka(SPECS["mtls-acls"]).client_properties("exporter")
    del properties["ssl.certificate.location"], properties["ssl.key.location"]

    assert_refused(properties, KafkaError._SSL, KafkaError._TRANSPORT)


@pytest.mark.parametrize("name", WITH_ACLS)
def test_only_admin_sees_a_topic_until_it_is_granted(
    secured_kafka: SecuredKafka, unique_name: Callable[[], str], name: str
) -> None:
    """With ACLs on, another user sees a topic once Kafka's own tool granted it."""
    kafka, topic = secured_kafka(SPECS[name]), unique_name()
    create_topic(kafka, topic)
    exporter = AdminClient({**kafka.client_properties("exporter")})
    assert topic not in exporter.list_topics(timeout=10).topics

    granted = kafka.tool(
        "acls",
        [
            "--add",
            "--allow-principal",
            "User:exporter",
            "--operation",
            "Describe",
            "--topic",
            topic,
        ],
    )

    assert granted.returncode == 0, granted.stderr
    assert topic in exporter.list_topics(timeout=10).topics
