"""What talks to a server that runs: plain sockets, for what a proper client would not send."""

import http.client
import socket
from contextlib import closing

from tests.exporter.serving import Serving

GET = b"GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n"
QUICK = ("--headers=0.5", "--response=0.5", "--drain=1")
LARGE = 8_000_000


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


def health(served: Serving) -> bytes:
    """Ask for health, after which everything sent before has been received."""
    return answer(served, b"GET /healthz HTTP/1.0\r\n\r\n")


def refuses(served: Serving) -> bool:
    """Tell whether new connections are refused."""
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", served.port)) != 0
