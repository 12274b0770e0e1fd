import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kafkascope_exporter.config import Cluster
from kafkascope_exporter.kafka.clients import kafka_python_configs
from kafkascope_exporter.kafka.sockets import PlainSocket
from kafkascope_exporter.kafka.wire import ClusterUnreachableError, Wire


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Leave cycles of references alone, as a process does that collects seldom."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@contextmanager
def closing_listener() -> Iterator[str]:
    """A server that closes each connection at once; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def close_all() -> None:
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=close_all, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def open_descriptors() -> int:
    """Count this process's open descriptors."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


def descriptors_left(cluster: Cluster, reason: str) -> int:
    """Connect in vain many times, for ``reason``, and count the descriptors that stay open."""
    quick = {"reconnect_backoff_ms": 1, "reconnect_backoff_max_ms": 1}
    wire = Wire({**kafka_python_configs(cluster), **quick})
    try:
        with pytest.raises(ClusterUnreachableError, match=reason):
            wire.connect(time.monotonic() + 0.5)
        before = open_descriptors()
        with pytest.raises(ClusterUnreachableError):
            wire.connect(time.monotonic() + 1)
        return open_descriptors() - before
    finally:
        wire.close()


@pytest.mark.usefixtures("no_garbage_collection")
def test_refused_connections_leave_no_descriptor_open() -> None:
    """A cluster that is down for days must not use up the process's descriptors."""
    cluster = Cluster.model_validate({"servers": "127.0.0.1:1"})

    # The last of many attempts may be under way when the time is over.
    assert descriptors_left(cluster, "^Connection (refused|timed out)$") <= 1


@pytest.mark.usefixtures("no_garbage_collection")
def test_failed_handshakes_leave_no_descriptor_open() -> None:
    """Nor must a cluster whose certificates went wrong."""
    with closing_listener() as address:
        cluster = Cluster.model_validate({"servers": address, "tls": {"enabled": True}})

        assert descriptors_left(cluster, "^(Handshake failed: |Connection timed out$)") <= 1


@pytest.mark.usefixtures("no_garbage_collection")
def test_a_silent_peer_does_not_keep_a_handshake_waiting() -> None:
    """A frozen broker's kernel accepts connections; the handshake ends in its time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        cluster = Cluster.model_validate({"servers": address, "tls": {"enabled": True}})

        assert descriptors_left(cluster, "did not answer in time") <= 1


def test_what_comes_before_the_end_is_delivered_before_it() -> None:
    """The reader gets the bytes, then nothing to read, and only then the end."""
    ours, theirs = socket.socketpair()
    with theirs, PlainSocket(fileno=ours.detach()) as reader:
        reader.settimeout(0)
        theirs.sendall(b"refused")
        theirs.shutdown(socket.SHUT_WR)

        assert reader.recv(4096) == b"refused"
        with pytest.raises(BlockingIOError):
            reader.recv(4096)
        assert reader.recv(4096) == b""
