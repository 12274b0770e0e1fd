"""Alert and recording rules: promtool runs them on series that are made up."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kafkascope_demo.alertrules import FOLDER, alerts, fill_in, render_rules
from kafkascope_demo.scenarios import SCENARIOS
from tests.assets import documented, promqlnames

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent / "rules"
FIRING: list[dict[str, Any]] = yaml.safe_load((CASES / "firing.yaml").read_text())
SILENT: dict[str, Any] = yaml.safe_load((CASES / "silent.yaml").read_text())
ALERTS = {alert["alert"]: alert for alert in alerts()}
SECTIONS = ("## Meaning", "## Impact", "## Diagnosis", "## Mitigation")

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not on PATH"
)


def promtool(directory: Path, tests: list[dict[str, Any]]) -> None:
    """Run tests at the shipped values, a sample and an evaluation a minute."""
    rules = render_rules()
    (directory / "rules.yaml").write_text(rules)
    whole = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        # Records first: else an alert may see those of a minute ago.
        "group_eval_order": [group["name"] for group in yaml.safe_load(rules)["groups"]],
        "tests": tests,
    }
    (directory / "tests.yaml").write_text(yaml.safe_dump(whole))
    done = subprocess.run(
        ["promtool", "test", "rules", "tests.yaml"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def input_series(series: dict[str, str], cluster: str = "") -> list[dict[str, str]]:
    """Write series as promtool reads them, with a label ``cluster`` when there is to be one."""
    return [
        {"series": _with_cluster(name, cluster), "values": values}
        for name, values in series.items()
    ]


def _with_cluster(name: str, cluster: str) -> str:
    metric, brace, rest = name.partition("{")
    if not cluster:
        return name
    return f'{metric}{{cluster="{cluster}"{"," if brace else ""}{rest or "}"}'


@needs_promtool
@pytest.mark.parametrize("cluster", ["", "east"])
@pytest.mark.parametrize("case", FIRING, ids=lambda case: case["alert"])
def test_an_alert_fires_and_says_why_in_numbers(
    case: dict[str, Any], cluster: str, tmp_path: Path
) -> None:
    """With and without a label ``cluster``; not before its time is over."""
    alert = ALERTS[case["alert"]]
    labels = {**alert["labels"], **case["labels"], **({"cluster": cluster} if cluster else {})}
    if case["alert"] == "KafkascopeExporterAbsent":
        labels.pop("cluster", None)  # nothing is there that could have the label
    annotations = {**alert["annotations"], "summary": case["summary"]}
    expected = [{"exp_labels": labels, "exp_annotations": annotations}]
    tests = [
        {"eval_time": "0m", "alertname": case["alert"], "exp_alerts": []},
        {"eval_time": case["at"], "alertname": case["alert"], "exp_alerts": expected},
    ]
    if case["alert"] == "KafkascopeDemoDeadLetters":
        del tests[0]  # it waits for nothing
    series = input_series(case["series"], cluster)
    promtool(tmp_path, [{"interval": "1m", "input_series": series, "alert_rule_test": tests}])


@needs_promtool
@pytest.mark.parametrize("situation", SILENT["situations"], ids=lambda case: case["name"])
def test_nothing_fires_where_nothing_is_wrong(situation: dict[str, Any], tmp_path: Path) -> None:
    """Healthy, idle, restarted, counting anew: at no time."""
    series = {**SILENT["common"], **situation.get("instead", {}), **situation["series"]}
    tests = [
        {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": []}
        for minute in range(119)
        for name in sorted(ALERTS)
    ]
    given = input_series(series)
    promtool(tmp_path, [{"interval": "1m", "input_series": given, "alert_rule_test": tests}])


@needs_promtool
def test_an_alert_tells_clusters_apart(tmp_path: Path) -> None:
    """A group of the same name that consumes elsewhere neither hides it nor fires."""
    case = next(case for case in FIRING if case["alert"] == "KafkaConsumerGroupStuck")
    moving = {
        name: "0+100x60" if name.startswith("kafka_consumergroup_current_offset_sum") else values
        for name, values in case["series"].items()
    }
    alert = ALERTS[case["alert"]]
    expected = {
        "exp_labels": {**alert["labels"], **case["labels"], "cluster": "east"},
        "exp_annotations": {**alert["annotations"], "summary": case["summary"]},
    }
    test = {"eval_time": case["at"], "alertname": case["alert"], "exp_alerts": [expected]}
    given = [*input_series(case["series"], "east"), *input_series(moving, "west")]
    promtool(tmp_path, [{"interval": "1m", "input_series": given, "alert_rule_test": [test]}])


@pytest.mark.parametrize(
    "job", ["kafka-exporter", "kafka_exporter", "kafkascope-exporter", "prom/kafka-exporter"]
)
def test_exporters_are_known_by_usual_names_of_their_jobs(job: str) -> None:
    """Those of the chart, of danielqsj's documentation, and of a PodMonitor."""
    expression = ALERTS["KafkascopeExporterDown"]["expr"]
    pattern = re.search('job=~"(.+)"', expression)
    assert pattern
    assert re.fullmatch(pattern[1], job)


@needs_promtool
def test_the_records_take_the_largest_of_what_two_exporters_tell(tmp_path: Path) -> None:
    """Two of them behind one Service do not double a lag."""
    series = {
        f'{metric}{{{labels}instance="{instance}"}}': value
        for metric, labels in (
            ("kafka_consumergroup_lag_sum", 'consumergroup="g",topic="t",'),
            ("kafka_consumergroup_current_offset_sum", 'consumergroup="g",topic="t",'),
            ("kafka_consumergroup_members", 'consumergroup="g",'),
            ("kafka_brokers", ""),
        )
        for instance, value in (("a", "5x5"), ("b", "6x5"))
    }
    records = [
        (
            "cluster_consumergroup_topic:kafka_consumergroup_lag_sum:max",
            '{consumergroup="g",topic="t"}',
        ),
        (
            "cluster_consumergroup_topic:kafka_consumergroup_current_offset_sum:max",
            '{consumergroup="g",topic="t"}',
        ),
        ("cluster_consumergroup:kafka_consumergroup_members:max", '{consumergroup="g"}'),
        ("cluster:kafka_brokers:max", ""),
    ]
    tests = [
        {
            "expr": name,
            "eval_time": "5m",
            "exp_samples": [{"labels": f"{name}{labels}", "value": 6}],
        }
        for name, labels in records
    ]
    given = input_series(series)
    promtool(tmp_path, [{"interval": "1m", "input_series": given, "promql_expr_test": tests}])


@needs_promtool
@pytest.mark.parametrize("values", ["default", "test"])
def test_prometheus_takes_the_rules(values: Any, tmp_path: Path) -> None:  # noqa: ANN401 - a parameter
    """At both sets of values."""
    (tmp_path / "rules.yaml").write_text(render_rules(values))
    done = subprocess.run(
        ["promtool", "check", "rules", "--lint-fatal", "rules.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    """In every situation in which nothing is wrong, all of them are asked."""
    assert sorted(case["alert"] for case in FIRING) == sorted(ALERTS)


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_every_alert_says_what_it_is_and_where_to_read_on(name: str) -> None:
    """Severity, summary with a number or a name, description, runbook with its four parts."""
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert "for" in alert
    assert alert["annotations"]["description"]
    assert name == "KafkascopeExporterAbsent" or "{{" in alert["annotations"]["summary"]
    url = alert["annotations"]["runbook_url"]
    assert url == f"docs/runbooks/{name}.md"
    runbook = (ROOT / url).read_text()
    assert runbook.startswith(f"# {name}\n")
    positions = [runbook.find(section) for section in SECTIONS]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert "```sh" in runbook or "```promql" in runbook


def test_there_is_no_runbook_without_its_alert() -> None:
    """One that was removed is not looked for any more."""
    assert {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")} == set(ALERTS)


def test_rules_use_documented_metrics_only() -> None:
    """Besides what Prometheus makes itself, and the rules' own records."""
    groups = yaml.safe_load(render_rules())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    own = {rule["record"] for rule in rules if "record" in rule} | {"up"}
    used = {name for rule in rules for name in promqlnames.names(rule["expr"]).metrics}
    assert used - own <= documented.metrics().keys()


def test_the_alerts_of_the_scenarios_are_there() -> None:
    """Each fault's own."""
    assert {scenario.alert for scenario in SCENARIOS.values()} <= set(ALERTS)


def test_docs_list_every_alert_with_its_severity() -> None:
    """In one table."""
    text = (ROOT / "docs" / "alerts.md").read_text()
    rows = dict(re.findall(r"^\| \[`(\w+)`\]\(runbooks/\1\.md\) \| (\w+) \|", text, re.MULTILINE))
    assert rows == {name: alert["labels"]["severity"] for name, alert in ALERTS.items()}


def test_the_plain_file_is_what_the_source_renders() -> None:
    """`make rules` renews it."""
    plain = ROOT / "helm" / "kafkascope-exporter" / "rules" / "kafkascope.rules.yaml"
    assert plain.read_text().endswith(render_rules())


def test_a_name_without_a_value_and_a_value_without_a_name_are_errors() -> None:
    """A typing mistake does not become a threshold."""
    with pytest.raises(ValueError, match="names values that there are not: windw"):
        fill_in("a @windw@", {"window": 1})
    with pytest.raises(ValueError, match="does not use these values: other"):
        fill_in("a @window@", {"window": 1, "other": 2})
    assert FOLDER.is_dir()
