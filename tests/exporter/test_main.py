import json
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.exporter.commands import NO_KAFKA, Running, ended, running
from tests.exporter.exposed import parsed
from tests.waiting import wait_until


def get(exporter: Running, path: str) -> tuple[int, str]:
    """Give the status and the body of a page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{exporter.port}{path}", timeout=20) as page:
            return page.status, page.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def silent_kafka() -> Iterator[socket.socket]:
    """A port that takes connections and never answers, as a frozen broker."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener


def server_flag(kafka: socket.socket) -> str:
    """Give the flag that points the exporter at ``kafka``."""
    return f"--kafka.server=127.0.0.1:{kafka.getsockname()[1]}"


def test_without_kafka_it_serves_its_own_metrics_and_is_alive_but_not_ready(tmp_path: Path) -> None:
    """From the first moment; the reason is in the log and counted."""
    with running(tmp_path / "log", NO_KAFKA) as exporter:
        status, text = get(exporter, "/metrics")
        values = {s.name: s.value for s in parsed(text, openmetrics=False)}
        assert status == 200
        assert values["kafka_exporter_up"] == 0
        assert values["process_open_fds"] > 0
        assert not any(name.startswith(("kafka_topic", "kafka_consumergroup")) for name in values)
        assert get(exporter, "/-/ready")[0] == 503
        assert get(exporter, "/-/healthy")[0] == 200
        wait_until(
            lambda: "kafka_exporter_errors_total{" in get(exporter, "/metrics")[1],
            20,
            "the failure is counted",
        )
        assert exporter.process.poll() is None
    log = exporter.log.read_text()
    assert "127.0.0.1:1" in log
    assert "Traceback" not in log


def test_scrapes_are_answered_while_kafka_is_silent(
    tmp_path: Path, silent_kafka: socket.socket
) -> None:
    """A cycle that hangs is nothing to wait for."""
    with (
        running(tmp_path / "log", server_flag(silent_kafka), "--collect.interval=300s") as exporter,
        closing(silent_kafka.accept()[0]),
    ):
        assert get(exporter, "/metrics")[0] == 200
        assert get(exporter, "/-/ready")[0] == 503


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_the_middle_of_a_cycle(
    tmp_path: Path, silent_kafka: socket.socket, number: signal.Signals
) -> None:
    """The deadline of this cycle is four minutes; the exit code is 0, and no traceback shows."""
    arguments = (server_flag(silent_kafka), "--collect.interval=300s")
    with running(tmp_path / "log", *arguments) as exporter, closing(silent_kafka.accept()[0]):
        exporter.process.send_signal(number)
        assert exporter.process.wait(30) == 0
    assert "Traceback" not in exporter.log.read_text()


def test_a_signal_ends_it_while_a_scrape_collects(
    tmp_path: Path, silent_kafka: socket.socket
) -> None:
    """With --collect.on-scrape, where the scrape waits for Kafka."""
    arguments = (server_flag(silent_kafka), "--collect.interval=300s", "--collect.on-scrape")
    with running(tmp_path / "log", *arguments) as exporter, ExitStack() as open_sockets:
        scrape = socket.create_connection(("127.0.0.1", exporter.port))
        open_sockets.enter_context(closing(scrape))
        scrape.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        open_sockets.enter_context(closing(silent_kafka.accept()[0]))
        exporter.process.send_signal(signal.SIGTERM)
        assert exporter.process.wait(30) == 0
    assert "Traceback" not in exporter.log.read_text()


def test_sighup_does_not_end_it(tmp_path: Path) -> None:
    """A terminal that goes away, or an operator used to reloading, must not stop the metrics."""
    with running(tmp_path / "log", NO_KAFKA) as exporter:
        assert get(exporter, "/healthz")[0] == 200
        exporter.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "SIGHUP" in exporter.log.read_text(), 20, "the log tells")
        assert get(exporter, "/healthz")[0] == 200


def test_a_port_that_is_taken_is_one_line_that_names_the_flag() -> None:
    """And exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = ended(NO_KAFKA, f"--web.listen-address={address}")
    expected = f"kafkascope-exporter: --web.listen-address={address}: Address already in use\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", expected)


def test_valid_settings_pass_the_check() -> None:
    """Without connecting to anything."""
    result = ended("--check-config", NO_KAFKA)
    assert (result.returncode, result.stdout) == (0, "configuration is valid\n")


def test_the_check_tells_what_a_start_would_warn_of() -> None:
    """Flags without effect, variables without a setting, and what the Kafka clients say."""
    result = ended(
        "--check-config",
        NO_KAFKA,
        "--kafka.version=2.0.0",
        "--kafka.property=broker.address.family=v4",
        environ={"KAFKASCOPE_LOGLEVEL": "debug"},
    )

    assert (result.returncode, result.stdout) == (0, "configuration is valid\n")
    assert result.stderr.splitlines() == [
        (
            "kafkascope-exporter: warning: --kafka.version has no effect:"
            " the protocol version is negotiated with each broker"
        ),
        (
            "kafkascope-exporter: warning: KAFKASCOPE_LOGLEVEL: unknown setting, ignored;"
            " did you mean KAFKASCOPE_LOG_LEVEL?"
        ),
        (
            "kafkascope-exporter: warning: --kafka.property broker.address.family reaches only"
            " librdkafka, which describes KIP-848 groups and nothing else"
        ),
    ]


def test_a_start_logs_the_same_warnings(tmp_path: Path) -> None:
    """Once, and goes on."""
    arguments = (NO_KAFKA, "--kafka.version=2.0.0", "--kafka.property=broker.address.family=v4")
    with running(tmp_path / "log", *arguments) as exporter:
        assert get(exporter, "/healthz")[0] == 200
    warned = [line for line in exporter.log.read_text().splitlines() if "level=warn" in line]
    for start in ("--kafka.version has no effect", "--kafka.property broker.address.family"):
        assert sum(start in line for line in warned) == 1, start


def test_every_problem_of_the_settings_is_a_line(tmp_path: Path) -> None:
    """With the flag that causes it, from the check as from a real start."""
    arguments = (
        NO_KAFKA,
        "--collect.interval=soon",
        "--web.telemetry-path=metrics",
        "--server.tls.enabled",
        f"--server.tls.cert-file={tmp_path / 'missing'}",
    )
    for check in ([], ["--check-config"]):
        result = ended(*check, *arguments)
        lines = result.stderr.splitlines()
        assert result.returncode == 1
        assert all(line.startswith("kafkascope-exporter: --") for line in lines)
        for flag in ("--collect.interval", "--web.telemetry-path", "--server.tls.key-file"):
            assert sum(flag in line for line in lines) >= 1, flag
        assert "Traceback" not in result.stderr


def test_tls_files_that_cannot_be_used_are_one_line(tmp_path: Path) -> None:
    """It names the flags, and comes before anything is started."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_text("no certificate")
    key.write_text("no key")
    result = ended(
        NO_KAFKA,
        "--server.tls.enabled",
        f"--server.tls.cert-file={cert}",
        f"--server.tls.key-file={key}",
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "--server.tls." in line
    assert str(cert) in line


def test_version_and_help_are_given_on_standard_output() -> None:
    """With exit code 0."""
    assert version("kafkascope-exporter") in ended("--version").stdout
    helped = ended("--help")
    assert helped.returncode == 0
    assert "--web.listen-address" in helped.stdout


def test_the_log_is_json_when_asked(tmp_path: Path) -> None:
    """Every line of it."""
    with running(tmp_path / "log", NO_KAFKA, "--log.format=json") as exporter:
        assert get(exporter, "/healthz")[0] == 200
    lines = [json.loads(line) for line in exporter.log.read_text().splitlines()]
    assert {"time", "level", "logger", "msg"} <= set.intersection(*map(set, lines))
