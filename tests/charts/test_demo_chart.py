"""The chart of the demo: what it renders, refuses and agrees with."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import yaml

from kafkascope_demo import alertrules
from kafkascope_demo.consumer.settings import ConsumerSettings
from kafkascope_demo.kafkasetup import Setup
from kafkascope_demo.load.stages import TALK
from kafkascope_demo.producer.settings import ProducerSettings
from kafkascope_demo.stack import plan, prometheusconfig
from tests.assets.repository import ROOT
from tests.charts.golden import compare
from tests.charts.rendering import DEMO, NAMESPACE, RELEASE, RenderError, lint, of_kind, render
from tests.charts.schemas import problems

PROFILES: Final = sorted((DEMO / "profiles").glob("*.yaml"))
VALUES: Final = [*PROFILES, *sorted((DEMO / "ci").glob("*.yaml"))]
EMBEDDED: Final = [DEMO / "profiles" / f"{name}.yaml" for name in ("default", "minimal", "secure")]
TEMPLATED: Final = {"Deployment", "StatefulSet", "Job"}
NO_SCHEMA: Final = {
    "external-secrets.io",
    "gateway.networking.k8s.io",
    "keda.sh",
    "opentelemetry.io",
}
"""Groups of optional objects whose CRDs are not at hand: docs/kubernetes.md says so."""
CLUSTER_WIDE: Final = {"Namespace"}

Object = dict[str, Any]


def name(path: Path) -> str:
    """What a test is called."""
    return path.stem


every = pytest.mark.parametrize("values", VALUES, ids=name)


def pod_of(one: Object) -> Object:
    """The pod's specification of a pod, or of what makes pods."""
    found: Object = one["spec"] if one["kind"] == "Pod" else one["spec"]["template"]["spec"]
    return found


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Everything that is a pod or makes pods, by kind and name."""
    for one in objects:
        if one["kind"] in TEMPLATED | {"Pod"}:
            yield f"{one['kind']}/{one['metadata']['name']}", pod_of(one)


def the(objects: list[Object], kind: str, suffix: str) -> Object:
    """The one object of a kind whose name ends so."""
    (found,) = (
        one for one in of_kind(objects, kind) if one["metadata"]["name"] == f"{RELEASE}-{suffix}"
    )
    return found


def environment(pod: Object) -> dict[str, str]:
    """The variables of a pod's first container that are plain texts."""
    return {one["name"]: one["value"] for one in pod["containers"][0]["env"] if "value" in one}


@every
def test_helm_finds_nothing_wrong(values: Path) -> None:
    """With `helm lint --strict`."""
    assert lint(DEMO, [values]) == []


@every
def test_what_is_rendered_is_what_was_agreed_on(values: Path, *, refresh_golden: bool) -> None:
    """`make golden` renews it; certificates and passwords are left out."""
    compare(f"demo-{values.stem}", render(DEMO, [values]), refresh=refresh_golden)


@every
def test_every_object_is_what_kubernetes_takes(values: Path) -> None:
    """And Strimzi, where the objects are for its operator."""
    objects = render(DEMO, [values])
    checked = [one for one in objects if one["apiVersion"].partition("/")[0] not in NO_SCHEMA]
    assert problems(checked) == []


@every
def test_every_pod_is_restricted_and_has_no_token(values: Path) -> None:
    """But for the scenarios' token, which is mounted on purpose."""
    for where, pod in pods(render(DEMO, [values])):
        assert pod["automountServiceAccountToken"] is False, where
        assert pod["enableServiceLinks"] is False, where
        assert pod["securityContext"]["runAsNonRoot"] is True, where
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, where
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, where
            assert context["readOnlyRootFilesystem"] is True, where
            assert context["capabilities"] == {"drop": ["ALL"]}, where
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), where
            assert "memory" in container["resources"]["limits"], where


@every
def test_everything_that_runs_on_is_probed(values: Path) -> None:
    """By a start that may take its time, and then whether it is ready and alive."""
    for one in render(DEMO, [values]):
        if one["kind"] in {"Deployment", "StatefulSet"}:
            for container in pod_of(one)["containers"]:
                found = {probe for probe in container if probe.endswith("Probe")}
                assert found == {"startupProbe", "readinessProbe", "livenessProbe"}, one["metadata"]


@every
def test_images_are_pinned(values: Path) -> None:
    """A tag that moves would be another demo tomorrow."""
    for where, pod in pods(render(DEMO, [values])):
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            tag = container["image"].rpartition(":")[2]
            assert re.search(r"\d", tag), (where, container["image"])
            assert tag != "latest"


@every
def test_a_namespace_that_is_named_is_the_releases_or_made(values: Path) -> None:
    """Nothing is installed into a namespace that is not there."""
    objects = render(DEMO, [values])
    made = {one["metadata"]["name"] for one in of_kind(objects, "Namespace")} | {NAMESPACE}
    used = {one["metadata"].get("namespace") for one in objects if one["kind"] not in CLUSTER_WIDE}
    assert used <= made


@every
def test_every_address_is_a_service_with_that_port(values: Path) -> None:
    """In arguments, variables and Prometheus' configuration; a typing error would be found here."""
    objects = render(DEMO, [values])
    services = {
        (service["metadata"]["name"], port["port"])
        for service in of_kind(objects, "Service")
        for port in service["spec"]["ports"]
    }
    texts = [json.dumps(pod) for _, pod in pods(objects)]
    texts += [
        json.dumps(one["data"])
        for one in of_kind(objects, "ConfigMap")
        if "prometheus.yml" in one["data"]
    ]
    found = {
        (host.split(".")[0], int(port))
        for text in texts
        for host, port in re.findall(rf"({RELEASE}-[a-z-]+(?:\.[a-z-]+\.svc)?):(\d+)", text)
    }
    strimzi = {one for one in found if one[0].endswith(("-bootstrap", "-bridge-service"))}
    assert found
    assert found - strimzi <= services


@pytest.mark.parametrize("values", EMBEDDED, ids=name)
def test_services_are_set_as_their_code_reads_it(values: Path) -> None:
    """Every variable is one that it knows, with the chart's names of topic and group."""
    objects = render(DEMO, [values, {"kafka": {"mode": "embedded"}}])
    for part, settings in (("producer", ProducerSettings), ("consumer", ConsumerSettings)):
        pod = pod_of(the(objects, "Deployment", part))
        variables = environment(pod)
        variables.pop("KAFKA_PROPERTIES_FILE", None)
        read = settings.read(variables)
        (port,) = (one["containerPort"] for one in pod["containers"][0]["ports"])
        assert read.port == port
        assert read.topic == "ochacafe-event"
        assert read.kafka["bootstrap.servers"] == f"{RELEASE}-kafka.{NAMESPACE}.svc:9092"


def test_the_demo_is_the_same_as_the_local_one() -> None:
    """Jobs, ports of pages, stages, group: docs, rules and dashboards hold for both."""
    objects = render(DEMO, [DEMO / "profiles" / "default.yaml"])
    local = plan.Plan("a:1", dict(plan._PORTS), "s")
    jobs = yaml.safe_load(prometheusconfig.prometheus_config(local))["scrape_configs"]
    config = yaml.safe_load(the(objects, "ConfigMap", "prometheus")["data"]["prometheus.yml"])
    ours = {job["job_name"] for job in config["scrape_configs"]}
    assert ours == {job["job_name"] for job in jobs} - {"otlp-receiver"}
    ports = {
        service["metadata"]["name"].removeprefix(f"{RELEASE}-"): service["spec"]["ports"][0]["port"]
        for service in of_kind(objects, "Service")
    }
    for part in ("producer", "exporter", "locust", "prometheus"):
        assert ports[part] == local.ports[part], part
    locust = environment(pod_of(the(objects, "Deployment", "locust")))
    assert locust["STAGES"] == TALK
    consumer = environment(pod_of(the(objects, "Deployment", "consumer")))
    assert consumer["GROUP_ID"] == local.addresses().group
    assert consumer["DEAD_LETTER_TOPIC"] == local.addresses().dead_letter_topic
    assert the(objects, "Deployment", "consumer")["spec"]["replicas"] == 2


@pytest.mark.parametrize("chosen", alertrules.RULE_VALUES)
def test_prometheus_has_the_rules_of_the_exporters_chart(
    chosen: alertrules.RuleValues, tmp_path: Path
) -> None:
    """With the values that are asked for; promtool takes them and the configuration."""
    data = the(render(DEMO, [{"prometheus": {"rules": chosen}}]), "ConfigMap", "prometheus")["data"]
    rules = tmp_path / "rules.yml"
    rules.write_text(data["rules.yml"])
    assert yaml.safe_load(data["rules.yml"]) == yaml.safe_load(alertrules.render_rules(chosen))
    config = tmp_path / "prometheus.yml"
    config.write_text(data["prometheus.yml"].replace("/etc/prometheus/rules.yml", str(rules)))
    done = subprocess.run(
        ["promtool", "check", "config", str(config)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_is_provisioned_as_by_the_files_for_everybody() -> None:
    """The dashboards know the data source by its uid."""
    objects = render(DEMO, [DEMO / "profiles" / "default.yaml"])
    data = the(objects, "ConfigMap", "grafana")["data"]
    source = yaml.safe_load(data["datasources.yaml"])["datasources"][0]
    provider = yaml.safe_load(data["providers.yaml"])["providers"][0]
    files = ROOT / "grafana" / "provisioning"
    (theirs,) = yaml.safe_load((files / "datasources" / "kafkascope.yaml").read_text())[
        "datasources"
    ]
    (folder,) = yaml.safe_load((files / "dashboards" / "kafkascope.yaml").read_text())["providers"]
    assert {source[key] == theirs[key] for key in ("uid", "type", "name")} == {True}
    assert provider["options"] == folder["options"]
    boards = the(objects, "ConfigMap", "grafana-dashboards")["data"]
    assert boards.keys() == {path.name for path in (ROOT / "grafana" / "dashboards").glob("*.json")}


@pytest.mark.parametrize("values", EMBEDDED, ids=name)
def test_topics_users_and_acls_are_what_kafka_setup_reads(values: Path, tmp_path: Path) -> None:
    """The exporter may describe, and nothing else."""
    objects = render(DEMO, [values])
    text = the(objects, "ConfigMap", "kafka-setup")["data"]["setup.yaml"]
    file = tmp_path / "setup.yaml"
    (tmp_path / "password").write_text("p")
    file.write_text(re.sub(r"/etc/kafkascope/users/\w+", str(tmp_path), text))
    setup = Setup.read(file)
    assert [topic.topic for topic in setup.topics] == [
        "ochacafe-event",
        "ochacafe-event.dead-letter",
    ]
    rights = {(acl.resource, acl.operation) for acl in setup.acls if acl.user == "exporter"}
    secure = values.stem == "secure"
    assert setup.passwords.keys() == (
        {"consumer", "exporter", "producer", "verifier"} if secure else set()
    )
    assert rights == (
        {
            ("topic", "Describe"),
            ("topic", "DescribeConfigs"),
            ("group", "Describe"),
            ("cluster", "Describe"),
        }
        if secure
        else set()
    )


def test_every_pod_of_a_denied_network_has_a_policy() -> None:
    """Each may connect to what it needs, and both ends say so."""
    objects = render(DEMO, [DEMO / "ci" / "namespaces-values.yaml"])
    policies = of_kind(objects, "NetworkPolicy")
    denied = {
        one["metadata"]["namespace"]
        for one in policies
        if one["metadata"]["name"].endswith("default-deny")
    }
    assert denied == {"kafka", "monitoring", "ochacafe"}
    chosen = {
        (
            one["metadata"]["namespace"],
            one["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component"),
        )
        for one in policies
    }
    for one in objects:
        if one["kind"] in TEMPLATED | {"Pod"}:
            labels = (one if one["kind"] == "Pod" else one["spec"]["template"])["metadata"][
                "labels"
            ]
            place = (one["metadata"]["namespace"], labels["app.kubernetes.io/component"])
            assert place in chosen, place
    ways = [
        {
            (end, peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"], port["port"])
            for rule in one["spec"].get(side) or ()
            for peer in rule.get("from" if side == "ingress" else "to") or ()
            for port in rule["ports"]
        }
        for side in ("ingress", "egress")
        for one in policies
        if (end := one["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component"))
    ]
    half = len(ways) // 2
    let_in = {(peer, end, port) for way in ways[:half] for end, peer, port in way}
    let_out = {way for ways_of_one in ways[half:] for way in ways_of_one}
    assert let_in == let_out
    assert ("exporter", "kafka", 9092) in let_in


def cpu(text: str) -> float:
    """Cores of a quantity."""
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)


def mebibytes(text: str) -> float:
    """MiB of a quantity."""
    return float(text[:-2]) * {"Mi": 1, "Gi": 1024}[text[-2:]]


def total(objects: list[Object], kind: str, resource: str) -> Iterator[str]:
    """What every pod that runs on asks for."""
    for one in objects:
        if one["kind"] in {"Deployment", "StatefulSet"}:
            for container in pod_of(one)["containers"]:
                if resource in container["resources"][kind]:
                    yield from [container["resources"][kind][resource]] * one["spec"]["replicas"]


def test_the_default_profile_asks_for_one_and_a_half_cores_at_most() -> None:
    """It fits on a laptop's cluster."""
    objects = render(DEMO, [DEMO / "profiles" / "default.yaml"])
    assert sum(map(cpu, total(objects, "requests", "cpu"))) <= 1.5


def test_the_minimal_profile_asks_for_two_gibibytes_at_most() -> None:
    """Of memory, all pods together."""
    objects = render(DEMO, [DEMO / "profiles" / "minimal.yaml"])
    assert sum(map(mebibytes, total(objects, "requests", "memory"))) <= 2048


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"kafka": {"nodez": 3}}, "at '/kafka': additional properties 'nodez' not allowed"),
        ({"kafka": {"nodes": 2}}, "at '/kafka/nodes': value must be one of 1, 3"),
        ({"locust": {"stages": "3m"}}, "at '/locust/stages'"),
        ({"exporter": {"collecct": {}}}, "additional properties 'collecct' not allowed"),
        (
            {"kafka": {"mode": "external"}},
            "kafka.external.bootstrapServers: kafka.mode external needs it",
        ),
        (
            {"kafka": {"external": {"bootstrapServers": "a:1"}}},
            "kafka.external.bootstrapServers is set, but kafka.mode is embedded",
        ),
        (
            {"otlp": {"backend": "external", "external": {"endpoint": "http://a:4318"}}},
            "otlp.external.queryUrl: otlp.backend external needs it",
        ),
        ({"namespaces": {"kafka": "k"}}, "give both the same"),
        (
            {"networkPolicies": {"enabled": True}, "kafka": {"mode": "strimzi"}},
            "networkPolicies.enabled: with kafka.mode strimzi",
        ),
        (
            {
                "security": {"enabled": True},
                "kafka": {"mode": "external", "external": {"bootstrapServers": "a:1"}},
            },
            "give kafka.external.propertiesSecret",
        ),
    ],
)
def test_bad_values_are_refused_by_their_name(values: dict[str, Any], told: str) -> None:
    """With what to do about it."""
    with pytest.raises(RenderError) as refused:
        render(DEMO, [values])
    assert told in str(refused.value)


def test_urls_of_the_verifier_are_those_of_services() -> None:
    """It is told each part's address by a flag."""
    pod = pod_of(the(render(DEMO), "Pod", "verifier"))
    urls = [word.partition("=")[2] for word in pod["containers"][0]["args"] if "=http" in word]
    assert {urlsplit(url).port for url in urls} == {8080, 8081, 8089, 9090, 9308, 16686}
