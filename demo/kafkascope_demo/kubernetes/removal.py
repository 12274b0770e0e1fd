"""Takes everything of a release out of a cluster, in an order in which nothing is left waiting."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Final

from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.kubernetes.release import Release
from kafkascope_demo.kubernetes.tools import Tools

CREATED_BY: Final = "kafkascope.io/created-by"
MAKE_DEMO: Final = "make-demo"
_CUSTOM: Final = (
    "scaledobjects.keda.sh",
    "externalsecrets.external-secrets.io",
    "instrumentations.opentelemetry.io",
    *(f"{kind}.kafka.strimzi.io" for kind in ("kafkabridges", "kafkausers", "kafkatopics")),
    *(f"{kind}.kafka.strimzi.io" for kind in ("kafkas", "kafkanodepools")),
)
"""What an operator ends, in an order in which nothing goes before what it is part of."""
_OURS: Final = (
    "deployments,statefulsets,jobs,pods,services,configmaps,secrets,persistentvolumeclaims,"
    "serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets,ingresses"
)
_GONE_S: Final = 180
_FINALIZERS_S: Final = 60

Tell = Callable[[str], None]


def remove(tools: Tools, release: Release, namespaces: Sequence[str], tell: Tell) -> list[str]:
    """Remove a release with its volumes and the namespaces that were made for it.

    Args:
        tools: For the cluster.
        release: Which; it may be gone already.
        namespaces: Of its objects.
        tell: Told each step.

    Returns:
        What is left, a line each.

    Raises:
        DemoError: kubectl or helm failed.
    """
    known = set(tools.try_kubectl("api-resources", "-o", "name").out.split())
    custom = [kind for kind in _CUSTOM if kind in known]
    for kind in custom:
        for namespace in namespaces:
            _remove_resources(tools, release, namespace, kind, tell)
    if release.exists():
        tell(f"uninstalling release {release.name}")
        tools.helm("uninstall", release.name, "-n", release.namespace, "--wait", "--timeout=3m")
    for namespace in namespaces:
        tools.try_kubectl(
            *("delete", "pods,persistentvolumeclaims", "-n", namespace, "-l", release.selector),
            *("--ignore-not-found", f"--timeout={_GONE_S}s"),
        )
    left = _wait_until_nothing(tools, release, ",".join([_OURS, *custom]), namespaces)
    for namespace in namespaces:
        if not left and _made_here(tools, namespace):
            _remove_namespace(tools, namespace, tell)
    return left


def _remove_namespace(tools: Tools, namespace: str, tell: Tell) -> None:
    """Delete a namespace that was made for a demo, unless somebody else has something in it."""
    if others := _others(tools, namespace):
        tell(f"namespace {namespace} stays: {', '.join(others)} is in it")
        return
    tell(f"deleting namespace {namespace}, which make demo has made")
    tools.kubectl("delete", "namespace", namespace, f"--timeout={_GONE_S}s")


def _remove_resources(
    tools: Tools, release: Release, namespace: str, kind: str, tell: Tell
) -> None:
    """Delete custom resources, and free those that no operator frees."""
    if not _names(tools, kind, namespace, release.selector):
        return
    tell(f"deleting {kind} in {namespace}")
    chosen = (kind, "-n", namespace, "-l", release.selector)
    tools.try_kubectl("delete", *chosen, f"--timeout={_FINALIZERS_S}s")
    for left in _names(tools, kind, namespace, release.selector):
        tell(f"{left}: no operator frees it, its finalizers are removed")
        free = json.dumps({"metadata": {"finalizers": None}})
        tools.try_kubectl("patch", left, "-n", namespace, "--type=merge", "-p", free)


def _names(tools: Tools, kinds: str, namespace: str, selector: str) -> list[str]:
    done = tools.try_kubectl(
        "get", kinds, "-n", namespace, "-l", selector, "-o", "name", "--ignore-not-found"
    )
    return done.out.split() if not done.code else []


def _made_here(tools: Tools, namespace: str) -> bool:
    done = tools.try_kubectl("get", "namespace", namespace, "-o", "json", "--ignore-not-found")
    if done.code or not done.out.strip():
        return False
    labels = json.loads(done.out)["metadata"].get("labels", {})
    return bool(labels.get(CREATED_BY) == MAKE_DEMO)


def _others(tools: Tools, namespace: str) -> list[str]:
    """Give what somebody else has in a namespace: releases, workloads, claims."""
    releases = tools.helm("list", "-n", namespace, "--short").split()
    kinds = "deployments,statefulsets,pods,persistentvolumeclaims"
    done = tools.try_kubectl("get", kinds, "-n", namespace, "-o", "name")
    return releases + (done.out.split() if not done.code else [])


def _wait_until_nothing(
    tools: Tools, release: Release, kinds: str, namespaces: Sequence[str]
) -> list[str]:
    """Give what is left of a release after a while: objects, and volumes of its claims."""
    ends_at = time.monotonic() + _GONE_S
    while True:
        left = [
            f"{namespace}: {name}"
            for namespace in namespaces
            for name in _names(tools, kinds, namespace, release.selector)
        ]
        left += _volumes(tools, namespaces, release.name)
        if not left or time.monotonic() >= ends_at:
            return left
        time.sleep(1)


def _volumes(tools: Tools, namespaces: Sequence[str], release: str) -> list[str]:
    done = tools.try_kubectl("get", "persistentvolumes", "-o", "json")
    if done.code:
        raise DemoError(f"kubectl get persistentvolumes: {done.err.strip()}")
    found = []
    for item in json.loads(done.out)["items"]:
        claim = item["spec"].get("claimRef", {})
        if claim.get("namespace") in namespaces and release in claim.get("name", ""):
            found.append(f"persistentvolume/{item['metadata']['name']}")
    return found
