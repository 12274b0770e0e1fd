"""A release as kubectl and helm tell of it, and pods that run a command in it."""

import json
from pathlib import Path

import pytest
import yaml

from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.kubernetes.installation import Wanted, create_namespace
from kafkascope_demo.kubernetes.release import Release
from kafkascope_demo.kubernetes.removal import remove
from kafkascope_demo.kubernetes.rollout import Trouble
from kafkascope_demo.kubernetes.tools import Done
from tests.demo.kubernetes.fakes import FakeRunner, Object, documents, items, pod, workload

VERIFIER: Object = {
    "kind": "Pod",
    "metadata": {
        "name": "kafkascope-verifier",
        "namespace": "apps",
        "labels": {"app.kubernetes.io/component": "verifier"},
        "annotations": {"helm.sh/hook": "test"},
    },
    "spec": {
        "containers": [
            {
                "name": "verifier",
                "args": ["verify", "--producer=http://p"],
                "env": [{"name": "COLUMNS", "value": "160"}],
            }
        ]
    },
}
MANIFEST = documents({"metadata": {"name": "a", "namespace": "kafka"}}, {"metadata": {"name": "b"}})


def ended(code: int) -> str:
    """What kubectl prints of a pod that has ended."""
    found = pod(
        "kafkascope-verifier-1", phase="Succeeded", state={"terminated": {"exitCode": code}}
    )
    return json.dumps(found)


def release(runner: FakeRunner) -> Release:
    """The release."""
    return Release(runner.tools(), "kafkascope", "kafkascope")


def test_a_command_runs_in_a_copy_of_the_verifiers_pod() -> None:
    """Under a fresh name, with the chart's addresses; its log is shown, its exit code given."""
    runner = FakeRunner(
        {
            "helm get hooks": documents(VERIFIER),
            "kubectl create": "",
            "kubectl get pod": ended(3),
            "kubectl logs": "a line\nanother\n",
            "kubectl delete pod": "",
        }
    )
    shown: list[str] = []
    code = release(runner).run(["--for=10"], lambda _: None, shown.append, "audit")
    created = json.loads(next(text for text in runner.given if text))
    assert code == 3
    assert shown == ["a line", "another"]
    assert created["metadata"]["name"].startswith("kafkascope-verifier-")
    assert created["metadata"]["namespace"] == "apps"
    assert "annotations" not in created["metadata"]
    assert created["spec"]["containers"][0]["args"] == ["audit", "--producer=http://p", "--for=10"]
    assert runner.ran[-1].startswith(f"kubectl delete pod {created['metadata']['name']}")


def test_an_interrupted_command_ends_its_pod() -> None:
    """SIGTERM is what undoes a scenario's fault in there."""

    def interrupt(_: str) -> str:
        raise KeyboardInterrupt

    runner = FakeRunner(
        {
            "helm get hooks": documents(VERIFIER),
            "kubectl create": "",
            "kubectl get pod": ended(0),
            "kubectl logs": interrupt,
            "kubectl delete pod": "",
        }
    )
    told: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        release(runner).run(["--scenario=exporter-down"], told.append, told.append)
    assert told[-1].endswith("ends, and undoes what it has begun")
    assert runner.ran[-1].startswith("kubectl delete pod kafkascope-verifier-")


def test_the_namespaces_are_those_of_the_manifest() -> None:
    """The release's own first."""
    found = release(FakeRunner({"helm get manifest": MANIFEST})).namespaces()
    assert found == ["kafkascope", "kafka"]


def test_a_release_that_is_not_there_is_told_so() -> None:
    """With how to make it."""
    with pytest.raises(DemoError, match="no release kafkascope in namespace kafkascope: make demo"):
        release(FakeRunner({})).namespaces()


def test_waiting_ends_when_every_workload_is_as_it_is_to_be() -> None:
    """What is waited for is told once."""
    states = iter([workload("producer", readyReplicas=0), workload("producer")])
    runner = FakeRunner(
        {
            "helm get manifest": documents({"metadata": {"name": "a"}}),
            "kubectl get deployments": lambda _: items(next(states)),
            "kubectl get pods": items(pod("kafkascope-producer-1")),
        }
    )
    told: list[str] = []
    release(runner).wait(told.append, 60)
    assert [line.split("s  ")[1] for line in told] == [
        "1/1 pods ready; waiting for producer (0/2)",
        "1/1 pods ready",
    ]


def test_a_wait_that_is_over_shows_pod_event_log_and_what_to_do() -> None:
    """Instead of a timeout alone."""
    runner = FakeRunner(
        {
            "helm get manifest": documents({"metadata": {"name": "a"}}),
            "kubectl get deployments": items(workload("kafka", readyReplicas=0)),
            "kubectl get pods": items(pod("kafkascope-kafka-1", ready=False)),
            "kubectl get events": items({"reason": "Unhealthy", "message": "Startup probe failed"}),
            "kubectl logs": "OutOfMemoryError\n",
        }
    )
    with pytest.raises(DemoError) as raised:
        release(runner).wait(lambda _: None, -1)
    assert str(raised.value).splitlines() == [
        "after -1 s still waiting for kafka (0/2)",
        "pod kafkascope-kafka-1 (namespace kafkascope): is not ready",
        "  event: Unhealthy: Startup probe failed",
        "  log: OutOfMemoryError",
        "  fix: more time (--timeout), or see above",
    ]


def test_a_deployment_whose_pods_are_refused_is_explained_without_the_log_of_older_ones() -> None:
    """Those run, and say nothing of it."""
    runner = FakeRunner({"kubectl get events": items(), "kubectl logs": "all is well\n"})
    trouble = Trouble("deployment/kafkascope-producer", "kafkascope", "FailedCreate: quota", "ask")
    assert release(runner).explain(trouble).splitlines() == [
        "deployment kafkascope-producer (namespace kafkascope): FailedCreate: quota",
        "  fix: ask",
    ]


def test_a_namespace_that_is_made_takes_restricted_pods_only() -> None:
    """And is known as ours, so that it is removed again; one that is there is left alone."""
    runner = FakeRunner({"kubectl create": ""})
    create_namespace(runner.tools(), "kafkascope", lambda _: None)
    made = json.loads(runner.given[-1] or "")
    assert made["metadata"]["labels"] == {
        "kafkascope.io/created-by": "make-demo",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    there = FakeRunner({"kubectl get namespace": "kafkascope"})
    create_namespace(there.tools(), "kafkascope", lambda _: None)
    assert there.ran == ["kubectl get namespace kafkascope"]


def test_the_images_that_were_built_are_those_that_are_installed(tmp_path: Path) -> None:
    """With registry and tag, and the hash where there is one; other images keep theirs."""
    (tmp_path / "exporter.sha256").write_text("0123456789abcdef0123\n", encoding="utf-8")
    names = ["registry.example/team/kafkascope/demo:2", "kafkascope/exporter:1"]
    wanted = Wanted("minimal", [], ["kafka.nodes=3"], names, 60, tmp_path)
    arguments = wanted.helm_arguments()
    assert arguments[0].endswith("profiles/minimal.yaml")
    assert arguments[1:] == [
        "--set=kafka.nodes=3",
        "--set=image.registry=registry.example/team",
        "--set=image.tag=2",
        "--set=exporter.image.registry=",
        "--set=exporter.image.tag=1",
        "--set-string=exporter.podAnnotations.kafkascope\\.io/built=0123456789abcdef",
    ]


def gone(**answers: str) -> FakeRunner:
    """A cluster from which everything goes when it is told to."""
    return FakeRunner(
        {
            "kubectl api-resources": "",
            "helm status": "",
            "helm uninstall": "",
            "helm list": "",
            "kubectl delete": "",
            "kubectl get namespace": "",
            "kubectl get": "",
            "kubectl get persistentvolumes": items(),
            **{name.replace("_", " "): text for name, text in answers.items()},
        }
    )


def test_removal_leaves_namespaces_of_others_alone() -> None:
    """What make demo has made goes."""
    ours = {"metadata": {"labels": {"kafkascope.io/created-by": "make-demo"}}}
    runner = gone()
    runner.answers["kubectl get namespace kafkascope"] = json.dumps(ours)
    runner.answers["kubectl get namespace theirs"] = json.dumps({"metadata": {"labels": {}}})
    left = remove(runner.tools(), release(runner), ["kafkascope", "theirs"], lambda _: None)
    assert left == []
    assert [line for line in runner.ran if line.startswith("kubectl delete namespace")] == [
        "kubectl delete namespace kafkascope --timeout=180s"
    ]


def test_a_namespace_in_which_somebody_else_has_something_stays() -> None:
    """Another release, though make demo has made the namespace."""
    ours = {"metadata": {"labels": {"kafkascope.io/created-by": "make-demo"}}}
    runner = gone(helm_list="other\n")
    runner.answers["kubectl get namespace kafkascope"] = json.dumps(ours)
    told: list[str] = []
    assert remove(runner.tools(), release(runner), ["kafkascope"], told.append) == []
    assert told[-1] == "namespace kafkascope stays: other is in it"
    assert not [line for line in runner.ran if line.startswith("kubectl delete namespace")]


def test_topics_are_freed_before_the_operators_cluster_goes() -> None:
    """A finalizer that no operator removes would keep the namespace for ever."""
    topics = iter(["kafkatopic/a\n", "kafkatopic/a\n"])
    runner = gone()
    runner.answers |= {
        "kubectl api-resources": "kafkatopics.kafka.strimzi.io\nkafkas.kafka.strimzi.io\n",
        "kubectl get kafkatopics": lambda _: next(topics, ""),
        "kubectl get kafkas": lambda _: (
            "kafka/b\n" if "kubectl delete kafkas.kafka" not in "\n".join(runner.ran) else ""
        ),
        "kubectl patch": "",
    }
    remove(runner.tools(), release(runner), ["kafkascope"], lambda _: None)
    steps = [
        " ".join(line.split()[1:3])
        for line in runner.ran
        if line.split()[1] in {"delete", "patch", "uninstall"}
    ]
    assert steps[:4] == [
        "delete kafkatopics.kafka.strimzi.io",
        "patch kafkatopic/a",
        "delete kafkas.kafka.strimzi.io",
        "uninstall kafkascope",
    ]


def test_what_is_left_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume that stays costs money."""
    monkeypatch.setattr("kafkascope_demo.kubernetes.removal._GONE_S", 0)
    claim = {"namespace": "kafkascope", "name": "data-kafkascope-kafka-1"}
    runner = gone()
    runner.answers["kubectl get persistentvolumes"] = items(
        {"metadata": {"name": "pvc-1"}, "spec": {"claimRef": claim}}
    )
    assert remove(runner.tools(), release(runner), ["kafkascope"], lambda _: None) == [
        "persistentvolume/pvc-1"
    ]


def test_yaml_of_hooks_without_a_verifier_is_told() -> None:
    """A release of another chart, say."""
    runner = FakeRunner({"helm get hooks": yaml.safe_dump({"metadata": {"name": "x"}})})
    with pytest.raises(DemoError, match="has no verifier: is it of the chart kafkascope-demo"):
        release(runner).run([], lambda _: None, lambda _: None)


def test_a_failed_command_shows_what_it_said() -> None:
    """With its first words, which tell which it was."""
    runner = FakeRunner({"helm dependency": Done(1, "", "Error: no such chart")})
    with pytest.raises(DemoError, match="helm dependency update … failed: Error: no such chart"):
        runner.tools().helm("dependency", "update", "x")
