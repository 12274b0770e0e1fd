from contextlib import ExitStack, closing
from pathlib import Path

from kafkascope_exporter.web import CHUNK
from tests.exporter.serverclient import GET, LARGE, connected, scrape
from tests.exporter.serving import serving
from tests.waiting import wait_until

MANY = 500


def test_500_idle_connections_do_not_stop_scrapes(tmp_path: Path) -> None:
    """And are closed in the end."""
    with (
        serving(tmp_path / "log", ("--headers=2", f"--size={LARGE}")) as served,
        ExitStack() as many,
    ):
        for _ in range(MANY):
            client = many.enter_context(closing(connected(served)))
            client.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert served.connections() > 0
        for _ in range(5):
            assert len(scrape(served)) > LARGE
        wait_until(lambda: served.connections() == 0, 20, "all are closed")


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
        wait_until(lambda: served.connections() == MANY, 20, "the scrapes' own are closed")
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
