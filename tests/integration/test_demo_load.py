"""Load on the demo: Locust with web page and without, its traces, its report."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from kafkascope_demo import web
from kafkascope_demo.exporterprocess import free_port
from kafkascope_demo.load.stages import parse_stages
from kafkascope_demo.loadreport import locustpage
from kafkascope_demo.stack.local import LocalParts
from kafkascope_demo.stack.parts import LOCUSTFILE
from tests.demo.tracepage import DrawnSpan, browser, show_trace
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(200)

ROOT = Path(__file__).parents[2]
ALL_THREE = {"locust", "kafka-producer", "kafka-consumer"}


@contextlib.contextmanager
def headless(
    port: int, *arguments: str, variables: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run Locust without its page, with ``/metrics`` on a port."""
    command = [
        *(sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE), "--headless"),
        *("--web-host", "127.0.0.1", "--web-port", str(port), "--only-summary", *arguments),
    ]
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        command,
        env=os.environ | path | (variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def counted(demo: LocalParts, outcome: str) -> float:
    """Give how many requests had an outcome at the producer, so far."""
    page = web.get_metrics(demo.addresses().producer)
    return page.total("kafkascope_demo_produce_requests_total", outcome=outcome) or 0.0


def consumed(demo: LocalParts) -> float:
    """Give how many events the consumers have worked off."""
    pages = [web.get_metrics(url) for url in demo.addresses().consumers]
    name = "kafkascope_demo_consumed_total"
    return sum(page.total(name, outcome="processed") or 0.0 for page in pages)


def metrics(port: int, name: str) -> float:
    """Give a metric of a Locust; 0 while there is none."""
    try:
        return web.get_metrics(f"http://127.0.0.1:{port}").total(name) or 0.0
    except web.WebError:
        return 0.0


def test_a_person_sees_one_trace_from_locusts_request_to_the_consumer(
    demo: LocalParts, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In a real browser; `--refresh-golden` renews the README's picture."""
    addresses = demo.addresses()
    assert addresses.locust is not None
    locustpage.swarm(addresses.locust, "60s:3", 2)
    try:
        found: list[dict[str, Any]] = wait_until(
            lambda: [
                trace
                for trace in web.get_json(f"{addresses.traces.url}/api/traces?limit=50")["traces"]
                if set(trace["services"]) >= ALL_THREE
            ],
            60,
            "a trace through all three services",
        )
    finally:
        locustpage.stop(addresses.locust)
    refresh = request.config.getoption("--refresh-golden")
    picture = (ROOT / "docs" / "images" if refresh else tmp_path) / "trace.png"
    with browser() as chrome:
        rows = show_trace(chrome, addresses.traces.url, found[0]["traceId"], picture)
    assert [(row.level, row.service) for row in rows][:3] == [
        (1, "locust"),
        (2, "kafka-producer"),
        (3, "kafka-producer"),
    ]
    assert _under_send(rows).service == "kafka-consumer"
    assert picture.stat().st_size > 10_000


def _under_send(rows: list[DrawnSpan]) -> DrawnSpan:
    """Give the row of the processing, which is below the sending."""
    (send,) = (number for number, row in enumerate(rows) if "send ochacafe-event" in row.label)
    (process,) = (row for row in rows if "process ochacafe-event" in row.label)
    assert process.level == rows[send].level + 1
    return process


def test_a_headless_load_keeps_its_thresholds_and_every_event_is_consumed(demo: LocalParts) -> None:
    """Two workers and a master, which serves `/metrics`; the exit code is 0."""
    acked, done = counted(demo, "acked"), consumed(demo)
    port = free_port()
    arguments = ("--host", demo.addresses().producer, "--processes", "2", "--max-fail-ratio", "0")
    stages = {"STAGES": "3s:6,3s:6", "USER_RATE": "5"}
    with headless(port, *arguments, "--max-p95", "20000", variables=stages) as load:
        wait_until(lambda: metrics(port, "locust_requests_total") > 5, 60, "requests")
        assert metrics(port, "locust_workers") == 2
        assert metrics(port, "locust_users") > 0
        output, _ = load.communicate(timeout=60)
        assert load.returncode == 0, output
    sent = counted(demo, "acked") - acked
    assert sent >= 30
    wait_until(lambda: consumed(demo) - done == sent, 60, f"{sent} events to be consumed")


def test_users_of_kafka_write_themselves_and_a_threshold_that_is_missed_makes_the_exit_code_1(
    demo: LocalParts,
) -> None:
    """Topic, bootstrap servers and format are the services' own settings."""
    done = consumed(demo)
    variables = {
        "KAFKA_BOOTSTRAP_SERVERS": demo.addresses().bootstrap_servers,
        "PAYLOAD_FORMAT": "java-tostring",
        "STAGES": "3s:5",
        "USER_RATE": "5",
    }
    port = free_port()
    with headless(port, "--max-p95", "0", "KafkaEventUser", variables=variables) as load:
        output, _ = load.communicate(timeout=60)
    assert load.returncode == 1, output
    assert "threshold exceeded: p95 in ms" in output
    assert "KAFKA" in output
    assert "ochacafe-event" in output
    wait_until(lambda: consumed(demo) - done >= 10, 60, "the events to be consumed")


def test_a_load_without_an_answer_says_so_and_fails(demo: LocalParts) -> None:
    """No traceback: failures by reason, and Locust's exit code."""
    nobody = f"http://127.0.0.1:{free_port()}"
    assert demo.addresses().producer != nobody
    with headless(free_port(), "--host", nobody, variables={"STAGES": "2s:1"}) as load:
        output, _ = load.communicate(timeout=60)
    assert load.returncode == 1
    assert "Connection refused" in output
    assert "Traceback" not in output


def test_a_load_that_is_ended_tells_what_it_did_and_leaves_no_worker(demo: LocalParts) -> None:
    """By SIGTERM, as time limits do; with stages, and with workers."""
    port = free_port()
    arguments = ("--host", demo.addresses().producer, "--processes", "2", "--user-rate", "2")
    with headless(port, *arguments, variables={"STAGES": "60s:4"}) as load:
        wait_until(lambda: metrics(port, "locust_requests_total") > 2, 60, "requests")
        workers = psutil.Process(load.pid).children(recursive=True)
        load.terminate()
        output, _ = load.communicate(timeout=60)
    assert load.returncode == 0, output
    assert "Aggregated" in output
    assert len(workers) == 2
    assert psutil.wait_procs(workers, timeout=20)[1] == []


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (("KafkaEventUser",), {"PAYLOAD_FORMAT": "xml"}, "PAYLOAD_FORMAT=xml: expected one of"),
        (("--stages", "soon"), {}, "argument --stages: 'soon' is no stage"),
    ],
)
def test_a_wrong_setting_is_one_line_and_no_load(
    arguments: tuple[str, ...], variables: dict[str, str], told: str
) -> None:
    """With exit code 2, and no traceback."""
    with headless(free_port(), *arguments, variables=variables) as load:
        output, _ = load.communicate(timeout=60)
    assert load.returncode == 2, output
    assert told in output
    assert "Traceback" not in output


def test_a_page_whose_port_is_taken_says_which_flag_takes_another(demo: LocalParts) -> None:
    """As when `make load` is tried beside `make run`."""
    address = demo.addresses().locust
    assert address is not None
    taken = address.rpartition(":")[2]
    command = [
        *(sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE)),
        *("--web-host", "127.0.0.1", "--web-port", taken),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2, done.stderr
    assert f"the page has no port {taken}" in done.stderr
    assert "--web-port" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_report_has_a_row_for_each_stage_and_leaves_locust_as_it_was(
    demo: LocalParts, tmp_path: Path
) -> None:
    """As Markdown for people and JSON for programs."""
    stages = "4s:5,4s:10"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "kafkascope_demo", "load-report", "--stages", stages),
            *("--directory", str(demo.directory), "--output", str(tmp_path / "report")),
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["stages"]) == len(parse_stages(stages))
    last = report["stages"][-1]
    assert last["requests_per_s"] > 5
    assert last["failures"] == 0
    assert last["delivered_per_s"] > 5
    assert last["p99_ms"] >= last["p50_ms"] > 0
    assert last["end_to_end_p99_ms"] > 0
    assert last["drain_s"] is not None
    assert "No stage was long enough" in (tmp_path / "report.md").read_text()
    address = demo.addresses().locust
    assert address is not None
    assert web.get_metrics(address).total("locust_users") == 0
