"""The exporter's chart: what it renders, and what it refuses."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from kafkascope_demo import alertrules
from tests.assets.repository import ROOT
from tests.charts.golden import compare
from tests.charts.rendering import (
    EXPORTER,
    HelmLibrary,
    RenderError,
    containers,
    helm,
    lint,
    of_kind,
    pod_specs,
    render,
    the,
)
from tests.charts.schemas import problems

CASES: Final = sorted((EXPORTER / "ci").glob("*-values.yaml"))
FILES: Final = sorted(EXPORTER.glob("values-*.yaml"))
KAFKA: Final = {"kafka": {"servers": ["kafka:9092"]}}
EVERYTHING: Final = EXPORTER / "ci" / "everything-values.yaml"
PASSWORD: Final = "hunter2hunter2"


def name(path: Path) -> str:
    """What a test is called."""
    return path.stem.removesuffix("-values")


every = pytest.mark.parametrize("values", [*CASES, *FILES], ids=name)


@every
def test_helm_finds_nothing_wrong(values: Path) -> None:
    """With `helm lint --strict`."""
    assert lint(EXPORTER, [values]) == []


@every
def test_what_is_rendered_is_what_was_agreed_on(values: Path, *, refresh_golden: bool) -> None:
    """`make golden` renews it."""
    compare(f"exporter-{name(values)}", render(EXPORTER, [values]), refresh=refresh_golden)


@every
def test_every_object_is_what_an_api_server_takes(values: Path) -> None:
    """Kubernetes' own kinds, and those of Prometheus' operator."""
    assert problems(render(EXPORTER, [values])) == []


@every
def test_helms_library_renders_what_helm_does(values: Path) -> None:
    """The tests mean the same with and without `helm` on PATH."""
    assert render(EXPORTER, [values], by=HelmLibrary()) == render(EXPORTER, [values], by=helm())


@every
def test_every_pod_is_restricted_and_has_no_token(values: Path) -> None:
    """What Pod Security's `restricted` asks, and a root that nobody can write to."""
    found = list(pod_specs(render(EXPORTER, [values])))
    assert found
    for where, pod in found:
        assert pod["automountServiceAccountToken"] is False, where
        assert pod["enableServiceLinks"] is False, where
        assert pod["securityContext"]["runAsNonRoot"] is True, where
        assert pod["securityContext"]["runAsUser"] == 10001, where
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, where
        for container in containers(pod):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, where
            assert context["readOnlyRootFilesystem"] is True, where
            assert context["capabilities"] == {"drop": ["ALL"]}, where
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), where
            assert "memory" in container["resources"]["limits"], where


@every
def test_kafka_that_is_away_does_not_restart_the_exporter(values: Path) -> None:
    """Start and life are asked of the process, readiness of what it knows."""
    (container,) = the(render(EXPORTER, [values]), "Deployment")["spec"]["template"]["spec"][
        "containers"
    ]
    paths = {kind: container[kind]["httpGet"]["path"] for kind in container if "Probe" in kind}
    assert paths == {
        "startupProbe": "/-/healthy",
        "livenessProbe": "/-/healthy",
        "readinessProbe": "/-/ready",
    }


@every
def test_every_selector_finds_the_pods(values: Path) -> None:
    """Of the Service, the monitors, the NetworkPolicy and the PodDisruptionBudget."""
    objects = render(EXPORTER, [values])
    labels = the(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [the(objects, "Service")["spec"]["selector"]]
    for kind, key in (
        ("Deployment", "selector"),
        ("ServiceMonitor", "selector"),
        ("PodMonitor", "selector"),
        ("PodDisruptionBudget", "selector"),
        ("NetworkPolicy", "podSelector"),
    ):
        selectors += [one["spec"][key]["matchLabels"] for one in of_kind(objects, kind)]
    assert len(selectors) >= 2
    assert all(selector.items() <= labels.items() for selector in selectors)
    assert all("app.kubernetes.io/version" not in selector for selector in selectors)


def test_openshift_can_choose_the_user_itself() -> None:
    """As the README says: null takes a default away."""
    context = {"runAsUser": None, "runAsGroup": None, "fsGroup": None}
    pod = the(render(EXPORTER, [KAFKA, {"podSecurityContext": context}]), "Deployment")["spec"][
        "template"
    ]["spec"]
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


@pytest.mark.parametrize(("release", "prefix"), [("lag", "kafka/"), ("kafkascope-exporter", "")])
def test_the_alerts_about_the_exporter_know_its_job(release: str, prefix: str) -> None:
    """A ServiceMonitor's job is the Service's name, a PodMonitor's its own behind the namespace."""
    values = yaml.safe_load((alertrules.FOLDER / "rules-values.yaml").read_text())["default"]
    job = the(render(EXPORTER, [KAFKA], release), "Service")["metadata"]["name"]
    assert re.fullmatch(values["exporter_job"], f"{prefix}{job}")


def test_strimzis_user_is_the_one_that_its_value_file_names() -> None:
    """Its Secret and its cluster agree, and its CRD takes it."""
    user = yaml.safe_load((EXPORTER / "examples" / "kafkauser.yaml").read_text())
    values = yaml.safe_load((EXPORTER / "values-strimzi.yaml").read_text())
    cluster = user["metadata"]["labels"]["strimzi.io/cluster"]
    assert problems([user]) == []
    assert values["tls"]["existingSecret"] == user["metadata"]["name"]
    assert values["tls"]["existingCaSecret"] == f"{cluster}-cluster-ca-cert"
    assert values["kafka"]["servers"] == [f"{cluster}-kafka-bootstrap:9093"]
    assert values["podLabels"] == user["metadata"]["labels"]


@pytest.mark.parametrize("chosen", alertrules.RULE_VALUES)
def test_the_rules_are_those_of_everybody(chosen: alertrules.RuleValues) -> None:
    """The chart fills the values in as `make rules` does."""
    values = {"prometheusRule": {"enabled": True, "preset": chosen}}
    rule = the(render(EXPORTER, [KAFKA, values]), "PrometheusRule")
    assert rule["spec"] == yaml.safe_load(alertrules.render_rules(chosen))


def test_a_rules_value_is_used_where_it_is_named() -> None:
    """Thresholds are the operator's."""
    values = {"prometheusRule": {"enabled": True, "values": {"stuck_lag": 77}}}
    rule = the(render(EXPORTER, [KAFKA, values]), "PrometheusRule")
    expressions = [
        one["expr"]
        for group in rule["spec"]["groups"]
        for one in group["rules"]
        if one.get("alert") == "KafkaConsumerGroupStuck"
    ]
    assert "> 77" in "".join(expressions)


def test_the_dashboards_are_those_of_grafana() -> None:
    """`make dashboards` writes them to both places; the sidecar finds them by their label."""
    written = {path.name: path.read_text() for path in (ROOT / "grafana/dashboards").glob("*.json")}
    values = {"dashboards": {"enabled": True}}
    objects = render(EXPORTER, [KAFKA, values], "a-release-with-a-very-long-name-as-some-have-them")
    found = [
        one
        for one in of_kind(objects, "ConfigMap")
        if one["metadata"]["labels"].get("grafana_dashboard") == "1"
    ]
    shown = {file: json.loads(text) for one in found for file, text in one["data"].items()}
    assert shown == {file: json.loads(text) for file, text in written.items()}
    assert len(found) == len(written) == 7
    assert {path.name for path in (EXPORTER / "files/dashboards").iterdir()} == written.keys()


def test_a_changed_setting_or_password_rolls_the_pods() -> None:
    """The exporter reads both at its start; anything else leaves the pods alone."""

    def template(*values: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = the(render(EXPORTER, [KAFKA, *values]), "Deployment")["spec"][
            "template"
        ]
        return found

    secret = {"sasl": {"enabled": True, "username": "u", "password": "a"}}
    assert template({"collect": {"interval": "30s"}}) != template()
    assert template(secret | {"sasl": secret["sasl"] | {"password": "b"}}) != template(secret)
    assert template({"prometheusRule": {"enabled": True}}) == template()
    assert template({"service": {"port": 80}}) == template()


@pytest.mark.parametrize("kind", ["sasl", "tls"])
def test_a_secret_stands_in_a_secret_only(kind: str) -> None:
    """Not in a ConfigMap, an argument or an annotation."""
    values: dict[str, Any] = {
        "sasl": {"sasl": {"enabled": True, "username": "u", "password": PASSWORD}},
        "tls": {
            "tls": {
                "enabled": True,
                "certKey": "tls.crt",
                "keyKey": "tls.key",
                "create": {"cert": "a", "key": PASSWORD},
            }
        },
    }[kind]
    objects = render(EXPORTER, [KAFKA, values])
    others = [one for one in objects if one["kind"] != "Secret"]
    assert PASSWORD not in json.dumps(others)
    (secret,) = of_kind(objects, "Secret")
    assert problems([secret]) == []


def test_an_image_is_named_by_registry_and_digest() -> None:
    """The digest counts more than the tag, the global registry more than the image's."""
    (container,) = the(render(EXPORTER, [EVERYTHING]), "Deployment")["spec"]["template"]["spec"][
        "containers"
    ]
    assert (
        container["image"]
        == f"registry.example/kafkascope/exporter@sha256:{'0123456789abcdef' * 4}"
    )
    (plain,) = the(render(EXPORTER, [KAFKA]), "Deployment")["spec"]["template"]["spec"][
        "containers"
    ]
    version = yaml.safe_load((EXPORTER / "Chart.yaml").read_text())["appVersion"]
    assert plain["image"] == f"kafkascope/exporter:{version}"


def test_everything_goes_into_the_namespace_that_is_named() -> None:
    """But for what belongs to Prometheus' own."""
    objects = render(EXPORTER, [EVERYTHING])
    ours = [one for one in objects if "namespace" in one["metadata"]]
    named = {one["metadata"]["namespace"] for one in ours}
    assert (
        len(objects) - len(ours) == 2
    )  # the extra objects, which say where they belong themselves
    assert named == {"observed", "monitoring"}
    assert the(objects, "ServiceMonitor")["spec"]["namespaceSelector"] == {
        "matchNames": ["observed"]
    }


def test_every_key_of_the_values_is_in_the_schema_and_the_other_way_round() -> None:
    """A key that is in one place only would be refused, or do nothing."""
    schema = json.loads((EXPORTER / "values.schema.json").read_text())
    values = yaml.safe_load((EXPORTER / "values.yaml").read_text())

    def compared(schema: dict[str, Any], values: dict[str, Any], path: str) -> list[str]:
        known = schema.get("properties")
        if not known or not values:
            return []
        differing = [f"{path}{key}" for key in values.keys() ^ known.keys()]
        for key, value in values.items():
            if isinstance(value, dict) and key in known:
                differing += compared(known[key], value, f"{path}{key}.")
        return differing

    # The condition of a chart that has this one below it, and what the examples in comments show.
    assert compared(schema, values, "") == ["enabled"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "kafka.servers: give the brokers to begin with"),
        (KAFKA | {"resource": {}}, "additional properties 'resource' not allowed"),
        ({"kafka": {"server": "a:1"}}, "at '/kafka': additional properties 'server' not allowed"),
        (KAFKA | {"collect": {"interval": "15"}}, "at '/collect/interval'"),
        (KAFKA | {"log": {"level": "loud"}}, "at '/log/level': value must be one of 'debug'"),
        (KAFKA | {"image": {"digest": "abc"}}, "at '/image/digest'"),
        (KAFKA | {"config": {"colect": {}}}, "at '/config': additional properties 'colect'"),
        (
            KAFKA | {"sasl": {"enabled": True, "mechanism": "plain"}},
            "sasl.existingSecret: plain needs a password; name a Secret that has it under the key",
        ),
        (
            KAFKA | {"sasl": {"password": "a", "existingSecret": "b"}},
            "sasl.password and sasl.existingSecret: give one of them",
        ),
        (
            KAFKA | {"tls": {"enabled": True, "certKey": "a"}},
            "tls.certKey and tls.keyKey: mutual TLS needs both",
        ),
        (
            KAFKA | {"tls": {"enabled": True, "certKey": "a", "keyKey": "b"}},
            "tls.existingSecret: name the Secret that tls.certKey and tls.keyKey are in",
        ),
        (KAFKA | {"tls": {"create": {"cert": "a"}}}, "name the keys of tls.create.cert"),
        (
            KAFKA | {"web": {"tls": {"enabled": True}}},
            "web.tls.existingSecret: HTTPS needs a Secret with tls.crt and tls.key",
        ),
        (
            KAFKA | {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}},
            "both would scrape the same pods twice",
        ),
        (
            KAFKA | {"prometheusRule": {"enabled": True, "values": {"stuck_lagg": 1}}},
            "prometheusRule.values.stuck_lagg: there is no such value; known: absent_for",
        ),
        ({"config": {"clusters": [{"servers": ["a"]}, {}]}}, "the exporter has one cluster"),
        (
            KAFKA | {"config": {"web": {"listen_address": ":1"}}},
            "config.web.listen_address: the pod's port is 9308",
        ),
        (
            KAFKA | {"config": {"clusters": [{"sasl": {"password": "a"}}]}},
            "config.clusters[0].sasl: password would stand in a ConfigMap",
        ),
        (
            {"kafka": {"servers": ["a"], "properties": {"ssl.key.pem": "a"}}},
            "kafka.properties: ssl.key.pem would stand in a ConfigMap",
        ),
        (
            KAFKA | {"extraArgs": ["--sasl.password=a"]},
            "extraArgs: --sasl.password would stand in a ConfigMap or in the pod",
        ),
    ],
)
def test_bad_values_are_refused_by_their_name(values: dict[str, Any], told: str) -> None:
    """With what to do about it."""
    with pytest.raises(RenderError) as refused:
        render(EXPORTER, [values])
    assert told in str(refused.value)
