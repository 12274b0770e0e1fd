"""Secured clusters of the exporter's tests, and the exporter's settings for them."""

from typing import Any, Final

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from kafkascope_demo.localkafka import ClusterSpec, LocalKafka
from kafkascope_exporter.config import Cluster

_LISTENER: Final = "listener.name.client."
_JAAS: Final = "org.apache.kafka.common.security"
REAUTHENTICATION_MS: Final = 8000
DEADLINE: Final = 12.0
"""Seconds of a cycle."""

TLS: Final = ClusterSpec(nodes=1, listener="SSL")
ONLY_PLAIN: Final = ClusterSpec(nodes=1, listener="SASL_PLAINTEXT", sasl_mechanism="PLAIN")
MUTUAL_TLS: Final = ClusterSpec(nodes=1, listener="SSL", client_auth=True, acls=True)
EVERY_SASL: Final = ClusterSpec(
    nodes=1,
    listener="SASL_SSL",
    sasl_mechanism="OAUTHBEARER",
    acls=True,
    properties={
        f"{_LISTENER}sasl.enabled.mechanisms": "OAUTHBEARER,PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        f"{_LISTENER}plain.sasl.jaas.config": f"{_JAAS}.plain.PlainLoginModule required"
        ' user_admin="admin-secret" user_exporter="exporter-secret";',
        f"{_LISTENER}scram-sha-256.sasl.jaas.config": f"{_JAAS}.scram.ScramLoginModule required;",
        f"{_LISTENER}scram-sha-512.sasl.jaas.config": f"{_JAAS}.scram.ScramLoginModule required;",
        f"{_LISTENER}connections.max.reauth.ms": str(REAUTHENTICATION_MS),
    },
)
"""One broker for all mechanisms; it wants a new login every eight seconds."""


def tls(kafka: LocalKafka, **fields: object) -> dict[str, Any]:
    """Give the TLS settings that trust the cluster's authority."""
    authority = kafka.client_properties()["ssl.ca.location"]
    return {"enabled": True, "ca_file": authority, **fields}


def sasl(kafka: LocalKafka, mechanism: str, user: str = "exporter", **fields: object) -> Any:  # noqa: ANN401 - settings as they come from a file
    """Give the SASL settings that log ``user`` in."""
    given = {
        "enabled": True,
        "mechanism": mechanism,
        "username": user,
        "password": f"{user}-secret",
        "oauthbearer_token_url": kafka.client_properties()["sasl.oauthbearer.token.endpoint.url"],
        "oauthbearer_scopes": "kafka,kafka-read",
    }
    return {**given, **fields}


def settings(kafka: LocalKafka, **fields: object) -> Cluster:
    """Give the exporter's settings for the cluster."""
    return Cluster.model_validate({"servers": kafka.bootstrap_servers, **fields})


def add_scram_users(kafka: LocalKafka) -> None:
    """Make the exporter's passwords known to a cluster that was not formatted with them."""
    admin = AdminClient({**kafka.client_properties()})
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
        information = ScramCredentialInfo(mechanism, 4096)
        upsertion = UserScramCredentialUpsertion("exporter", information, b"exporter-secret")
        admin.alter_user_scram_credentials([upsertion])["exporter"].result(30)
