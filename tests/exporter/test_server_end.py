import re
import signal
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.exporter.serverclient import (
    GET,
    LARGE,
    connected,
    everything,
    health,
    refuses,
    status,
)
from tests.exporter.serving import serving
from tests.waiting import wait_until


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


def test_sighup_changes_nothing_and_says_so(tmp_path: Path) -> None:
    """Other exporters read their settings again; the log says that this one does not."""
    log = tmp_path / "log"
    with serving(log) as served:
        assert status(health(served)) == 200
        served.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "SIGHUP" in log.read_text(), 20, "it is told")
        assert status(health(served)) == 200
