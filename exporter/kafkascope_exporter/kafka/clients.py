"""Settings of a cluster as both Kafka clients understand them, and what stands in their way.

kafka-python collects; librdkafka (``confluent_kafka``) only describes KIP-848 groups. Files are
read when a client is made.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from kafkascope_exporter.config import Cluster, Sasl
from kafkascope_exporter.kafka.clientcredentials import ClientCredentials
from kafkascope_exporter.kafka.clientlogs import librdkafka_logger, route_kafka_python
from kafkascope_exporter.kafka.kerberos import (
    gssapi_problems,
    kafka_python_kerberos,
    librdkafka_kerberos,
)
from kafkascope_exporter.kafka.mskiam import MskIam, signer_installed
from kafkascope_exporter.kafka.passthrough import (
    for_librdkafka_only,
    kafka_python_counterparts,
    socket_buffers,
)
from kafkascope_exporter.kafka.secrettext import SecretText
from kafkascope_exporter.kafka.sockets import PROXY_URL
from kafkascope_exporter.kafka.tls import client_context, librdkafka_tls
from kafkascope_exporter.kafka.tokens import LoginTokens, TokenError, TokenSource, token_source
from kafkascope_exporter.properties import Properties

_MECHANISMS = {
    "plain": "PLAIN",
    "scram-sha256": "SCRAM-SHA-256",
    "scram-sha512": "SCRAM-SHA-512",
    "gssapi": "GSSAPI",
    "awsiam": "OAUTHBEARER",
    "oauthbearer": "OAUTHBEARER",
}
_WITH_PASSWORD = ("plain", "scram-sha256", "scram-sha512")
_HOUR_MS = 3_600_000
_TOKEN_PATIENCE_S = 1.0
# A peer that vanished without a word is noticed within 35 seconds.
_KEEPALIVE = (
    ("TCP_KEEPIDLE", 15),
    ("TCP_KEEPALIVE", 15),  # what macOS calls it
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 4),
    ("TCP_USER_TIMEOUT", 35_000),
)


def kafka_python_configs(cluster: Cluster, deadline: float) -> dict[str, Any]:
    """Give the configs of kafka-python's network layer (``kafka.net``) and route its log to ours.

    Args:
        cluster: the settings.
        deadline: seconds that a cycle may take; a third of it is given to making a connection.

    Raises:
        OSError: a TLS file cannot be read or used.
        ValueError: a ``--kafka.property`` has a value that is no number.
    """
    route_kafka_python()
    setup_ms = int(deadline * 1000 / 3)
    configs: dict[str, Any] = {
        "bootstrap_servers": list(cluster.servers),
        "client_id": cluster.client_id,
        "client_software_name": "kafkascope-exporter",
        "security_protocol": _security_protocol(cluster),
        "request_timeout_ms": int(deadline * 1000),
        "socket_connection_setup_timeout_ms": setup_ms,
        "socket_connection_setup_timeout_max_ms": setup_ms,
        "reconnect_backoff_ms": 50,
        "reconnect_backoff_max_ms": 1000,
        # Every cycle asks for metadata itself.
        "metadata_max_age_ms": _HOUR_MS,
        # A million partitions' metadata; kafka-python's own limit of 1 MB is reached at 10,000.
        "receive_message_max_bytes": 1 << 30,
        # kafka-python refuses what goes beyond, instead of queueing it.
        "max_in_flight_requests_per_connection": 1_000_000,
        "socket_options": _socket_options(cluster),
        "proxy_url": PROXY_URL,
        **kafka_python_counterparts(cluster.properties),
    }
    if cluster.tls.enabled:
        configs["ssl_context"] = client_context(cluster.tls, cluster.properties)
    if cluster.sasl.enabled:
        configs |= _kafka_python_sasl(cluster)
    return configs


def librdkafka_properties(cluster: Cluster, deadline: float) -> dict[str, Any]:
    """Give the properties for ``confluent_kafka.AdminClient``.

    Its log reaches ours only when the client's ``poll`` is called now and then.

    Args:
        cluster: the settings.
        deadline: seconds that a cycle may take.
    """
    properties: dict[str, Any] = {
        "bootstrap.servers": ",".join(cluster.servers),
        "client.id": cluster.client_id,
        "security.protocol": _security_protocol(cluster),
        "socket.timeout.ms": int(deadline * 1000),
        "socket.connection.setup.timeout.ms": max(1000, int(deadline * 1000 / 3)),
        "socket.keepalive.enable": "true",
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1000,
        "topic.metadata.refresh.interval.ms": -1,
        "enable.metrics.push": "false",
        "log.connection.close": "false",
        "logger": librdkafka_logger(),
    }
    if cluster.tls.enabled:
        properties |= librdkafka_tls(cluster.tls)
    if cluster.sasl.enabled:
        properties |= _librdkafka_sasl(cluster)
    shown = Properties(cluster.properties).redacted()
    given = {n: v if shown[n] == v else SecretText(v) for n, v in cluster.properties.items()}
    return properties | given


def admin_client(cluster: Cluster, deadline: float) -> AdminClient:
    """Make librdkafka's client, unless it would have to wait for a token.

    Without one its constructor blocks for ten seconds, and raises then.

    Args:
        cluster: the settings.
        deadline: seconds that a cycle may take.

    Raises:
        KafkaException: librdkafka refuses the settings, or there is no valid token.
    """
    if cluster.sasl.enabled and _MECHANISMS[cluster.sasl.mechanism] == "OAUTHBEARER":
        try:
            _tokens(cluster).soon(_TOKEN_PATIENCE_S)
        except TokenError as error:
            why = KafkaError(KafkaError.SASL_AUTHENTICATION_FAILED, str(error))
            raise KafkaException(why) from None
    return AdminClient(librdkafka_properties(cluster, deadline))


def check_access(cluster: Cluster) -> list[str]:
    """Find what makes a start pointless; connects to nothing.

    Returns:
        A sentence for each problem, with the flag and the fix.
    """
    problems = []
    sasl = cluster.sasl
    if sasl.enabled and sasl.mechanism == "gssapi":
        problems += gssapi_problems(sasl)
    if sasl.enabled and sasl.mechanism == "awsiam":
        if not signer_installed():
            problems.append(
                "--sasl.mechanism=awsiam: the signer is not installed:"
                " pip install 'kafkascope-exporter[msk]'"
            )
        if not cluster.tls.enabled:
            problems.append("--sasl.mechanism=awsiam: needs --tls.enabled, as MSK has it")
    return problems + _refusals(cluster)


def access_notices(cluster: Cluster) -> list[str]:
    """Find what the user should know although it stops nothing, one sentence each."""
    limits = "reaches only librdkafka, which describes KIP-848 groups and nothing else"
    notices = [
        f"--kafka.property {name} {limits}" for name in for_librdkafka_only(cluster.properties)
    ]
    tls, sasl = cluster.tls, cluster.sasl
    if tls.enabled and tls.server_name and not tls.insecure_skip_tls_verify:
        notices.append(
            f"--tls.server-name={tls.server_name}: librdkafka, which describes KIP-848 groups,"
            " cannot check another name than the broker's own: where a certificate lacks that,"
            " these groups have no member count"
        )
    url = urlsplit(sasl.oauthbearer_token_url)
    with_url = sasl.enabled and sasl.mechanism == "oauthbearer"
    if with_url and url.scheme == "http" and not _on_loopback(url.hostname or ""):
        notices.append(
            f"--sasl.oauthbearer-token-url: the client secret goes to {url.hostname} readable;"
            " use https"
        )
    return notices


def _refusals(cluster: Cluster) -> list[str]:
    """Make what both clients are made of, as only they know all of their settings' rules."""
    problems = [
        f"--kafka.property {name}: librdkafka says: {why}"
        for name, value in cluster.properties.items()
        if (why := _librdkafka_refusal({name: value}))
    ]
    if problems:
        return problems
    try:
        kafka_python_counterparts(cluster.properties)
        socket_buffers(cluster.properties)
        if cluster.tls.enabled:
            client_context(cluster.tls, cluster.properties)
    except (OSError, ValueError) as error:
        return [f"{'--tls: ' if isinstance(error, ssl.SSLError) else ''}{error}"]
    properties = librdkafka_properties(cluster.model_copy(update={"sasl": Sasl()}), deadline=1)
    del properties["bootstrap.servers"]
    why = _librdkafka_refusal(properties)
    return [f"--kafka.property or --tls: librdkafka says: {why}"] if why else []


def _librdkafka_refusal(properties: dict[str, Any]) -> str:
    quiet: dict[str, Any] = {"logger": librdkafka_logger()}
    try:
        AdminClient(quiet | properties)
    except KafkaException as error:
        return str(error.args[0].str())
    return ""


def _security_protocol(cluster: Cluster) -> str:
    transport = "SSL" if cluster.tls.enabled else "PLAINTEXT"
    return f"SASL_{transport}" if cluster.sasl.enabled else transport


def _socket_options(cluster: Cluster) -> list[tuple[int, int, int]]:
    return [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *(
            (socket.IPPROTO_TCP, getattr(socket, name), value)
            for name, value in _KEEPALIVE
            if hasattr(socket, name)
        ),
        *socket_buffers(cluster.properties),
    ]


def _kafka_python_sasl(cluster: Cluster) -> dict[str, Any]:
    sasl = cluster.sasl
    configs: dict[str, Any] = {"sasl_mechanism": _MECHANISMS[sasl.mechanism]}
    if sasl.mechanism in _WITH_PASSWORD:
        configs["sasl_plain_username"] = sasl.username
        configs["sasl_plain_password"] = SecretText(sasl.password.get_secret_value())
    elif sasl.mechanism == "gssapi":
        configs |= kafka_python_kerberos(sasl)
    else:
        configs["sasl_oauth_token_provider"] = LoginTokens(_tokens(cluster))
    return configs


def _librdkafka_sasl(cluster: Cluster) -> dict[str, Any]:
    sasl = cluster.sasl
    properties: dict[str, Any] = {"sasl.mechanism": _MECHANISMS[sasl.mechanism]}
    if sasl.mechanism in _WITH_PASSWORD:
        properties["sasl.username"] = sasl.username
        properties["sasl.password"] = SecretText(sasl.password.get_secret_value())
    elif sasl.mechanism == "gssapi":
        properties |= librdkafka_kerberos(sasl)
    else:
        properties["oauth_cb"] = _token_callback(_tokens(cluster))
    return properties


def _tokens(cluster: Cluster) -> TokenSource:
    sasl = cluster.sasl
    if sasl.mechanism == "awsiam":
        return token_source(MskIam(sasl.aws_region))
    return token_source(
        ClientCredentials(
            url=sasl.oauthbearer_token_url,
            client_id=sasl.username,
            secret=sasl.password,
            scopes=sasl.oauthbearer_scopes,
            ca_file=cluster.tls.ca_file,
        )
    )


def _token_callback(source: TokenSource) -> Callable[[str], tuple[str, float]]:
    """Give what librdkafka calls for a token on a thread of its own, at first and when due.

    The first call holds up the client's constructor, so it waits only if there is no token.
    """
    called = False

    def oauth_cb(_: str) -> tuple[str, float]:
        nonlocal called
        token = source.renewed() if called else source.soon()
        called = True
        return token.value, token.expires_at

    return oauth_cb


def _on_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
