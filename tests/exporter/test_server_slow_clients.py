import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.exporter.serverclient import (
    GET,
    LARGE,
    QUICK,
    connected,
    everything,
)
from tests.exporter.serving import Serving, serving
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The same, but the kernel takes hardly more from the server than the client has read."""
    log = tmp_path_factory.mktemp("narrow") / "log"
    with serving(log, (*QUICK, f"--size={LARGE}", "--send-buffer=8192")) as served:
        yield served
    assert "Traceback" not in log.read_text()


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


def test_a_client_that_never_reads_is_dropped(served: Serving) -> None:
    """After the time for a response, with the memory that it held."""
    with closing(connected(served, 4_096)) as client:
        client.sendall(GET)
        client.recv(1, socket.MSG_PEEK)  # the response has begun
        wait_until(lambda: served.connections() == 0, 20, "the server drops the connection")


def test_a_client_that_reads_too_slowly_is_dropped(narrow: Serving) -> None:
    """Reading a little now and then does not prolong the time: it would keep an old page alive."""
    with closing(connected(narrow, 4_096)) as client:
        client.sendall(GET)
        wait_until(lambda: narrow.connections() == 1, 20, "it is connected")

        def dropped() -> bool:
            with suppress(ConnectionError):
                client.recv(1_000)
            return narrow.connections() == 0

        wait_until(dropped, 20, "the server drops the connection")


def test_a_client_that_leaves_the_last_bytes_unread_is_dropped(narrow: Serving) -> None:
    """The application is done with the response by then; closing must not wait for the client."""
    with closing(connected(narrow, 4_096)) as client:
        client.sendall(GET)
        read = 0
        while read < LARGE - 100_000:
            read += len(client.recv(1_000_000))
        wait_until(lambda: narrow.connections() == 0, 20, "the server drops the connection")
