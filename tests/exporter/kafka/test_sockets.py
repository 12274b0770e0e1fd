import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from kafkascope_exporter.config import Cluster
from kafkascope_exporter.kafka.clients import kafka_python_configs
from kafkascope_exporter.kafka.sockets import PlainSocket
from kafkascope_exporter.kafka.wire import ClusterUnreachableError, Wire
from tests.exporter.kafka.clustersettings import DEADLINE


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Leave cycles of references alone, as a process does that collects seldom."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@contextmanager
def greeting_listener(greeting: bytes) -> Iterator[str]:
    """A server that says something and closes each connection; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet_all() -> None:
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                with connection, suppress(OSError):
                    connection.sendall(greeting)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(4096)

        thread = threading.Thread(target=greet_all, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def open_descriptors() -> int:
    """Count this process's open descriptors."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


def descriptors_left(cluster: Cluster, reason: str, attempts: int) -> int:
    """Connect in vain many times, for ``reason``, and count the descriptors that stay open."""
    wire = Wire(kafka_python_configs(cluster, deadline=1))

    def fail() -> None:
        with pytest.raises(ClusterUnreachableError, match=reason):
            wire.connect(time.monotonic() + 30)

    try:
        fail()
        before = open_descriptors()
        for _ in range(attempts):
            fail()
        return open_descriptors() - before
    finally:
        wire.close()


@pytest.mark.usefixtures("no_garbage_collection")
def test_refused_connections_leave_no_descriptor_open() -> None:
    """A cluster that is down for days must not use up the process's descriptors."""
    cluster = Cluster.model_validate({"servers": "127.0.0.1:1"})

    assert descriptors_left(cluster, "^127.0.0.1:1: Connection refused$", attempts=30) <= 1


@pytest.mark.usefixtures("no_garbage_collection")
def test_failed_handshakes_leave_no_descriptor_open() -> None:
    """Nor must a cluster whose certificates went wrong."""
    with greeting_listener(b"") as address:
        cluster = Cluster.model_validate({"servers": address, "tls": {"enabled": True}})

        assert descriptors_left(cluster, "the TLS handshake failed: .*--tls", attempts=30) <= 1


@pytest.mark.usefixtures("no_garbage_collection")
def test_a_silent_peer_does_not_keep_a_handshake_waiting() -> None:
    """A frozen broker's kernel accepts connections; the handshake ends in its time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        cluster = Cluster.model_validate({"servers": address, "tls": {"enabled": True}})

        assert descriptors_left(cluster, "did not answer in time", attempts=3) <= 1


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [
        (bytes.fromhex("15030300020250"), r"the listener speaks TLS \(--tls.enabled\)"),
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak Kafka's protocol"),
    ],
    ids=["tls", "http"],
)
def test_what_is_no_broker_is_told_at_its_first_words(greeting: bytes, reason: str) -> None:
    """They are not taken for a size: a TLS alert would make kafka-python reserve 352 MB."""
    with greeting_listener(greeting) as address:
        wire = Wire(kafka_python_configs(Cluster.model_validate({"servers": address}), DEADLINE))
        try:
            with pytest.raises(ClusterUnreachableError, match=f"^{address}: .*{reason}"):
                wire.connect(time.monotonic() + 30)
        finally:
            wire.close()


def test_what_comes_before_the_end_is_delivered_before_it() -> None:
    """The reader gets the bytes, then nothing to read, and only then the end."""
    ours, theirs = socket.socketpair()
    with theirs, PlainSocket(fileno=ours.detach()) as reader:
        reader.settimeout(0)
        theirs.sendall(b"\0\0\0\7refused")
        theirs.shutdown(socket.SHUT_WR)

        assert reader.recv(4096) == b"\0\0\0\7refused"
        with pytest.raises(BlockingIOError):
            reader.recv(4096)
        assert reader.recv(4096) == b""
