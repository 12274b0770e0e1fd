"""The compose file, which is not run here: its settings are the chart's and the local demo's."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from kafkascope_demo.stack import plan
from tests.assets.repository import ROOT
from tests.charts.rendering import DEMO, of_kind, render

FILE: Final = ROOT / "demo" / "compose.yaml"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(FILE.read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
KNOWN: Final = {
    *("build", "cap_drop", "command", "depends_on", "entrypoint", "environment", "healthcheck"),
    *("image", "mem_limit", "ports", "profiles", "read_only", "restart", "security_opt", "tmpfs"),
    *("user", "volumes"),
}
PLACED: Final = {
    "KAFKA_BOOTSTRAP_SERVERS",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_RESOURCE_ATTRIBUTES",
}
"""What names hosts, which differ."""


@pytest.fixture(scope="module")
def chart() -> list[dict[str, Any]]:
    """What the chart renders for one broker and OpenObserve."""
    return render(DEMO, [{"otlp": {"backend": "openobserve"}}])


def default(text: str) -> str:
    """A value where no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text.replace("${REGISTRY:+${REGISTRY}/}", ""))


def pod(chart: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The first container of a workload."""
    for one in of_kind(chart, "Deployment") + of_kind(chart, "StatefulSet"):
        if one["metadata"]["name"] == f"kafkascope-{name}":
            found: dict[str, Any] = one["spec"]["template"]["spec"]["containers"][0]
            return found
    raise AssertionError(name)


def variables(container: dict[str, Any]) -> dict[str, str]:
    """Variables of a container that are plain texts."""
    return {one["name"]: one["value"] for one in container.get("env", ()) if "value" in one}


@pytest.mark.parametrize(
    ("service", "part"),
    [
        ("producer", "producer"),
        ("consumer-1", "consumer"),
        ("consumer-2", "consumer"),
        ("locust", "locust"),
    ],
)
def test_a_service_is_set_as_in_the_chart(
    chart: list[dict[str, Any]], service: str, part: str
) -> None:
    """But for the hosts."""
    ours = {name: default(value) for name, value in SERVICES[service]["environment"].items()}
    theirs = variables(pod(chart, part))
    both = ours.keys() & theirs.keys() - PLACED
    assert {name: ours[name] for name in both} == {name: theirs[name] for name in both}
    missing = theirs.keys() - ours.keys() - {"OTEL_BSP_SCHEDULE_DELAY", "OTEL_RESOURCE_ATTRIBUTES"}
    assert missing == set()


def test_images_are_those_of_the_chart(chart: list[dict[str, Any]]) -> None:
    """Of the same releases."""
    for service, part in (
        ("kafka", "kafka"),
        ("openobserve", "openobserve"),
        ("prometheus", "prometheus"),
        ("grafana", "grafana"),
        ("producer", "producer"),
        ("exporter", "exporter"),
    ):
        assert default(SERVICES[service]["image"]) == pod(chart, part)["image"], service


def test_openobserve_keeps_to_itself_as_in_the_chart(chart: list[dict[str, Any]]) -> None:
    """And its password passes its rule."""
    ours = SERVICES["openobserve"]["environment"]
    theirs = variables(pod(chart, "openobserve"))
    assert {name: default(ours[name]) for name in theirs.keys() & ours.keys()} == {
        name: value for name, value in theirs.items() if name in ours
    }
    assert {"ZO_TELEMETRY", "ZO_MMDB_DISABLE_DOWNLOAD"} <= theirs.keys() & ours.keys()
    password = default(ours["ZO_ROOT_USER_PASSWORD"])
    assert all(re.search(kind, password) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
    assert 8 <= len(password) <= 128


def test_kafka_is_set_as_in_the_chart(chart: list[dict[str, Any]]) -> None:
    """But for its listeners."""
    (config,) = (
        one["data"]["server.properties"]
        for one in of_kind(chart, "ConfigMap")
        if one["metadata"]["name"] == "kafkascope-kafka"
    )
    theirs = dict(line.split("=", 1) for line in config.splitlines())
    ours = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in SERVICES["kafka"]["environment"].items()
    }
    both = {name for name in ours.keys() & theirs.keys() if "listener" not in name}
    both -= {"controller.quorum.voters", "process.roles"}
    assert len(both) >= 8
    assert {name: ours[name] for name in both} == {name: theirs[name] for name in both}


def test_pages_are_where_the_local_demo_has_them() -> None:
    """And reached from this machine only."""
    ports = {
        service: [re.fullmatch(r"127\.0\.0\.1:(\d+):\d+", port) for port in one.get("ports", ())]
        for service, one in SERVICES.items()
    }
    assert all(match for matches in ports.values() for match in matches)
    for part, port in plan._PORTS.items():
        if part != "otlp-receiver":
            assert [int(match[1]) for match in ports[part] if match] == [port]


def test_prometheus_has_the_jobs_of_the_chart(chart: list[dict[str, Any]], tmp_path: Path) -> None:
    """Each of a service's own port; promtool takes the file, and the rules are those for users."""
    text = (ROOT / "demo" / "compose" / "prometheus.yml").read_text()
    config = yaml.safe_load(text)
    (theirs,) = (
        yaml.safe_load(one["data"]["prometheus.yml"])
        for one in of_kind(chart, "ConfigMap")
        if "prometheus.yml" in one["data"]
    )
    jobs = [job["job_name"] for job in theirs["scrape_configs"]]
    assert [job["job_name"] for job in config["scrape_configs"]] == jobs
    assert config["global"] == theirs["global"]
    assert (
        config["remote_write"][0]["url"].partition(":5080")[2]
        == theirs["remote_write"][0]["url"].partition(":5080")[2]
    )
    for job in config["scrape_configs"]:
        for target in job["static_configs"][0]["targets"]:
            service, _, port = target.partition(":")
            published = SERVICES[service]["ports"][0].rpartition(":")[2]
            assert published == port, target
    rules = ROOT / "helm" / "kafkascope-exporter" / "rules" / "kafkascope.rules.yaml"
    file = tmp_path / "prometheus.yml"
    file.write_text(text.replace("/etc/prometheus/rules.yml", str(rules)))
    done = subprocess.run(
        ["promtool", "check", "config", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_name_in_the_file_is_known_and_there() -> None:
    """Keys, services that others wait for, files and volumes that are mounted."""
    for service, one in SERVICES.items():
        assert one.keys() <= KNOWN, service
        for other, how in one.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in SERVICES[other], other
        for volume in one.get("volumes", ()):
            source = volume.partition(":")[0]
            there = (
                (FILE.parent / source).exists() if "/" in source else source in COMPOSE["volumes"]
            )
            assert there, volume
        if "build" in one:
            context = (FILE.parent / one["build"]["context"]).resolve()
            assert context == ROOT
            assert (context / one["build"]["dockerfile"]).exists()


def test_our_containers_are_not_root_and_cannot_write() -> None:
    """As in Kubernetes."""
    for service in ("exporter", "producer", "consumer-1", "consumer-2", "locust", "verifier"):
        one = SERVICES[service]
        assert one["user"] == "10001:10001"
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]


def test_every_container_has_a_bound_of_memory() -> None:
    """A JVM takes what it sees."""
    assert [name for name, one in SERVICES.items() if "mem_limit" not in one] == ["verifier"]
