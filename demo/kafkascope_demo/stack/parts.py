"""The command and the environment of each part that is a process of ours."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kafkascope_demo.alertrules import render_rules
from kafkascope_demo.load.stages import TALK
from kafkascope_demo.stack.plan import HOST, Plan
from kafkascope_demo.stack.prometheusconfig import RULES_FILE, prometheus_config

COLLECT_EVERY_S: Final = 2
_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
_RETENTION: Final = "6h"
LOCUSTFILE: Final = Path(__file__).parents[2] / "locustfile.py"
"""Beside the package: people name it to Locust."""


@dataclass(frozen=True, slots=True)
class Part:
    """A process.

    Args:
        name: As in ``status``, and of its log.
        command: What is run.
        health: Path that answers 200 when it works.
        environment: What its environment has besides that of the demo.
        waits_for: Parts that have to be healthy before it is started with the demo.
    """

    name: str
    command: tuple[str, ...]
    health: str
    environment: Mapping[str, str] = field(default_factory=dict)
    waits_for: tuple[str, ...] = ()


def parts(plan: Plan, directory: Path) -> list[Part]:
    """Give the parts of a demo, in the order in which they start.

    Args:
        plan: Where they are to be.
        directory: Where they keep their data.
    """
    found = [_receiver(plan, directory), _exporter(plan), _service(plan, "producer", "producer")]
    consumers = [name for name in plan.ports if name.startswith("consumer")]
    found += [_service(plan, name, "consumer") for name in consumers]
    found.append(_locust(plan))
    if "prometheus" in plan.ports:
        found.append(_prometheus(plan, directory))
    return found


def _receiver(plan: Plan, directory: Path) -> Part:
    command = (
        *(sys.executable, "-m", "kafkascope_demo", "otlp-receiver"),
        *("--port", str(plan.ports["otlp-receiver"])),
        *("--database", str(directory / "otlp-receiver.sqlite3")),
    )
    return Part("otlp-receiver", command, "/healthz")


def _exporter(plan: Plan) -> Part:
    command = (
        *(sys.executable, "-m", "kafkascope_exporter"),
        f"--kafka.server={plan.bootstrap_servers}",
        f"--web.listen-address={HOST}:{plan.ports['exporter']}",
        f"--collect.interval={COLLECT_EVERY_S}s",
    )
    return Part("exporter", command, "/healthz")


def _unless_set(defaults: Mapping[str, str]) -> dict[str, str]:
    """Give those variables that the user's environment does not set: it counts more."""
    return {name: value for name, value in defaults.items() if not os.environ.get(name)}


def _telemetry(plan: Plan) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": plan.url("otlp-receiver"),
        _PROTOCOL: "http/protobuf",
        "OTEL_TRACES_SAMPLER": "parentbased_always_on",
    }


def _service(plan: Plan, name: str, service: str) -> Part:
    exported = {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "otlp"}
    environment = {
        **_unless_set(_telemetry(plan) | exported),
        "KAFKA_BOOTSTRAP_SERVERS": plan.bootstrap_servers,
        "HOST": HOST,
        "PORT": str(plan.ports[name]),
        "FAULTS": "on",
    }
    if not os.environ.get("OTEL_RESOURCE_ATTRIBUTES"):
        environment["OTEL_RESOURCE_ATTRIBUTES"] = f"service.instance.id={name}"
    command = (sys.executable, "-m", "kafkascope_demo", service)
    return Part(name, command, "/healthz", environment)


def _locust(plan: Plan) -> Part:
    """Give Locust, with the talk's stages again and again, one request per second of each user."""
    command = (
        *(sys.executable, "-m", "locust", "--locustfile", str(LOCUSTFILE)),
        *("--host", plan.url("producer")),
        *("--web-host", HOST, "--web-port", str(plan.ports["locust"])),
        "--class-picker",
        # Locust is built on gevent, and gRPC does not go together with that.
        *(() if os.environ.get(_PROTOCOL) == "grpc" else ("--otel",)),
        *(("--autostart",) if plan.load else ()),
    )
    defaults = {
        "STAGES": TALK,
        "LOOP": "on",
        "USER_RATE": "1",
        # Its own metrics are scraped, and its log is in a file.
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
    }
    environment = {
        **_unless_set(_telemetry(plan) | defaults),
        "KAFKA_BOOTSTRAP_SERVERS": plan.bootstrap_servers,
    }
    # Requests to a producer that is not there yet would be failures of nobody.
    return Part("locust", command, "/metrics", environment, waits_for=("producer",))


def _prometheus(plan: Plan, directory: Path) -> Part:
    config = directory / "prometheus.yml"
    config.write_text(prometheus_config(plan), encoding="utf-8")
    (directory / RULES_FILE).write_text(render_rules(plan.rules), encoding="utf-8")
    command = (
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--storage.tsdb.retention.time={_RETENTION}",
        f"--web.listen-address={HOST}:{plan.ports['prometheus']}",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    )
    return Part("prometheus", command, "/-/healthy")
