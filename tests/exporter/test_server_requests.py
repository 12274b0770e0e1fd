import socket
import time
from contextlib import closing

import pytest

from tests.exporter.serverclient import GET, answer, connected, everything, status
from tests.exporter.serving import Serving


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
