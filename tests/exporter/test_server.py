import http.client
import re
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from kafkascope_exporter import server
from kafkascope_exporter.config import Web
from kafkascope_exporter.web import CHUNK
from tests.exporter.serving import Serving, serving
from tests.waiting import wait_until

GET = b"GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n"
QUICK = ("--headers=0.5", "--response=0.5", "--drain=1")
LARGE = 8_000_000
MANY = 500


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with deadlines of half a second and a page of 8 MB, whose log must stay clean."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(log, (*QUICK, f"--size={LARGE}")) as served:
        yield served
        assert served.process.poll() is None
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The same, but the kernel takes hardly more from the server than the client has read."""
    log = tmp_path_factory.mktemp("narrow") / "log"
    with serving(log, (*QUICK, f"--size={LARGE}", "--send-buffer=8192")) as served:
        yield served
    assert "Traceback" not in log.read_text()


def connected(served: Serving, receive_buffer: int | None = None) -> socket.socket:
    """Open a connection; a small buffer makes the server notice what is not read."""
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(20)
    client.connect(("127.0.0.1", served.port))
    return client


def everything(client: socket.socket) -> bytes:
    """Read until the server hangs up."""
    read = b""
    try:
        while part := client.recv(1_000_000):
            read += part
    except ConnectionResetError:
        pass
    return read


def answer(served: Serving, sent: bytes) -> bytes:
    """Send bytes, and read until the server hangs up."""
    with closing(connected(served)) as client:
        client.sendall(sent)
        return everything(client)


def status(sent_back: bytes) -> int:
    """Give the status of the first response in some bytes."""
    return int(sent_back.split(b" ", 2)[1])


def scrape(served: Serving, path: str = "/metrics") -> bytes:
    """Scrape as a client that means well."""
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)) as client:
        client.request("GET", path)
        response = client.getresponse()
        body = response.read()
    assert response.status == 200
    assert len(body) == int(response.headers["Content-Length"])
    return body


def test_headers_that_never_end_close_the_connection(served: Serving) -> None:
    """Slowloris: a byte now and then does not prolong the time for the whole."""
    with closing(connected(served)) as client:
        began = time.monotonic()
        closed = False
        client.settimeout(0.05)
        client.sendall(b"GET /metrics HTTP/1.1\r\n")
        while not closed and time.monotonic() - began < 20:
            try:
                client.sendall(b"X-A: b\r\n")
                closed = client.recv(1) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                closed = True
    assert closed


def test_a_connection_that_asks_nothing_is_closed(served: Serving) -> None:
    """It would hold a descriptor."""
    with closing(connected(served)) as client:
        assert everything(client) == b""


def test_a_connection_may_idle_between_requests(served: Serving) -> None:
    """Prometheus keeps its own from scrape to scrape, for longer than headers may take."""
    with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)) as client:
        client.request("GET", "/healthz")
        assert client.getresponse().read() == b"ok\n"
        kept = client.sock
        with closing(connected(served)) as other:
            assert everything(other) == b""  # by now an idle connection would be closed
        client.request("GET", "/healthz")
        assert client.getresponse().read() == b"ok\n"
        assert client.sock is kept


def test_the_second_request_of_a_connection_has_the_same_time(served: Serving) -> None:
    """A first good request buys no slow second one."""
    with closing(connected(served)) as client:
        client.sendall(GET.replace(b"/metrics", b"/healthz"))
        assert client.recv(1_000_000).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert everything(client).removesuffix(b"ok\n") == b""  # which is the first one's


@pytest.mark.parametrize("size", [20_000, 5_000_000])
def test_oversized_headers_are_refused(served: Serving, size: int) -> None:
    """16 KB hold everything that a scraper sends."""
    with closing(connected(served)) as client:
        try:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Large: " + b"a" * size)
            refusal = everything(client)
        except ConnectionError:
            refusal = b"HTTP/1.1 400 lost with the connection, which was cut while sending"
    assert status(refusal) == 400


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"\x00" * 100 + b"\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET /met\xffrics HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"GET http://[bad/metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"GET /metrics/ HTTP/1.1\r\nHost: [bad\r\nConnection: close\r\n\r\n", 404),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"BREW /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
        (b"A" * 10_000 + b" /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404),
        (b"GET /healthz HTTP/9.9\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
    ],
)
def test_strange_requests_get_an_answer(served: Serving, sent: bytes, expected: int) -> None:
    """It is an error of the client's, the connection ends, and the log stays clean."""
    assert status(answer(served, sent)) == expected


def test_a_request_to_upgrade_is_answered_as_if_it_did_not_ask(served: Serving) -> None:
    """The exporter speaks no WebSocket."""
    upgrade = b"Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"
    sent = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + upgrade + b"\r\n"
    assert status(answer(served, sent)) == 200


def test_garbage_after_a_request_ends_the_connection_after_the_answer(served: Serving) -> None:
    """The good request before it is answered whole."""
    received = answer(served, GET.replace(b"/metrics", b"/healthz") + b"\x00garbage\r\n\r\n")
    first, second = received.split(b"ok\n")
    assert status(first) == 200
    assert status(second) == 400


def test_pipelined_requests_are_answered_in_order(served: Serving) -> None:
    """And one after the other, however many come at once."""
    health = GET.replace(b"/metrics", b"/healthz")
    last = health.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    received = answer(served, health * 200 + last)
    assert received.count(b"HTTP/1.1 200 ") == received.count(b"ok\n") == 201


def send_for_20_seconds(client: socket.socket) -> None:
    """Send without end, or nearly so."""
    block = b"a" * 1_000_000
    ends_at = time.monotonic() + 20
    while time.monotonic() < ends_at:
        client.sendall(block)


def test_a_request_body_without_end_is_not_kept(served: Serving) -> None:
    """The answer does not wait for it, it takes no memory, and the connection is cut."""
    before = served.resident_bytes()
    with closing(connected(served)) as client:
        client.sendall(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n")
        assert status(client.recv(1_000_000)) == 405
        with pytest.raises(ConnectionError):
            send_for_20_seconds(client)
    assert served.resident_bytes() - before < 20_000_000


def test_bad_chunks_after_the_answer_cut_the_connection(served: Serving) -> None:
    """A second answer would be taken for that of another request."""
    with closing(connected(served)) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
        )
        first = client.recv(1_000_000)
        client.sendall(b"nonsense\r\n")
        received = first + everything(client)
    assert status(received) == 405
    assert received.count(b"HTTP/1.1") == 1


def test_a_client_that_never_reads_is_dropped(served: Serving) -> None:
    """After the time for a response, with the memory that it held."""
    with closing(connected(served, 4_096)) as client:
        client.sendall(GET)
        wait_until(lambda: connections(served) == 0, 20, "the server drops the connection")


def test_a_client_that_reads_too_slowly_is_dropped(narrow: Serving) -> None:
    """Reading a little now and then does not prolong the time: it would keep an old page alive."""
    with closing(connected(narrow, 4_096)) as client:
        client.sendall(GET)
        wait_until(lambda: connections(narrow) == 1, 20, "it is connected")

        def dropped() -> bool:
            with suppress(ConnectionError):
                client.recv(1_000)
            return connections(narrow) == 0

        wait_until(dropped, 20, "the server drops the connection")


def test_a_client_that_leaves_the_last_bytes_unread_is_dropped(narrow: Serving) -> None:
    """The application is done with the response by then; closing must not wait for the client."""
    with closing(connected(narrow, 4_096)) as client:
        client.sendall(GET)
        read = 0
        while read < LARGE - 100_000:
            read += len(client.recv(1_000_000))
        wait_until(lambda: connections(narrow) == 0, 20, "the server drops the connection")


def connections(served: Serving) -> int:
    """Count the server's open connections."""
    sockets = 0
    for descriptor in Path(f"/proc/{served.process.pid}/fd").iterdir():
        try:
            sockets += descriptor.readlink().name.startswith("socket:")
        except FileNotFoundError:
            continue
    return sockets - IDLE_SOCKETS


IDLE_SOCKETS = 3  # the listener, and the event loop's own pair


def test_500_idle_connections_do_not_stop_scrapes(tmp_path: Path) -> None:
    """And are closed in the end."""
    with (
        serving(tmp_path / "log", ("--headers=2", f"--size={LARGE}")) as served,
        ExitStack() as many,
    ):
        for _ in range(MANY):
            client = many.enter_context(closing(connected(served)))
            client.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert connections(served) > 0
        for _ in range(5):
            assert len(scrape(served)) > LARGE
        wait_until(lambda: connections(served) == 0, 20, "all are closed")


def test_500_slow_readers_do_not_stop_scrapes(tmp_path: Path) -> None:
    """Each holds a chunk of the page that is being written, and the next one."""
    arguments = ("--response=600", f"--size={LARGE}", "--send-buffer=65536")
    with serving(tmp_path / "log", arguments) as served, ExitStack() as many:
        before = served.resident_bytes()
        for _ in range(MANY):
            client = many.enter_context(closing(connected(served, 4_096)))
            client.sendall(GET)
        for _ in range(5):
            assert len(scrape(served)) > LARGE
        held = served.resident_bytes() - before
        print(f"{MANY} slow readers of {LARGE} bytes hold {held / 2**20:.0f} MiB")  # noqa: T201 - the figure of ADR 0003
        assert connections(served) == MANY
        assert held < MANY * 2.5 * CHUNK


def test_scrapes_recover_when_descriptors_ran_out(tmp_path: Path) -> None:
    """One line of log says why, and the connections that ask nothing make room."""
    log = tmp_path / "log"
    with serving(log, ("--descriptors=50", "--headers=1")) as served, ExitStack() as many:
        for _ in range(100):
            many.enter_context(closing(connected(served)))
        wait_until(lambda: "Too many open files" in log.read_text(), 20, "they run out")
        assert len(scrape(served)) > 1_000
        assert served.process.poll() is None


def test_a_response_under_way_is_finished_on_sigterm(tmp_path: Path) -> None:
    """The client that reads gets all of it; new connections are refused; the exit code is 0."""
    with serving(tmp_path / "log", (f"--size={4 * LARGE}",)) as served:
        with closing(connected(served)) as client:
            client.sendall(GET)
            received = client.recv(1_000)
            served.process.send_signal(signal.SIGTERM)
            received += everything(client)
        head, body = received.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?i)content-length: (\d+)", head)
        assert length is not None
        assert len(body) == int(length[1])
        assert served.process.wait(20) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_slow_clients_do_not_keep_it_from_ending(tmp_path: Path, number: signal.Signals) -> None:
    """They are cut off after the drain, and that is no error worth a traceback."""
    log = tmp_path / "log"
    with serving(log, ("--drain=1", f"--size={LARGE}")) as served, ExitStack() as many:
        for _ in range(20):
            client = many.enter_context(closing(connected(served, 4_096)))
            client.sendall(GET)
            client.recv(100)
        many.enter_context(closing(connected(served))).sendall(b"GET /met")
        served.process.send_signal(number)
        assert served.process.wait(20) == 0
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_without_the_drain(tmp_path: Path, second: signal.Signals) -> None:
    """The drain of ten minutes would outlast this test."""
    arguments = ("--drain=600", f"--size={LARGE}", "--response=600")
    with serving(tmp_path / "log", arguments) as served, closing(connected(served, 4_096)) as slow:
        slow.sendall(GET)
        slow.recv(100)
        served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(served), 20, "it takes no new connections")
        assert served.process.poll() is None
        served.process.send_signal(second)
        assert served.process.wait(20) == 0


def refuses(served: Serving) -> bool:
    """Tell whether new connections are refused."""
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", served.port)) != 0


def test_a_collection_under_way_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    """With --collect.on-scrape, while Kafka does not answer."""
    log = tmp_path / "log"
    arguments = ("--on-scrape", "--drain=1")
    with serving(log, arguments) as served, closing(connected(served)) as client:
        client.sendall(GET + GET)
        assert status(health(served)) == 200
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(20) == 0
    assert "Traceback" not in log.read_text()


def health(served: Serving) -> bytes:
    """Ask for health, after which everything sent before has been received."""
    return answer(served, b"GET /healthz HTTP/1.0\r\n\r\n")


def test_sighup_changes_nothing_and_says_so(tmp_path: Path) -> None:
    """Other exporters read their settings again; the log says that this one does not."""
    log = tmp_path / "log"
    with serving(log) as served:
        assert status(health(served)) == 200
        served.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "SIGHUP" in log.read_text(), 20, "it is told")
        assert status(health(served)) == 200


def test_without_a_host_it_listens_on_ipv4_and_ipv6() -> None:
    """As danielqsj's `:9308` does."""
    (bound,) = server.listen(Web(listen_host="", listen_port=0))
    with closing(bound):
        port = bound.getsockname()[1]
        for host in ("127.0.0.1", *(["::1"] if socket.has_dualstack_ipv6() else [])):
            socket.create_connection((host, port), timeout=20).close()


def test_localhost_is_bound_wherever_this_machine_has_it() -> None:
    """On IPv4 at the least; a container without IPv6 has a name for `::1` all the same."""
    with ExitStack() as bound:
        listeners = server.listen(Web(listen_host="localhost", listen_port=0))
        for listener in listeners:
            bound.enter_context(closing(listener))
        assert "127.0.0.1" in {listener.getsockname()[0] for listener in listeners}


def test_an_address_of_another_machine_is_refused_by_name() -> None:
    """203.0.113.0/24 is documentation's (RFC 5737): nobody has it."""
    with pytest.raises(
        server.ServerError, match=r"^--web.listen-address=203.0.113.1:0: .+ address"
    ):
        server.listen(Web(listen_host="203.0.113.1", listen_port=0))


def test_a_host_that_cannot_be_found_is_refused_by_name() -> None:
    """The name is shown as it was given."""
    with pytest.raises(server.ServerError, match=r"^--web.listen-address=nowhere.invalid:9308: "):
        server.listen(Web(listen_host="nowhere.invalid", listen_port=9308))


def test_the_limit_of_descriptors_is_raised_to_what_is_allowed() -> None:
    """A shell's usual 1,024 would be used up by connections."""
    (bound,) = server.listen(Web(listen_host="127.0.0.1", listen_port=0))
    bound.close()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == hard
