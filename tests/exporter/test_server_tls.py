import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from kafkascope_demo.localkafka.certificates import Authority
from kafkascope_exporter import server
from kafkascope_exporter.config import ServerTls, Web
from tests.exporter.serving import Serving, serving

LARGE = 8_000_000
QUICK = ("--headers=0.5", "--response=0.5", "--drain=1", f"--size={LARGE}")
GET = b"GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Files:
    """Key pairs on disk: the server's and a client's."""

    directory: Path

    @property
    def ca(self) -> str:
        """The authority that the server and the client trust."""
        return str(self.directory / "ca.pem")

    def pair(self, name: str) -> tuple[str, str]:
        """Give the certificate and the key of ``server`` or ``client``."""
        return str(self.directory / f"{name}.crt"), str(self.directory / f"{name}.key")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Write the files once."""
    directory = tmp_path_factory.mktemp("tls")
    authority = Authority()
    (directory / "ca.pem").write_bytes(authority.pem())
    for name in ("server", "client"):
        key, chain = authority.issue(name, server=name == "server")
        (directory / f"{name}.key").write_bytes(key)
        (directory / f"{name}.crt").write_bytes(chain)
    return Files(directory)


@pytest.fixture(scope="module")
def https(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """An HTTPS server with a page of 8 MB and short deadlines, whose log must stay clean."""
    log = tmp_path_factory.mktemp("https") / "log"
    cert, key = files.pair("server")
    with serving(log, (*QUICK, f"--cert-file={cert}", f"--key-file={key}")) as served:
        yield served
        assert served.process.poll() is None
    assert "Traceback" not in log.read_text()


def curl(served: Serving, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Scrape with curl over HTTPS."""
    url = f"https://127.0.0.1:{served.port}/metrics"
    command = ["curl", "--silent", "--noproxy", "*", "--max-time", "20", *arguments, url]
    return subprocess.run(command, check=False, capture_output=True, timeout=30)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_gets_the_whole_page(https: Serving, files: Files, version: str) -> None:
    """A page larger than any buffer, from a server whose certificate it verifies."""
    versions = (f"--tlsv{version}", "--tls-max", version)
    fetched = curl(https, "--cacert", files.ca, *versions)
    assert fetched.returncode == 0
    assert len(fetched.stdout) > LARGE
    assert b"\nkafka_exporter_up 0.0\n" in fetched.stdout


@pytest.mark.parametrize("sent", [GET, b"\x16\x03\x01\x02\x00", b"\x00" * 1_000])
def test_what_is_not_tls_ends_the_connection(https: Serving, sent: bytes) -> None:
    """Plain HTTP to the HTTPS port, or half of a greeting."""
    with closing(socket.create_connection(("127.0.0.1", https.port), timeout=20)) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        assert b"HTTP" not in everything(client)


def everything(client: socket.socket) -> bytes:
    """Read until the server hangs up, however it does that."""
    read = b""
    try:
        while part := client.recv(1_000_000):
            read += part
    except (ConnectionError, ssl.SSLError):
        pass
    return read


def connected(served: Serving, files: Files) -> ssl.SSLSocket:
    """Open a connection whose small buffer makes the server notice what is not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.settimeout(20)
    client.connect(("127.0.0.1", served.port))
    context = ssl.create_default_context(cafile=files.ca)
    return context.wrap_socket(client, server_hostname="127.0.0.1")


def test_headers_that_never_end_close_the_connection(https: Serving, files: Files) -> None:
    """As without TLS."""
    with closing(connected(https, files)) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert everything(client) == b""


def test_a_client_that_reads_too_slowly_is_dropped(https: Serving, files: Files) -> None:
    """As without TLS."""
    with closing(connected(https, files)) as client:
        client.sendall(GET)
        read = 0
        began = time.monotonic()
        try:
            while part := client.recv(16_384):
                read += len(part)
                assert time.monotonic() - began < 20
                time.sleep(0.02)  # this is the slow reading itself
        except (ConnectionError, ssl.SSLError):
            pass
    assert 0 < read < LARGE


def test_files_that_are_no_pair_are_refused_by_name(files: Files) -> None:
    """They may have changed since the settings were checked; one clear line says which."""
    cert, _ = files.pair("server")
    _, key = files.pair("client")
    tls = ServerTls(enabled=True, cert_file=Path(cert), key_file=Path(key))
    with pytest.raises(server.ServerError, match=r"^--server.tls.cert-file, --server.tls.key-file"):
        server.serve(_nobody, Web(listen_port=0, tls=tls), [])


async def _nobody(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer nothing: it is not asked."""
