"""The whole local demo: up, judged by the verifier, harmed and healed, down."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import psutil
import pytest

from kafkascope_demo import web
from kafkascope_demo.audit import audit
from kafkascope_demo.scenarios import SCENARIOS, prove
from kafkascope_demo.stack.local import LocalParts
from kafkascope_demo.verify import verify
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(400)

QUICK: Final = ("stuck-consumer", "exporter-down")
"""The two scenarios of `make test`; `make test-slow` has all of them."""


def command(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a demo."""
    return subprocess.run(
        [sys.executable, "-m", "kafkascope_demo", *arguments, "--directory", str(directory)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_the_verifier_passes_every_check_of_a_demo_that_works(demo: LocalParts) -> None:
    """One trace across Kafka among them, and lag as the brokers say."""
    report = verify(demo.addresses())
    assert report.ok, [outcome for outcome in report.outcomes if not outcome.passed]
    assert len(report.outcomes) >= 7


def test_the_verifier_fails_what_does_not_work_and_says_how_to_mend_it(demo: LocalParts) -> None:
    """Without the trace backend, the trace is what fails, and nothing else."""
    demo.stop("otlp-receiver")
    try:
        report = verify(demo.addresses())
    finally:
        demo.start("otlp-receiver")
    failed = {outcome.name: outcome for outcome in report.outcomes if not outcome.passed}
    assert "one trace goes from the HTTP request over Kafka to the consumer" in failed
    assert not any("lag" in name or "event" in name for name in failed)
    assert all(outcome.fix for outcome in failed.values())


def test_an_audit_finds_every_event_that_was_acknowledged(demo: LocalParts) -> None:
    """In Kafka, and processed; a consumer that is killed meanwhile costs nothing."""
    demo.kill("consumer-1")
    found = audit(demo.addresses(), seconds=5, rate=20)
    assert found.ok, list(found.lines())
    assert found.sent == len(found.acknowledged) >= 20


def test_a_killed_part_is_started_again(demo: LocalParts) -> None:
    """As one that crashes is."""
    before = web.get_metrics(demo.addresses().producer).total("process_start_time_seconds")
    demo.kill("producer")
    demo.wait_until_healthy("producer")
    assert web.get_metrics(demo.addresses().producer).total("process_start_time_seconds") != before


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SCENARIOS],
)
def test_a_scenarios_alert_fires_and_clears(demo: LocalParts, name: str) -> None:
    """In a real Prometheus: silent before, firing while the fault lasts, silent again afterwards.

    ``KAFKASCOPE_TRANSCRIPT`` names a file to which the steps are added, for docs/alerts.md.
    """
    steps: list[str] = []
    course = prove(SCENARIOS[name], demo, steps.append)
    assert course.seen
    assert course.fired
    assert steps[-1].startswith("cleared")
    demo.wait_until_healthy()
    if transcript := os.environ.get("KAFKASCOPE_TRANSCRIPT"):
        with Path(transcript).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in (f"== {name}", *steps[1:]))


def test_a_demo_that_went_down_leaves_nothing_but_its_logs(tmp_path: Path) -> None:
    """No process, no port, no data; and a second demo beside the first is no trouble."""
    done = command(tmp_path, "up", "--any-ports")
    assert done.returncode == 0, done.stdout + done.stderr
    assert command(tmp_path, "status").returncode == 0
    again = command(tmp_path, "up", "--any-ports")
    assert (again.returncode, "runs in" in again.stderr) == (1, True)
    beside = command(tmp_path, "run", "--for=1", "--any-ports")
    assert (beside.returncode, "runs in" in beside.stderr) == (1, True)
    assert command(tmp_path, "status").returncode == 0, "who is refused takes nothing down"
    assert "listening on" in command(tmp_path, "logs", "producer").stdout
    assert command(tmp_path, "down").returncode == 0
    wait_until(
        lambda: (
            not [
                process.pid
                for process in psutil.process_iter(["cmdline"])
                if any(str(tmp_path) in word for word in process.info["cmdline"] or ())
            ]
        ),
        20,
        "every process to end",
    )
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"lock", "logs", "supervisord.conf", "prometheus.yml", "rules.yml"}
    logs = {log.name for log in (tmp_path / "logs").iterdir()}
    assert {"broker-1.log", "producer.log", "locust.log"} <= logs
    gone = command(tmp_path, "status")
    assert gone.returncode == 1
    assert "no demo runs in" in gone.stderr
