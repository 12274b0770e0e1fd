"""What a local demo is made of: ports, configurations, and what supervisor is told."""

import configparser
from pathlib import Path

import pytest
import yaml

from kafkascope_demo.localkafka import LocalKafkaError
from kafkascope_demo.stack import supervision
from kafkascope_demo.stack.local import LocalParts
from kafkascope_demo.stack.parts import Part, parts
from kafkascope_demo.stack.plan import Plan
from kafkascope_demo.stack.prometheusconfig import prometheus_config

PLAN = Plan(
    bootstrap_servers="127.0.0.1:1,127.0.0.1:2",
    ports={
        "exporter": 11,
        "producer": 12,
        "consumer-1": 13,
        "consumer-2": 14,
        "otlp-receiver": 15,
        "prometheus": 16,
        "locust": 17,
    },
    socket="/tmp/unused.sock",  # noqa: S108 - never made
)


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    """By another process, later."""
    PLAN.write(tmp_path)
    assert Plan.read(tmp_path) == PLAN
    found = PLAN.addresses()
    assert found.consumers == ("http://127.0.0.1:13", "http://127.0.0.1:14")
    assert found.traces.url == "http://127.0.0.1:15"


def test_where_no_demo_runs_a_command_says_how_to_start_one(tmp_path: Path) -> None:
    """Instead of a traceback."""
    with pytest.raises(LocalKafkaError, match=r"no demo runs in .*; start one with: .* up"):
        LocalParts(tmp_path)


def test_prometheus_scrapes_every_part_that_has_metrics() -> None:
    """Both consumers under one job."""
    jobs = yaml.safe_load(prometheus_config(PLAN))["scrape_configs"]
    assert {job["job_name"]: job["static_configs"][0]["targets"] for job in jobs} == {
        "kafka-exporter": ["127.0.0.1:11"],
        "kafka-producer": ["127.0.0.1:12"],
        "kafka-consumer": ["127.0.0.1:13", "127.0.0.1:14"],
        "locust": ["127.0.0.1:17"],
        "otlp-receiver": ["127.0.0.1:15"],
    }


def test_the_users_tracing_settings_count_more_than_the_demos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The talk's sampler, for instance; where nothing is set, everything is sampled."""

    def sampler(name: str) -> str | None:
        (found,) = (part for part in parts(PLAN, tmp_path) if part.name == name)
        return found.environment.get("OTEL_TRACES_SAMPLER")

    assert sampler("producer") == "parentbased_always_on"
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    assert sampler("producer") is None


def test_supervisor_is_told_commands_and_environments_as_they_are(tmp_path: Path) -> None:
    """Spaces, quotes and percent signs in them, too."""
    part = Part("odd", ("program", 'a "b" 100%', "c d"), "/", {"VALUE": 'x="1",%s'})
    text = supervision._config(tmp_path, "/tmp/unused.sock", [part])  # noqa: S108 - never made
    config = configparser.RawConfigParser()
    config.read_string(text)
    program = config["program:odd"]
    assert program["command"] == r'"program" "a \"b\" 100%%" "c d"'
    assert program["environment"] == r'VALUE="x=\"1\",%%s"'
