from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kafkascope_demo.localkafka.certificates import Authority
from kafkascope_exporter.checks import Finding, find_problems
from kafkascope_exporter.config import Cluster, Collect, Sasl, ServerTls, Settings, Tls, Web


@dataclass(frozen=True)
class Files:
    """Certificates on disk, and files that are none."""

    ca: Path
    cert: Path
    key: Path
    encrypted_key: Path
    other_key: Path
    garbage: Path
    empty: Path
    missing: Path


def encrypted(key: bytes, password: bytes) -> bytes:
    """Encrypt a private key."""
    private = load_pem_private_key(key, None)
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password),
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Write the files once."""
    directory = tmp_path_factory.mktemp("tls")
    authority = Authority()
    key, cert = authority.issue("exporter", server=False)
    content = {
        "ca": authority.pem(),
        "cert": cert,
        "key": key,
        "encrypted_key": encrypted(key, b"hunter2"),
        "other_key": authority.issue("other", server=False)[0],
        "garbage": b"hunter2\n",
        "empty": b"",
    }
    for name, data in content.items():
        (directory / name).write_bytes(data)
    return Files(missing=directory / "missing", **{name: directory / name for name in content})


def tls_problems(tls: Tls) -> list[Finding]:
    """Check a cluster's TLS settings."""
    return find_problems(Settings(clusters=(Cluster(tls=tls),)))


def server_problems(tls: ServerTls) -> list[Finding]:
    """Check the server's TLS settings."""
    return find_problems(Settings(web=Web(tls=tls)))


def sasl_problems(**values: object) -> list[Finding]:
    """Check a cluster's SASL settings."""
    sasl = Sasl.model_validate({"enabled": True, **values})
    return find_problems(Settings(clusters=(Cluster(sasl=sasl),)))


def test_the_defaults_have_no_problem() -> None:
    """So that a bare start works."""
    assert find_problems(Settings()) == []


def test_good_tls_files_have_no_problem(files: Files) -> None:
    """With a password for the key too; the system's authorities need no file."""
    assert tls_problems(Tls(enabled=True)) == []
    assert tls_problems(Tls(enabled=True, ca_file=files.ca)) == []
    assert tls_problems(Tls(enabled=True, cert_file=files.cert, key_file=files.key)) == []
    locked = {"cert_file": files.cert, "key_file": files.encrypted_key, "key_password": "hunter2"}
    assert tls_problems(Tls.model_validate({"enabled": True, **locked})) == []


@pytest.mark.parametrize(
    ("wrong", "flag", "message"),
    [
        (
            lambda files: Tls(enabled=True, ca_file=files.missing),
            "tls.ca-file",
            "cannot read {0.missing}: No such file or directory",
        ),
        (
            lambda files: Tls(enabled=True, ca_file=files.ca.parent),
            "tls.ca-file",
            "cannot read {0.ca.parent}: Is a directory",
        ),
        (
            lambda files: Tls(enabled=True, ca_file=files.empty),
            "tls.ca-file",
            "{0.empty} is empty",
        ),
        (
            lambda files: Tls(enabled=True, ca_file=files.garbage),
            "tls.ca-file",
            "{0.garbage} holds no certificate in PEM form",
        ),
        (
            lambda files: Tls(enabled=True, cert_file=files.cert),
            "tls.key-file",
            "is needed beside --tls.cert-file",
        ),
        (
            lambda files: Tls(enabled=True, key_file=files.key),
            "tls.cert-file",
            "is needed beside --tls.key-file",
        ),
        (
            lambda files: Tls(enabled=True, cert_file=files.cert, key_file=files.other_key),
            "tls.key-file",
            "{0.other_key} is not the key of {0.cert}",
        ),
        (
            lambda files: Tls(enabled=True, cert_file=files.cert, key_file=files.garbage),
            "tls.cert-file",
            "{0.cert} and {0.garbage} are not a certificate and its key (PEM)",
        ),
        (
            lambda files: Tls(enabled=True, cert_file=files.cert, key_file=files.encrypted_key),
            "tls.key-file",
            "{0.encrypted_key} is encrypted, and --tls.key-password-file does not open it",
        ),
    ],
)
def test_tls_files_that_cannot_work_are_refused_before_the_start(
    files: Files, wrong: Callable[[Files], Tls], flag: str, message: str
) -> None:
    """Each with the one flag that is to be corrected."""
    assert tls_problems(wrong(files)) == [(flag, message.format(files))]


def test_tls_settings_are_not_checked_while_tls_is_off(files: Files) -> None:
    """danielqsj/kafka_exporter ignores them too; a notice says so."""
    assert tls_problems(Tls(ca_file=files.missing)) == []
    assert server_problems(ServerTls(mutual_auth_enabled=True)) == []


def test_https_needs_a_certificate_and_mutual_authentication_an_authority(files: Files) -> None:
    """A server without them would refuse every connection."""
    assert server_problems(ServerTls(enabled=True, mutual_auth_enabled=True)) == [
        ("server.tls.cert-file", "is needed with --server.tls.enabled"),
        ("server.tls.key-file", "is needed with --server.tls.enabled"),
        ("server.tls.ca-file", "is needed with --server.tls.mutual-auth-enabled"),
    ]
    whole = ServerTls(enabled=True, cert_file=files.cert, key_file=files.key, ca_file=files.ca)
    assert server_problems(whole) == []
    locked = whole.model_copy(update={"key_file": files.encrypted_key})
    assert [flag for flag, _ in server_problems(locked)] == ["server.tls.key-file"]


def test_sasl_without_a_mechanism_is_refused() -> None:
    """As in danielqsj/kafka_exporter."""
    ((flag, message),) = sasl_problems()

    assert flag == "sasl.mechanism"
    assert message.startswith("is needed with --sasl.enabled: plain, ")


@pytest.mark.parametrize(
    ("mechanism", "flags"),
    [
        ("plain", ["sasl.username", "sasl.password"]),
        ("scram-sha256", ["sasl.username", "sasl.password"]),
        ("scram-sha512", ["sasl.username", "sasl.password"]),
        ("awsiam", ["sasl.aws-region"]),
        ("oauthbearer", ["sasl.oauthbearer-token-url", "sasl.username"]),
        ("gssapi", []),
    ],
)
def test_a_mechanism_needs_its_credentials(mechanism: str, flags: list[str]) -> None:
    """Rather a clear line now than an authentication error of the broker."""
    assert [flag for flag, _ in sasl_problems(mechanism=mechanism)] == flags
    given = {
        "username": "me",
        "password": "hunter2",
        "aws_region": "eu-west-1",
        "oauthbearer_token_url": "https://idp.example.com/token",
    }
    assert sasl_problems(mechanism=mechanism, **given) == []


def test_kerberos_with_a_keytab_needs_one_that_can_be_read(files: Files) -> None:
    """Whether the clients can do Kerberos at all is `check_access`'s to say."""
    login = {"mechanism": "gssapi", "kerberos_auth_type": "keytabAuth"}

    assert [flag for flag, _ in sasl_problems(**login)] == ["sasl.keytab-path"]
    assert [flag for flag, _ in sasl_problems(**login, keytab_path=files.missing)] == [
        "sasl.keytab-path"
    ]
    assert sasl_problems(**login, keytab_path=files.garbage) == []


def test_times_must_fit_each_other() -> None:
    """A collection may not outlast the interval, nor the series vanish within it."""
    collect = Collect(interval=10, deadline=10.5, staleness=5)

    deadline, staleness = find_problems(Settings(collect=collect))

    assert deadline == ("collect.deadline", "10.5s is longer than the interval of 10s")
    assert staleness.flag == "collect.staleness"
    assert staleness.message.startswith("5s is shorter than the interval of 10s: the series would")


def test_an_interval_that_would_hammer_kafka_is_refused() -> None:
    """Such as 1ms where 1m was meant."""
    ((flag, message),) = find_problems(Settings(collect=Collect(interval=0.001)))

    assert (flag, message) == ("collect.interval", "must be at least 100ms, not 1ms")
