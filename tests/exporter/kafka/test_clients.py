import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from kafka.errors import SaslAuthenticationFailedError

from kafkascope_demo.localkafka.certificates import write_certificates
from kafkascope_exporter.config import Cluster
from kafkascope_exporter.kafka.clients import (
    access_notices,
    check_access,
    kafka_python_configs,
    librdkafka_properties,
)
from kafkascope_exporter.kafka.kerberos import gssapi_problems, librdkafka_has_gssapi

SECRET = "hunter2-secret"
NOWHERE = "http://127.0.0.1:1/token"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, app.crt and app.key."""
    directory = tmp_path_factory.mktemp("certificates")
    write_certificates(directory, ["app", "other"])
    return directory


def cluster(**fields: object) -> Cluster:
    """Make a cluster's settings."""
    return Cluster.model_validate({"servers": "127.0.0.1:1,[::1]:1", **fields})


def sasl(mechanism: str, **fields: object) -> dict[str, Any]:
    """Make SASL settings with a user and a password."""
    given = {"enabled": True, "mechanism": mechanism, "username": "me", "password": SECRET}
    return {**given, **fields}


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

    assert kafka_python_configs(settings)["security_protocol"] == protocol
    assert librdkafka_properties(settings)["security.protocol"] == protocol


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

    assert kafka_python_configs(settings)["sasl_mechanism"] == kafka_name
    assert librdkafka_properties(settings)["sasl.mechanism"] == kafka_name


def test_disabled_parts_leave_no_trace() -> None:
    """What is set beside a switch that is off reaches no client."""
    settings = cluster(
        tls={"ca_file": "/nonexistent"}, sasl={"mechanism": "plain", "password": SECRET}
    )

    assert "ssl_context" not in kafka_python_configs(settings)
    assert "sasl_plain_password" not in kafka_python_configs(settings)
    assert not [n for n in librdkafka_properties(settings) if n.startswith(("ssl.", "sasl."))]


def test_no_secret_shows_in_what_the_clients_get() -> None:
    """Passwords, and properties that look like secrets, are stars in every repr."""
    settings = cluster(
        sasl=sasl("scram-sha512"),
        tls={"enabled": True, "key_password": SECRET},
        properties={"ssl.key.pem": SECRET},
    )

    shown = repr(kafka_python_configs(settings)) + repr(librdkafka_properties(settings))

    assert SECRET not in shown
    assert librdkafka_properties(settings)["sasl.password"] == SECRET
    assert librdkafka_properties(settings)["ssl.key.pem"] == SECRET


def test_all_clients_of_a_login_share_a_token_source() -> None:
    """Making the clients again asks for no further token."""
    fields = sasl("oauthbearer", oauthbearer_token_url=NOWHERE)

    first, second = (kafka_python_configs(cluster(sasl=fields)) for _ in range(2))

    sources = {id(vars(c["sasl_oauth_token_provider"])["_source"]) for c in (first, second)}
    assert len(sources) == 1


def test_a_login_without_a_token_fails_with_the_reason() -> None:
    """kafka-python gets an error that it passes on, not one that ends its network thread."""
    settings = cluster(sasl=sasl("oauthbearer", oauthbearer_token_url=NOWHERE))
    provider = kafka_python_configs(settings)["sasl_oauth_token_provider"]

    with pytest.raises(SaslAuthenticationFailedError, match="token"):
        provider.token()


def test_a_connection_gets_a_third_of_the_cycle() -> None:
    """A broker that does not answer must leave time for the others."""
    configs = kafka_python_configs(cluster(), deadline=3.0)
    properties = librdkafka_properties(cluster(), deadline=1.5)

    assert configs["socket_connection_setup_timeout_ms"] == 1000
    assert configs["socket_connection_setup_timeout_max_ms"] == 1000
    assert properties["socket.connection.setup.timeout.ms"] == 1000
    assert properties["socket.timeout.ms"] == 1500


def test_properties_reach_kafka_python_under_its_names() -> None:
    """What has a counterpart is translated; what sizes a buffer becomes a socket option."""
    configs = kafka_python_configs(
        cluster(
            properties={
                "reconnect.backoff.max.ms": "5000",
                "connections.max.idle.ms": "0",
                "client.dns.lookup": "resolve_canonical_bootstrap_servers_only",
                "socket.send.buffer.bytes": "65536",
            }
        )
    )

    assert configs["reconnect_backoff_max_ms"] == 5000
    assert configs["connections_max_idle_ms"] > 10**9
    assert configs["client_dns_lookup"] == "resolve_canonical_bootstrap_servers_only"
    assert (socket.SOL_SOCKET, socket.SO_SNDBUF, 65536) in configs["socket_options"]


def test_properties_win_over_our_own_in_librdkafka() -> None:
    """Who gives a property means it."""
    settings = cluster(properties={"reconnect.backoff.max.ms": "5000"})

    assert librdkafka_properties(settings)["reconnect.backoff.max.ms"] == "5000"


def test_a_property_for_librdkafka_alone_is_announced() -> None:
    """The user learns that it does next to nothing."""
    settings = cluster(
        properties={
            "broker.address.family": "v4",
            "ssl.crl.location": "x",
            "socket.timeout.ms": "9",
        }
    )

    notices = access_notices(settings)

    assert [notice.split()[1] for notice in notices] == ["broker.address.family"]


def test_the_server_name_is_what_certificates_are_checked_against(certificates: Path) -> None:
    """The context puts it in place of the host that kafka-python connects to."""
    tls = {"enabled": True, "ca_file": certificates / "ca.pem", "server_name": "kafka.example"}
    context = kafka_python_configs(cluster(tls=tls))["ssl_context"]
    ours, theirs = socket.socketpair()

    with ours, theirs:
        secured = context.wrap_socket(
            ours, server_hostname="10.0.0.1", do_handshake_on_connect=False
        )
        name, checked = secured.server_hostname, context.check_hostname
        secured.close()

    assert (name, checked, context.verify_mode) == ("kafka.example", True, ssl.CERT_REQUIRED)
    assert any("--tls.server-name=kafka.example" in n for n in access_notices(cluster(tls=tls)))


def test_certificates_are_checked_unless_told_otherwise(certificates: Path) -> None:
    """--tls.insecure-skip-tls-verify switches off both the chain and the name, in both clients."""
    checked = cluster(tls={"enabled": True, "ca_file": certificates / "ca.pem"})
    skipped = cluster(tls={"enabled": True, "insecure_skip_tls_verify": True})

    context = kafka_python_configs(checked)["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert "enable.ssl.certificate.verification" not in librdkafka_properties(checked)
    context = kafka_python_configs(skipped)["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    assert librdkafka_properties(skipped)["enable.ssl.certificate.verification"] == "false"


def test_tls_properties_hold_for_kafka_python_too(certificates: Path) -> None:
    """What makes TLS stricter must not stay with the client that does least."""
    pem = (certificates / "ca.pem").read_text()
    context = kafka_python_configs(
        cluster(
            tls={"enabled": True},
            properties={
                "ssl.endpoint.identification.algorithm": "none",
                "ssl.ca.pem": pem,
                "ssl.cipher.suites": "ECDHE-ECDSA-AES256-GCM-SHA384",
            },
        )
    )["ssl_context"]

    assert not context.check_hostname
    assert [ca["subject"][0][0][1] for ca in context.get_ca_certs()] == [
        "Kafkascope local authority"
    ]
    tls12 = {c["name"] for c in context.get_ciphers() if c["protocol"] == "TLSv1.2"}
    assert tls12 == {"ECDHE-ECDSA-AES256-GCM-SHA384"}


def test_sound_settings_have_no_problems(certificates: Path) -> None:
    """Nothing is found where nothing is wrong, and no token is requested."""
    tls = {
        "enabled": True,
        "ca_file": certificates / "ca.pem",
        "cert_file": certificates / "app.crt",
        "key_file": certificates / "app.key",
    }
    for fields in ({}, {"tls": tls}, {"tls": tls, "sasl": sasl("awsiam", aws_region="x")}):
        assert check_access(cluster(**fields)) == []
    assert check_access(cluster(sasl=sasl("oauthbearer", oauthbearer_token_url=NOWHERE))) == []


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"no.such": "1"}, 'No such configuration property: "no.such"'),
        ({"socket.timeout.ms": "soon"}, "--kafka.property socket.timeout.ms: librdkafka says"),
        ({"socket.nagle.disable": "perhaps"}, '"socket.nagle.disable"'),
        ({"socket.send.buffer.bytes": "big"}, "--kafka.property socket.send.buffer.bytes: "),
    ],
)
def test_a_wrong_property_is_named(properties: dict[str, str], problem: str) -> None:
    """Only the clients know all properties, so they are asked before the start."""
    problems = check_access(cluster(properties=properties))

    assert len(problems) == 1
    assert problem in problems[0]


def test_all_wrong_properties_are_named_at_once() -> None:
    """One start is enough to learn of all of them."""
    problems = check_access(cluster(properties={"no.such": "1", "socket.timeout.ms": "soon"}))

    assert [problem.split(": ")[0] for problem in problems] == [
        "--kafka.property no.such",
        "--kafka.property socket.timeout.ms",
    ]


def test_a_key_of_another_certificate_is_a_problem(certificates: Path) -> None:
    """Files that do not fit together stop the start, not the first connection."""
    tls = {
        "enabled": True,
        "cert_file": certificates / "app.crt",
        "key_file": certificates / "other.key",
    }

    (problem,) = check_access(cluster(tls=tls))

    assert "KEY_VALUES_MISMATCH" in problem


def test_msk_iam_without_tls_is_refused() -> None:
    """The token would be readable, and MSK takes none without TLS."""
    (problem,) = check_access(cluster(sasl=sasl("awsiam", aws_region="eu-west-3")))

    assert "--tls.enabled" in problem


def test_kerberos_is_refused_with_the_build_instruction() -> None:
    """The wheel of confluent-kafka has no GSSAPI; the message says how to get it."""
    settings = cluster(sasl=sasl("gssapi", service_name="kafka", realm="EXAMPLE.COM"))

    assert not librdkafka_has_gssapi()
    assert any("--no-binary confluent-kafka" in problem for problem in check_access(settings))


def test_kerberos_with_everything_installed_has_no_problem() -> None:
    """A librdkafka that has GSSAPI and the gssapi package are enough for a keytab."""
    settings = cluster(sasl=sasl("gssapi", kerberos_auth_type="keytabAuth")).sasl
    by_password = cluster(sasl=sasl("gssapi", kerberos_auth_type="userAuth")).sasl

    assert gssapi_problems(settings, librdkafka=True, package=True) == []
    assert len(gssapi_problems(by_password, librdkafka=True, package=True)) == 1
    assert len(gssapi_problems(settings, librdkafka=False, package=False)) == 2


def test_kerberos_names_reach_both_clients() -> None:
    """Service, principal and keytab become each client's own settings."""
    fields = sasl("gssapi", service_name="broker", realm="EXAMPLE.COM")
    properties = librdkafka_properties(cluster(sasl=fields))

    assert properties["sasl.kerberos.service.name"] == "broker"
    assert properties["sasl.kerberos.principal"] == "me@EXAMPLE.COM"
    configs = kafka_python_configs(cluster(sasl=fields))
    assert configs["sasl_kerberos_service_name"] == "broker"


@pytest.mark.parametrize(
    ("url", "told"),
    [("http://idp.example/token", True), ("https://idp.example/t", False), (NOWHERE, False)],
)
def test_a_secret_sent_readable_is_announced(url: str, *, told: bool) -> None:
    """A token URL without TLS is accepted, but not silently."""
    notices = access_notices(cluster(sasl=sasl("oauthbearer", oauthbearer_token_url=url)))

    assert bool(notices) is told
