"""What a release's workloads and pods are waiting for: from Kubernetes' objects to a few words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Item = Mapping[str, Any]

_COMPONENT: Final = "app.kubernetes.io/component"
_HOPELESS_RESTARTS: Final = 4
_IMAGE: Final = frozenset(
    {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"}
)
_CONFIG: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)
_FIXES: Final = {
    "image": "build and load it: make images; a cluster that is not kind, minikube or k3d needs "
    "IMAGE_LOAD=COMMAND or REGISTRY=HOST/PATH",
    "config": "an object that it mounts or reads is missing: see the event above",
    "unschedulable": "the node has too little left: PROFILE=minimal asks for less, or give the "
    "cluster another node",
    "volume": "its volume is not there: kubectl get storageclass has to show a (default) one, or "
    "name it by --set kafka.persistence.storageClass=NAME, or do without by "
    "--set kafka.persistence.enabled=false",
    "oom": "raise the memory limit of its component: --set COMPONENT.resources.limits.memory=…",
    "crash": "its log above says why it ends",
    "refused": "what refuses its pods (a quota, Pod Security, a webhook) is named above",
}

_FAILURES: Final = {"ReplicaFailure": "refused", "Failed": "crash"}
"""Conditions of a Deployment and of a Job."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod does not become ready, or a workload gets none, by itself.

    Args:
        pod: Its name; of a workload ``KIND/NAME``.
        namespace: Its namespace.
        reason: In a few words.
        fix: What to do.
        previous: Whether the log to read is that of the container before this one.
    """

    pod: str
    namespace: str
    reason: str
    fix: str
    previous: bool = False


def waiting_for(workloads: Sequence[Item]) -> list[str]:
    """Say which workloads are not as they are to be, in a few words each.

    Args:
        workloads: Deployments, StatefulSets and Jobs.
    """
    return [told for item in workloads if (told := _lacks(item))]


def _lacks(item: Item) -> str | None:
    name = item["metadata"]["labels"].get(_COMPONENT, item["metadata"]["name"])
    status = item.get("status", {})
    if item["kind"] == "Job":
        return None if status.get("succeeded", 0) else f"{name} (runs)"
    wanted = item["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= item["metadata"].get("generation", 0)
    updated = status.get("updatedReplicas", 0)
    ready = status.get("readyReplicas", 0)
    total = status.get("replicas", 0)
    if seen and ready >= wanted and (wanted == 0 or updated >= wanted) and total <= wanted:
        return None
    return f"{name} ({min(ready, wanted)}/{wanted})"


def troubles(pods: Sequence[Item]) -> Iterator[Trouble]:
    """Say of each pod that will not become ready by itself why.

    Args:
        pods: As the API gives them.
    """
    for pod in pods:
        found = _trouble(pod)
        if found is not None:
            kind, reason = found
            yield Trouble(
                pod["metadata"]["name"],
                pod["metadata"]["namespace"],
                reason,
                _FIXES[kind],
                previous=kind in {"crash", "oom"},
            )


def failures(workloads: Sequence[Item]) -> Iterator[Trouble]:
    """Say of each workload that gets no pods, or no more of them, why.

    Args:
        workloads: Deployments, StatefulSets and Jobs.
    """
    for item in workloads:
        kind, metadata = item["kind"].lower(), item["metadata"]
        for condition in item.get("status", {}).get("conditions", ()):
            fix = _FAILURES.get(condition["type"])
            if fix is not None and condition["status"] == "True":
                reason = f"{condition.get('reason')}: {condition.get('message')}"
                name = f"{kind}/{metadata['name']}"
                yield Trouble(name, metadata["namespace"], reason, _FIXES[fix])


def _trouble(pod: Item) -> tuple[str, str] | None:
    status = pod.get("status", {})
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            message = condition.get("message", "")
            kind = "volume" if "PersistentVolumeClaim" in message else "unschedulable"
            return kind, f"cannot be scheduled: {message}"
    for one in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        waiting = one.get("state", {}).get("waiting", {})
        reason = waiting.get("reason", "")
        if reason in _IMAGE:
            return "image", f"{reason}: {one.get('image', '')}"
        if reason in _CONFIG:
            return "config", f"{reason}: {waiting.get('message', '')}"
        last = one.get("lastState", {}).get("terminated") or {}
        if last.get("reason") == "OOMKilled":
            return "oom", "OOMKilled: it took more memory than its limit"
        if reason == "CrashLoopBackOff" and one.get("restartCount", 0) >= _HOPELESS_RESTARTS:
            return "crash", f"ended {one['restartCount']} times, exit code {last.get('exitCode')}"
    return None


def ready_pods(pods: Sequence[Item]) -> tuple[int, int]:
    """Count those that are ready, and all; those of Jobs and those that end are left out."""
    running = [
        pod
        for pod in pods
        if pod.get("status", {}).get("phase") not in {"Succeeded", "Failed"}
        and "deletionTimestamp" not in pod["metadata"]
    ]
    ready = sum(
        any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in pod.get("status", {}).get("conditions", ())
        )
        for pod in running
    )
    return ready, len(running)
