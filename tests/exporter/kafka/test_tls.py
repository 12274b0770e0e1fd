import socket
import ssl
from pathlib import Path

from kafkascope_exporter.kafka.clients import (
    access_notices,
    kafka_python_configs,
    librdkafka_properties,
)
from tests.exporter.kafka.clustersettings import DEADLINE, cluster


def test_the_server_name_is_what_certificates_are_checked_against(certificates: Path) -> None:
    """The context puts it in place of the host that kafka-python connects to."""
    tls = {"enabled": True, "ca_file": certificates / "ca.pem", "server_name": "kafka.example"}
    context = kafka_python_configs(cluster(tls=tls), DEADLINE)["ssl_context"]
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

    context = kafka_python_configs(checked, DEADLINE)["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert "enable.ssl.certificate.verification" not in librdkafka_properties(checked, DEADLINE)
    context = kafka_python_configs(skipped, DEADLINE)["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    assert (
        librdkafka_properties(skipped, DEADLINE)["enable.ssl.certificate.verification"] == "false"
    )


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
        ),
        DEADLINE,
    )["ssl_context"]

    assert not context.check_hostname
    assert [ca["subject"][0][0][1] for ca in context.get_ca_certs()] == [
        "Kafkascope local authority"
    ]
    tls12 = {c["name"] for c in context.get_ciphers() if c["protocol"] == "TLSv1.2"}
    assert tls12 == {"ECDHE-ECDSA-AES256-GCM-SHA384"}
