"""The demo's services as processes of their own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from kafkascope_demo.localkafka import LocalKafka
from kafkascope_demo.metricspage import MetricsPage
from kafkascope_demo.telemetryenvironment import Service
from tests.waiting import wait_until

COMMAND: Final = Path(sys.executable).with_name("kafkascope-demo")
_LISTENING: Final = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
_START_S: Final = 40
_END_S: Final = 40


@dataclass(frozen=True, slots=True)
class RunningService:
    """A service that runs.

    Args:
        process: Its process.
        log: Where its standard error goes.
        url: Its address.
    """

    process: "subprocess.Popen[bytes]"
    log: Path
    url: str

    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text(encoding="utf-8")

    def said(self) -> list[str]:
        """What the consumer has said of events, in order."""
        lines = self.text().splitlines()
        return [line.split("Kafka says: ", 1)[1] for line in lines if "Kafka says: " in line]

    def metrics(self) -> MetricsPage:
        """Scrape it."""
        return MetricsPage.parse(requests.get(f"{self.url}/metrics", timeout=10).text)

    def openmetrics(self) -> str:
        """Scrape it as OpenMetrics, which has exemplars."""
        kind = {"Accept": "application/openmetrics-text"}
        return requests.get(f"{self.url}/metrics", headers=kind, timeout=10).text

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and check of `/healthz`."""
        answer = requests.get(f"{self.url}/healthz", timeout=10)
        (check,) = answer.json()["checks"]
        return answer.status_code, check

    def partitions(self) -> int:
        """How many partitions the consumer has."""
        return len(requests.get(f"{self.url}/assignment", timeout=10).json()["partitions"])

    def produce(self, title: str, **headers: str) -> requests.Response:
        """Send an event to the producer."""
        return requests.post(
            f"{self.url}/kafka/produce", json=event(title), headers=headers, timeout=40
        )

    def end(self) -> int:
        """Send SIGTERM and give the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_END_S)


def event(title: str) -> dict[str, str]:
    """An event with a title."""
    return {"title": title, "speaker": "Shuhei Kawamura", "date": "2024-04-10 19:00"}


def as_json(title: str) -> str:
    """What is in Kafka of an event with a title."""
    return json.dumps(event(title), ensure_ascii=False, separators=(",", ":"))


@contextmanager
def running_service(
    service: Service,
    kafka: LocalKafka | str,
    log: Path,
    environment: dict[str, str],
) -> Iterator[RunningService]:
    """Run a service until it listens, and end it afterwards.

    Args:
        service: Which one.
        kafka: The cluster, or bootstrap servers.
        log: Where its standard error goes.
        environment: Its settings; ``TRACING`` is ``off`` if they do not say.
    """
    servers = kafka if isinstance(kafka, str) else kafka.bootstrap_servers
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "KAFKA_BOOTSTRAP_SERVERS": servers,
        "HOST": "127.0.0.1",
        "PORT": "0",
        "FAULTS": "on",
        "TRACING": "off",
        **environment,
    }
    with log.open("ab") as output:
        process = subprocess.Popen([COMMAND, service], env=variables, stderr=output)
    try:
        ports = wait_until(
            lambda: _LISTENING.findall(log.read_text(encoding="utf-8")),
            _START_S,
            f"{service} to listen",
        )
        yield RunningService(process, log, f"http://127.0.0.1:{ports[-1]}")
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(_END_S)
