import json
import logging
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import ClusterSpec, LocalKafka
from kafkascope_demo.localkafka.certificates import write_certificates
from kafkascope_exporter.config import Cluster
from kafkascope_exporter.kafka.clients import (
    check_access,
    kafka_python_configs,
    librdkafka_properties,
)
from kafkascope_exporter.kafka.codes import TIMED_OUT
from kafkascope_exporter.kafka.groups import list_groups
from kafkascope_exporter.kafka.metadata import MetadataReader
from kafkascope_exporter.kafka.wire import ClusterUnreachableError, Wire
from tests.integration.secured import (
    DEADLINE,
    EVERY_SASL,
    MUTUAL_TLS,
    ONLY_PLAIN,
    REAUTHENTICATION_MS,
    TLS,
    add_scram_users,
    sasl,
    settings,
    tls,
)
from tests.waiting import wait_until

MECHANISMS: Final = ("plain", "scram-sha256", "scram-sha512", "oauthbearer")
PATIENCE: Final = 30.0

SecuredKafka = Callable[[ClusterSpec], LocalKafka]


@pytest.fixture(scope="module")
def sasl_kafka(secured_kafka: SecuredKafka) -> LocalKafka:
    """A broker that takes every mechanism."""
    kafka = secured_kafka(EVERY_SASL)
    add_scram_users(kafka)
    return kafka


@contextmanager
def wired(cluster: Cluster) -> Iterator[Wire]:
    """Connections as collection makes them."""
    wire = Wire(kafka_python_configs(cluster, DEADLINE))
    try:
        yield wire
    finally:
        wire.close()


def ask(wire: Wire, cluster: Cluster) -> list[int]:
    """Ask through kafka-python for brokers and groups, and give the brokers' ids."""
    deadline = time.monotonic() + PATIENCE
    wire.connect(deadline)
    topology, failures = MetadataReader(wire, cluster.topics).read(deadline)
    assert topology is not None
    assert failures == []
    assert list_groups(wire, topology.brokers, cluster.groups, deadline).failures == []
    return [broker.id for broker in topology.brokers]


def answers(cluster: Cluster) -> bool:
    """Ask through both clients for brokers and groups."""
    assert check_access(cluster) == []
    with wired(cluster) as wire:
        ids = ask(wire, cluster)
    admin = AdminClient(librdkafka_properties(cluster, DEADLINE))
    listed = admin.list_consumer_groups(request_timeout=PATIENCE).result(PATIENCE)
    return listed.errors == [] and ids == sorted(admin.list_topics(timeout=PATIENCE).brokers)


def refusal(cluster: Cluster) -> str:
    """Connect through both clients in vain, and tell the reason that the user gets."""
    with wired(cluster) as wire:
        told = wait_until(lambda: attempt(wire), PATIENCE, "a reason")
    properties = librdkafka_properties(cluster, DEADLINE)
    properties.pop("oauth_cb", None)
    with pytest.raises(KafkaException):
        AdminClient(properties).list_topics(timeout=2)
    return told


def attempt(wire: Wire) -> str:
    """Connect in vain, and tell the reason if it is not only silence."""
    with pytest.raises(ClusterUnreachableError) as caught:
        wire.connect(time.monotonic() + DEADLINE)
    return "" if caught.value.code == TIMED_OUT else str(caught.value)


def test_both_clients_connect_without_security(kafka: LocalKafka) -> None:
    """A PLAINTEXT listener needs no settings but the servers."""
    assert answers(settings(kafka))


@pytest.mark.parametrize("fields", [{}, {"server_name": "localhost"}], ids=["address", "name"])
def test_both_clients_connect_by_tls(secured_kafka: SecuredKafka, fields: dict[str, str]) -> None:
    """The certificate is checked against the address, or against --tls.server-name."""
    kafka = secured_kafka(TLS)

    assert answers(settings(kafka, tls=tls(kafka, **fields)))


def test_both_clients_skip_verification_when_told(secured_kafka: SecuredKafka) -> None:
    """With --tls.insecure-skip-tls-verify no authority has to be known."""
    kafka = secured_kafka(TLS)

    assert answers(settings(kafka, tls={"enabled": True, "insecure_skip_tls_verify": True}))


def test_both_clients_connect_by_mutual_tls(secured_kafka: SecuredKafka) -> None:
    """The client's own certificate and key log it in."""
    kafka = secured_kafka(MUTUAL_TLS)
    files = kafka.client_properties("exporter")
    pair = {
        "cert_file": files["ssl.certificate.location"],
        "key_file": files["ssl.key.location"],
    }

    assert answers(settings(kafka, tls=tls(kafka, **pair)))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_both_clients_connect_by_sasl(sasl_kafka: LocalKafka, mechanism: str) -> None:
    """Each mechanism logs both in; OAUTHBEARER with two scopes."""
    cluster = settings(sasl_kafka, tls=tls(sasl_kafka), sasl=sasl(sasl_kafka, mechanism))

    assert answers(cluster)


@pytest.mark.parametrize(
    ("mechanism", "reason"),
    [
        ("plain", "Authentication failed: Invalid username or password"),
        ("scram-sha512", "invalid credentials with SASL mechanism SCRAM-SHA-512"),
        ("oauthbearer", "answered 401: invalid_client"),
    ],
)
def test_wrong_credentials_are_told(sasl_kafka: LocalKafka, mechanism: str, reason: str) -> None:
    """The broker's, or the issuer's, own words reach the user, and the password does not."""
    wrong = sasl(sasl_kafka, mechanism, password="not-the-password")

    told = refusal(settings(sasl_kafka, tls=tls(sasl_kafka), sasl=wrong))

    assert reason in told
    assert "\n" not in told
    assert "not-the-password" not in told


def test_an_unknown_scope_is_told(sasl_kafka: LocalKafka) -> None:
    """Scopes reach the issuer, and its refusal the user."""
    wrong = sasl(sasl_kafka, "oauthbearer", oauthbearer_scopes="everything")

    told = refusal(settings(sasl_kafka, tls=tls(sasl_kafka), sasl=wrong))

    assert "answered 400: invalid_scope" in told


def test_an_unknown_authority_is_told(secured_kafka: SecuredKafka, tmp_path: Path) -> None:
    """A certificate that another authority signed is not trusted."""
    kafka = secured_kafka(TLS)
    write_certificates(tmp_path, [])

    told = refusal(settings(kafka, tls=tls(kafka, ca_file=tmp_path / "ca.pem")))

    assert "certificate verify failed" in told


def test_a_wrong_server_name_is_told(secured_kafka: SecuredKafka) -> None:
    """--tls.server-name is what the certificate must be for, whatever was connected to."""
    kafka = secured_kafka(TLS)
    cluster = settings(kafka, tls=tls(kafka, server_name="kafka.example"))

    with wired(cluster) as wire:
        told = wait_until(lambda: attempt(wire), PATIENCE, "a reason")

    assert "not valid for 'kafka.example'" in told


def test_a_missing_client_certificate_is_told(secured_kafka: SecuredKafka) -> None:
    """A listener that demands a certificate says so."""
    kafka = secured_kafka(MUTUAL_TLS)

    assert "certificate required" in refusal(settings(kafka, tls=tls(kafka))).lower()


def test_plaintext_to_a_tls_listener_is_told(secured_kafka: SecuredKafka) -> None:
    """The hint names the flag that is missing."""
    kafka = secured_kafka(TLS)

    told = refusal(settings(kafka))

    assert told == f"{kafka.bootstrap_servers}: the listener speaks TLS (--tls.enabled)"


def test_tls_to_a_plaintext_listener_is_told(kafka: LocalKafka) -> None:
    """The hint names the flag that is too much, and OpenSSL's source is not quoted."""
    told = refusal(settings(kafka, tls={"enabled": True}))

    assert told.startswith("127.0.0.1:")
    assert told.endswith("(this listener may speak no TLS: --tls.enabled)")
    assert "_ssl.c" not in told


def login(mechanism: str) -> dict[str, Any]:
    """Give SASL settings of somebody whom no broker knows."""
    return {"enabled": True, "mechanism": mechanism, "username": "me", "password": "not-known"}


def test_a_missing_login_is_told(secured_kafka: SecuredKafka) -> None:
    """A broker that wants SASL only closes the connection; the hint names the flag."""
    kafka = secured_kafka(ONLY_PLAIN)

    assert refusal(settings(kafka)) == (
        f"{kafka.bootstrap_servers}: the broker closed the connection"
        " (this listener may want a login: --sasl.enabled)"
    )


def test_a_login_that_nobody_wants_is_told(kafka: LocalKafka) -> None:
    """A PLAINTEXT listener refuses to talk of it."""
    assert "leave --sasl.enabled out" in refusal(settings(kafka, sasl=login("plain")))


def test_a_mechanism_that_is_not_offered_is_told(secured_kafka: SecuredKafka) -> None:
    """With those that the broker does offer."""
    told = refusal(settings(secured_kafka(ONLY_PLAIN), sasl=login("scram-sha512")))

    assert "does not take SCRAM-SHA-512; it offers PLAIN (--sasl.mechanism)" in told


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_logging_in_logs_no_secret(
    sasl_kafka: LocalKafka, caplog: pytest.LogCaptureFixture, mechanism: str
) -> None:
    """At DEBUG, and with librdkafka's own debugging, neither password nor token is logged."""
    cluster = settings(
        sasl_kafka,
        tls=tls(sasl_kafka),
        sasl=sasl(sasl_kafka, mechanism),
        properties={"debug": "all"},
    )
    with caplog.at_level(logging.DEBUG):
        assert answers(cluster)
        admin = AdminClient(librdkafka_properties(cluster, DEADLINE))
        admin.list_topics(timeout=PATIENCE)
        assert admin.poll(0) > 0

    assert "kafka.net" in caplog.text
    assert "SASL" in caplog.text
    assert "exporter-secret" not in caplog.text
    assert "Bearer ey" not in caplog.text


class ShortLived:
    """Passes requests on to a token issuer, and says that its tokens live for few seconds."""

    def __init__(self, issuer: str, lifetime: int) -> None:
        self.asked_at: list[float] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.asked_at.append(time.monotonic())
                form = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {"Authorization": self.headers["Authorization"]}
                request = urllib.request.Request(issuer, form, headers)  # noqa: S310 - ours
                with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - ours
                    answer: dict[str, Any] = json.load(response)
                body = json.dumps(answer | {"expires_in": lifetime}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"


@contextmanager
def short_lived(kafka: LocalKafka, lifetime: int) -> Iterator[tuple[ShortLived, Cluster]]:
    """Run such an issuer, with settings that use it."""
    login = sasl(kafka, "oauthbearer")
    issuer = ShortLived(login["oauthbearer_token_url"], lifetime)
    login["oauthbearer_token_url"] = issuer.url
    thread = threading.Thread(target=issuer.server.serve_forever)
    thread.start()
    try:
        yield issuer, settings(kafka, tls=tls(kafka), sasl=login)
    finally:
        issuer.server.shutdown()
        issuer.server.server_close()
        thread.join()


def test_an_idle_librdkafka_client_renews_its_token_before_it_expires(
    sasl_kafka: LocalKafka,
) -> None:
    """Nobody calls ``poll``: librdkafka calls for tokens on a thread of its own."""
    with short_lived(sasl_kafka, lifetime=16) as (issuer, cluster):
        admin = AdminClient(librdkafka_properties(cluster, DEADLINE))
        wait_until(lambda: len(issuer.asked_at) > 1, PATIENCE, "the renewal")

        assert admin.list_topics(timeout=PATIENCE).brokers.keys() == {1}
        assert issuer.asked_at[1] - issuer.asked_at[0] < 16


def test_idle_connections_log_in_again_with_renewed_tokens(sasl_kafka: LocalKafka) -> None:
    """The broker ends sessions after eight seconds; the same connections go on (KIP-368)."""
    lifetime = REAUTHENTICATION_MS // 1000
    with short_lived(sasl_kafka, lifetime) as (issuer, cluster), wired(cluster) as wire:
        ask(wire, cluster)
        wait_until(lambda: len(issuer.asked_at) > 1, PATIENCE, "the renewal")

        assert ask(wire, cluster) == [1]


def test_both_clients_use_one_token(sasl_kafka: LocalKafka) -> None:
    """However many connections log in, the issuer is asked once."""
    with short_lived(sasl_kafka, lifetime=600) as (issuer, cluster):
        assert answers(cluster)
        assert answers(cluster)
        assert len(issuer.asked_at) == 1
