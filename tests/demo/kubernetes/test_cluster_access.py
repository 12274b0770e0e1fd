"""Which cluster it is, how images get there, and what is said when something is missing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.kubernetes.images import load_command
from kafkascope_demo.kubernetes.tools import Done
from tests.demo.kubernetes.fakes import FakeRunner
from tests.waiting import wait_until

IMAGE = "kafkascope/demo:1"


@pytest.mark.parametrize(
    ("context", "environ", "command"),
    [
        ("kind-a", {}, ["kind", "load", "docker-image", IMAGE, "--name", "a"]),
        ("k3d-a", {}, ["k3d", "image", "import", IMAGE, "--cluster", "a"]),
        ("minikube", {}, ["minikube", "image", "load", IMAGE, "--profile", "minikube"]),
        ("kind-a", {"IMAGE_LOAD": "ssh node load"}, ["ssh", "node", "load", IMAGE]),
        ("gke", {"REGISTRY": "registry.example"}, ["docker", "push", IMAGE]),
        ("lab", {"IMAGE_BUILD": "./image"}, None),
    ],
)
def test_images_get_to_a_cluster_by_what_it_is(
    context: str, environ: dict[str, str], command: list[str] | None
) -> None:
    """Or by what the user says."""
    assert load_command(IMAGE, context, environ) == command


def test_an_image_is_pushed_by_what_has_built_it(tmp_path: Path) -> None:
    """`make images` takes podman where there is no docker."""
    program(tmp_path, "podman", "")
    program(tmp_path, "buildah", "")
    environ = {"REGISTRY": "registry.example", "PATH": str(tmp_path)}
    assert load_command(IMAGE, "gke", environ) == ["podman", "push", IMAGE]


def test_an_unknown_cluster_is_told_how_images_can_get_there() -> None:
    """With the three variables."""
    with pytest.raises(DemoError, match=r"context gke .* IMAGE_LOAD=.*REGISTRY=.*IMAGES=0"):
        load_command(IMAGE, "gke", {})


def test_without_a_context_it_says_how_to_get_a_cluster() -> None:
    """And offers the demo that needs none."""
    with pytest.raises(
        DemoError, match=r"(?s)kubectl has no context.*kind create cluster.*make run"
    ):
        FakeRunner({}).tools().cluster()


def test_a_cluster_that_does_not_answer_is_told_with_the_reason() -> None:
    """As kubectl gives it."""
    refused = Done(1, "", "E1123 memcache.go\nThe connection to the server a:6443 was refused\n")
    runner = FakeRunner(
        {"kubectl config current-context": "kind-a\n", "kubectl get --raw": refused}
    )
    with pytest.raises(DemoError, match="answers: The connection to the server a:6443 was refused"):
        runner.tools().cluster()


@pytest.mark.parametrize(("version", "told"), [("v3.9.1", "is too old"), ("hello", "is this helm")])
def test_a_helm_that_cannot_be_used_is_refused(version: str, told: str) -> None:
    """3.14 is the oldest."""
    runner = FakeRunner({"helm version": version})
    with pytest.raises(DemoError, match=told):
        runner.tools().check_helm()
    FakeRunner({"helm version": "v4.3.1"}).tools().check_helm()


def program(folder: Path, name: str, text: str) -> None:
    """Put a program on a PATH of its own."""
    file = folder / name
    file.write_text(f"#!{sys.executable}\nimport sys\nwords = ' '.join(sys.argv[1:])\n{text}\n")
    file.chmod(0o755)


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `kafkascope-demo kubernetes` where nothing else is on PATH."""
    return subprocess.run(
        [sys.executable, "-m", "kafkascope_demo", "kubernetes", *arguments],
        env=os.environ
        | {"PATH": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_without_kubectl_it_says_what_to_install(tmp_path: Path) -> None:
    """In a line, without a traceback."""
    done = run(tmp_path, "status")
    assert done.returncode == 1
    assert done.stderr.startswith("kafkascope-demo: kubectl is not on PATH: install kubectl")
    assert "Traceback" not in done.stderr


def test_nothing_is_changed_before_somebody_has_agreed(tmp_path: Path) -> None:
    """It names the cluster; without a terminal it takes YES=1."""
    program(tmp_path, "helm", "print('v4.3.1')")
    program(
        tmp_path,
        "kubectl",
        "print('kind-a' if words == 'config current-context' else 'https://a:6443')\n"
        "assert words.startswith(('config', 'get --raw')), words",
    )
    for action in ("up", "down"):
        done = run(tmp_path, action)
        assert done.returncode == 1, done.stderr
        assert "of cluster kind-a (https://a:6443)" in done.stdout.replace("from", "of")
        assert "YES=1 (or --yes) goes on" in done.stderr


def test_ctrl_c_says_what_is_left_in_the_cluster(tmp_path: Path) -> None:
    """In a line, with the exit code of an interrupt."""
    program(tmp_path, "helm", "print('v4.3.1')")
    started = tmp_path / "started"
    program(
        tmp_path,
        "kubectl",
        f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(60)",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "kafkascope_demo", "kubernetes", "status"],
        env=os.environ
        | {"PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(started.exists, 30, "kubectl runs")
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; what is in the cluster stays: make demo-status" in said
    assert "kafkascope-demo" not in said
