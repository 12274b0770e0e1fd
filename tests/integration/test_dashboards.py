"""Every query of every dashboard, asked of a real Prometheus while the demo has load and faults."""

import itertools
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

import pytest
import yaml

from kafkascope_demo import dashboards, web
from kafkascope_demo.alertrules import render_rules
from kafkascope_demo.dashboards import Asked, Span
from kafkascope_demo.loadreport import locustpage
from kafkascope_demo.scenarios import SCENARIOS
from kafkascope_demo.scenarios.running import injected
from kafkascope_demo.stack.local import LocalParts
from kafkascope_demo.verify.dashboards import excused
from tests.assets.promqlnames import names
from tests.assets.stockdashboards import GRAFANA_7589, QUERIES, STRIMZI
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(400)

BOARDS: Final = dashboards.read()
ASKED: Final = list(itertools.chain.from_iterable(map(dashboards.queries, BOARDS)))
EMPTY: Final = dashboards.rightly_empty()
EXCUSED: Final = EMPTY["healthy"] | EMPTY["without_strimzi"]
RULES: Final[list[dict[str, str]]] = [
    rule for group in yaml.safe_load(render_rules("test"))["groups"] for rule in group["rules"]
]
ON_DEMAND: Final = {"cluster", "error_type"}
"""Labels that are there with a constant label only, and on failure only."""
COMES_S: Final = 120.0
LOOKED_AT_S: Final = 600.0


def place(asked: Asked) -> str:
    """Say where a query is."""
    return f"{asked.dashboard}: {asked.place}"


def values(prometheus: str, expr: str) -> list[float]:
    """Give the values of an instant vector."""
    query = urlencode({"query": expr})
    found: list[dict[str, Any]] = web.get_json(f"{prometheus}/api/v1/query?{query}")["data"][
        "result"
    ]
    return [float(series["value"][1]) for series in found]


@pytest.fixture(scope="module")
def prometheus(demo: LocalParts) -> Iterator[str]:
    """A Prometheus that has seen load, a slow consumer, and both consumers gone."""
    found = demo.addresses()
    assert found.prometheus, "prometheus is not on PATH"
    assert found.locust
    url = found.prometheus
    members = 'min(kafka_consumergroup_members{consumergroup="ochacafe-group"})'
    locustpage.swarm(found.locust, "10s:10,10m:10", 1.0)
    try:
        with injected(SCENARIOS["slow-consumer"], demo):
            lag = "max(kafka_consumergroup_lag_sum) > 30"
            wait_until(lambda: values(url, lag), 90, "lag")
            wait_until(lambda: not missing(url), COMES_S, "every query to return data")
        with injected(SCENARIOS["dead-consumer"], demo):
            wait_until(lambda: values(url, members) == [0.0], 60, "the group to be empty")
        yield url
    finally:
        locustpage.stop(found.locust)


def missing(prometheus: str) -> list[str]:
    """Name the queries that find nothing and should."""
    span = Span.last(LOOKED_AT_S)
    return [
        place(asked)
        for asked in ASKED
        if not excused(asked, EXCUSED) and not dashboards.ask(prometheus, asked, span)
    ]


def test_every_query_of_every_dashboard_returns_data(prometheus: str) -> None:
    """Of each panel, variable and annotation; but for those that are rightly empty."""
    assert missing(prometheus) == []
    assert len(ASKED) > 150


def test_the_panel_of_a_scenario_shows_it(prometheus: str) -> None:
    """Lag of the slow consumer, and no member when both were gone."""
    span = Span.last(LOOKED_AT_S)
    shown = {
        name: [
            float(value)
            for asked in ASKED
            if place(asked) == SCENARIOS[name].panel
            for series in dashboards.ask(prometheus, asked, span)
            for _, value in series["values"]
        ]
        for name in ("slow-consumer", "dead-consumer")
    }

    assert max(shown["slow-consumer"]) > 30
    assert min(shown["dead-consumer"]) == 0


def test_every_label_of_a_matcher_is_on_the_metric(prometheus: str) -> None:
    """A matcher of a label that there is not would match everything or nothing."""
    matched: dict[str, set[str]] = {}
    for asked in ASKED:
        for metric, labels in names(asked.expr).matched.items():
            matched.setdefault(metric, set()).update(labels)

    unknown = {
        metric: labels - real - ON_DEMAND
        for metric, labels in matched.items()
        if (real := set(labels_of(prometheus, metric))) and labels - real - ON_DEMAND
    }

    assert len(matched) > 20
    assert unknown == {}


def labels_of(prometheus: str, metric: str) -> list[str]:
    """Give the labels that the series of a metric have."""
    found: list[str] = web.get_json(f"{prometheus}/api/v1/labels?{urlencode({'match[]': metric})}")[
        "data"
    ]
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_expression_of_a_rule_is_evaluated_on_series_that_are_there(
    prometheus: str, rule: dict[str, str]
) -> None:
    """An alert's own expression rightly finds nothing; what it is made of does not."""
    found = values(prometheus, rule["expr"])
    assert "alert" in rule or found
    absent = {
        metric
        for metric in names(rule["expr"]).metrics
        if not values(prometheus, f"count(last_over_time({metric}[10m]))")
    }
    assert absent <= EMPTY["rules"].keys()


@pytest.mark.parametrize("query", QUERIES)
def test_queries_of_stock_dashboards_return_data(prometheus: str, query: str) -> None:
    """A user of 7589 or of Strimzi's dashboard keeps it."""
    assert values(prometheus, query)


def test_series_of_stock_dashboards_have_their_labels(prometheus: str) -> None:
    """And beside these only those of the target."""
    target = {"__name__", "instance", "job"}

    found = {
        metric: frozenset(labels_of(prometheus, metric)) - target
        for metric in GRAFANA_7589 | STRIMZI
    }

    assert found == GRAFANA_7589 | STRIMZI


def test_end_to_end_latency_has_exemplars_that_name_traces(prometheus: str) -> None:
    """From a dot in Grafana to the trace over both services."""
    span = Span.last(LOOKED_AT_S)
    query = urlencode(
        {
            "query": "kafkascope_demo_end_to_end_duration_seconds_bucket",
            "start": f"{span.start_s:.3f}",
            "end": f"{span.end_s:.3f}",
        }
    )

    found = web.get_json(f"{prometheus}/api/v1/query_exemplars?{query}")["data"]

    traces = {one["labels"]["trace_id"] for series in found for one in series["exemplars"]}
    assert traces
    assert {len(trace) for trace in traces} == {32}
