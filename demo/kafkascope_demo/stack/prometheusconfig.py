"""Prometheus' configuration for a local demo."""

from collections.abc import Mapping
from typing import Final

import yaml

from kafkascope_demo.alertrules import RuleValues
from kafkascope_demo.stack.plan import HOST, Plan

_EVERY: Final[Mapping[RuleValues, str]] = {"default": "5s", "test": "2s"}
RULES_FILE: Final = "rules.yml"
_JOBS: Final = {"exporter": "kafka-exporter", "producer": "kafka-producer"}


def prometheus_config(plan: Plan) -> str:
    """Give a configuration that scrapes every part that has metrics."""
    every = _EVERY[plan.rules]
    consumers = [name for name in plan.ports if name.startswith("consumer")]
    jobs = [_job(job, [_target(plan, part)]) for part, job in _JOBS.items()]
    jobs.append(_job("kafka-consumer", [_target(plan, name) for name in consumers]))
    jobs.append(_job("locust", [_target(plan, "locust")]))
    jobs.append(_job("otlp-receiver", [_target(plan, "otlp-receiver")]))
    config = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "rule_files": [RULES_FILE],
        "scrape_configs": jobs,
    }
    return yaml.safe_dump(config, sort_keys=False)


def _target(plan: Plan, part: str) -> str:
    return f"{HOST}:{plan.ports[part]}"


def _job(name: str, targets: list[str]) -> dict[str, object]:
    return {"job_name": name, "static_configs": [{"targets": targets}]}
