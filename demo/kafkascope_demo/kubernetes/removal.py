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
_STRIMZI: Final = (
    ("kafkabridges", "kafkausers", "kafkatopics"),
    ("kafkas", "kafkanodepools"),
)
"""What an operator ends by itself, before what it is part of."""
_STRIMZI_GROUP: Final = "kafka.strimzi.io"
_OURS: Final = (
    "deployments,statefulsets,jobs,pods,services,configmaps,secrets,persistentvolumeclaims,"
    "serviceaccounts,roles,rolebindings,networkpolicies,poddisruptionbudgets"
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
    for kinds in _STRIMZI if _has_strimzi(tools) else ():
        for namespace in namespaces:
            _remove_resources(tools, release, namespace, kinds, tell)
    if release.exists():
        tell(f"uninstalling release {release.name}")
        tools.helm("uninstall", release.name, "-n", release.namespace, "--wait", "--timeout=3m")
    for namespace in namespaces:
        for kind in ("pods", "persistentvolumeclaims"):
            tools.try_kubectl(
                *("delete", kind, "-n", namespace, "-l", release.selector),
                *("--ignore-not-found", f"--timeout={_GONE_S}s"),
            )
    for namespace in namespaces:
        if _made_here(tools, namespace):
            tell(f"deleting namespace {namespace}, which make demo has made")
            tools.kubectl("delete", "namespace", namespace, f"--timeout={_GONE_S}s")
    return _wait_until_nothing(tools, release, namespaces)


def _has_strimzi(tools: Tools) -> bool:
    done = tools.try_kubectl("api-resources", f"--api-group={_STRIMZI_GROUP}", "-o", "name")
    return not done.code and bool(done.out.strip())


def _remove_resources(
    tools: Tools, release: Release, namespace: str, kinds: Sequence[str], tell: Tell
) -> None:
    """Delete custom resources, and free those that no operator frees."""
    for kind in kinds:
        name = f"{kind}.{_STRIMZI_GROUP}"
        if not _names(tools, name, namespace, release.selector):
            continue
        tell(f"deleting {kind} in {namespace}")
        chosen = (name, "-n", namespace, "-l", release.selector)
        tools.try_kubectl("delete", *chosen, f"--timeout={_FINALIZERS_S}s")
        for left in _names(tools, name, namespace, release.selector):
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


def _wait_until_nothing(tools: Tools, release: Release, namespaces: Sequence[str]) -> list[str]:
    """Give what is left of a release after a while: objects, and volumes of its claims."""
    ends_at = time.monotonic() + _GONE_S
    while True:
        left = [
            f"{namespace}: {name}"
            for namespace in namespaces
            for name in _names(tools, _OURS, namespace, release.selector)
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
