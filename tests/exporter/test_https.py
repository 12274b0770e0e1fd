import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kafkascope_demo.localkafka.certificates import Authority
from tests.exporter.commands import NO_KAFKA, Running, running

# curl's codes for a failed handshake, no reply and a broken connection: with TLS 1.3 the server
# refuses when the client has begun to send already.
REFUSED = {35, 52, 56}


@dataclass(frozen=True)
class Files:
    """Certificates of one authority, and of another that calls itself the same."""

    directory: Path

    def named(self, name: str) -> str:
        """Give the path of a file."""
        return str(self.directory / name)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Write them once."""
    files = Files(tmp_path_factory.mktemp("https"))
    for prefix in ("", "other-"):
        authority = Authority()
        Path(files.named(f"{prefix}ca.crt")).write_bytes(authority.pem())
        for name, server in (("server", True), ("client", False)):
            key, chain = authority.issue(name, server=server)
            Path(files.named(f"{prefix}{name}.key")).write_bytes(key)
            Path(files.named(f"{prefix}{name}.crt")).write_bytes(chain)
    return files


def flags(files: Files) -> tuple[str, ...]:
    """Give the flags for HTTPS."""
    return (
        NO_KAFKA,
        "--server.tls.enabled",
        f"--server.tls.cert-file={files.named('server.crt')}",
        f"--server.tls.key-file={files.named('server.key')}",
    )


@pytest.fixture(scope="module")
def https(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An exporter that speaks HTTPS."""
    log = tmp_path_factory.mktemp("https-log") / "log"
    with running(log, *flags(files)) as exporter:
        yield exporter
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def mutual(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An exporter that wants its clients' certificates."""
    log = tmp_path_factory.mktemp("mutual-log") / "log"
    with running(
        log,
        *flags(files),
        "--server.tls.mutual-auth-enabled",
        f"--server.tls.ca-file={files.named('ca.crt')}",
    ) as exporter:
        yield exporter
    assert "Traceback" not in log.read_text()


def curl(exporter: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Scrape with curl."""
    return subprocess.run(
        [
            *("curl", "--silent", "--show-error", "--fail", "--compressed", "--max-time", "30"),
            *arguments,
            f"https://localhost:{exporter.port}/metrics",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def client(files: Files, prefix: str = "") -> tuple[str, ...]:
    """Give curl's arguments for a client's certificate."""
    cert, key = files.named(f"{prefix}client.crt"), files.named(f"{prefix}client.key")
    return ("--cert", cert, "--key", key)


def trusting(files: Files) -> tuple[str, ...]:
    """Give curl's arguments to trust the exporter's authority."""
    return ("--cacert", files.named("ca.crt"))


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_client_that_trusts_the_authority_scrapes(
    https: Running, files: Files, version: str
) -> None:
    """With either version of TLS that is in use."""
    result = curl(https, *trusting(files), f"--tlsv{version}", "--tls-max", version)
    assert result.returncode == 0, result.stderr
    assert "kafka_exporter_up 0.0" in result.stdout


def test_tls_1_1_is_refused(https: Running, files: Files) -> None:
    """Even by a client whose own policy would let it."""
    weak = ("--ciphers", "DEFAULT@SECLEVEL=0", "--tlsv1.0", "--tls-max", "1.1")
    result = curl(https, *trusting(files), *weak)
    assert result.returncode == 35
    assert result.stdout == ""


def test_a_client_sees_that_the_authority_is_another(https: Running, files: Files) -> None:
    """The exporter presents the certificate that it was given, and no other."""
    result = curl(https, "--cacert", files.named("other-ca.crt"))
    assert result.returncode in {35, 60}
    assert result.stdout == ""


def test_plain_http_gets_no_metrics_from_https(https: Running) -> None:
    """Nor does it harm the exporter."""
    plain = ["curl", "--silent", "--max-time", "30", f"http://localhost:{https.port}/metrics"]
    result = subprocess.run(plain, capture_output=True, text=True, timeout=60, check=False)
    assert "kafka_exporter_up" not in result.stdout
    assert https.process.poll() is None


def test_a_client_certificate_of_the_authority_is_accepted(mutual: Running, files: Files) -> None:
    """As Prometheus presents it with `tls_config`."""
    result = curl(mutual, *trusting(files), *client(files))
    assert result.returncode == 0, result.stderr
    assert "kafka_exporter_up 0.0" in result.stdout


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_without_a_client_certificate_nothing_is_served(
    mutual: Running, files: Files, version: str
) -> None:
    """TLS 1.3 tells the client only after its request."""
    result = curl(mutual, *trusting(files), "--tls-max", version)
    assert result.returncode in REFUSED
    assert result.stdout == ""


def test_a_client_certificate_of_another_authority_is_refused(
    mutual: Running, files: Files
) -> None:
    """Though that authority bears the same name."""
    result = curl(mutual, *trusting(files), *client(files, "other-"))
    assert result.returncode in REFUSED
    assert result.stdout == ""
