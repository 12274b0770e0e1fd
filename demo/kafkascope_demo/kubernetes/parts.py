"""The parts of a demo in Kubernetes, stopped and started by the number of their pods."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, Self

from kafkascope_demo.addresses import Addresses
from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.kubernetes.api import Api

REPLICAS: Final = "kafkascope.io/replicas"
"""How many pods a stopped part had: a scenario that was killed can be undone by it."""
_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_READY_S: Final = 180.0
_GONE_S: Final = 90.0
_EVERY_S: Final = 0.5
_BACKENDS: Final = ("jaeger", "openobserve")
_COMPONENT: Final = "app.kubernetes.io/component"


class Asked(Protocol):
    """What is asked of an API server; see ``api.Api``."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Give an object, or a list."""

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Merge into an object."""

    def delete(self, path: str, *, grace_s: int) -> None:
        """Delete an object."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What runs a part's pods.

    Args:
        path: Of the object, in the API.
        component: Of the demo.
        namespace: Where it is.
        replicas: How many pods it is to have.
        ready: How many of them are ready.
        before: How many it had before it was stopped; None when it was not.
    """

    path: str
    component: str
    namespace: str
    replicas: int
    ready: int
    before: int | None


class KubernetesParts:
    """The parts of a release; see ``addresses.Parts``.

    Args:
        api: The API server.
        release: Name of the release.
        namespaces: Where its parts are.
        addresses: Gives where they can be reached, now.
    """

    def __init__(
        self,
        api: Asked,
        release: str,
        namespaces: Sequence[str],
        addresses: Callable[[], Addresses],
    ) -> None:
        self._api = api
        self._release = release
        self._namespaces = tuple(namespaces)
        self._addresses = addresses

    @classmethod
    def in_pod(
        cls, release: str, namespaces: Sequence[str], addresses: Callable[[], Addresses]
    ) -> Self:
        """Give the parts as a pod of the release sees them.

        Raises:
            DemoError: This is no pod, or one without an account's token.
        """
        api = Api.of_pod()
        own = namespaces or [_NAMESPACE.read_text(encoding="utf-8").strip()]
        return cls(api, release, own, addresses)

    def addresses(self) -> Addresses:
        """Give where the parts are."""
        return self._addresses()

    def names(self) -> tuple[str, ...]:
        """Give the names of all parts."""
        return tuple(name for workload in self._workloads() for name in _names(workload))

    def stop(self, part: str) -> None:
        """Stop a part in order; it stays stopped until ``start``.

        Raises:
            DemoError: There is no such part, or it does not stop.
        """
        workload = self._workload(part)
        left = workload.replicas - 1 if _is_broker(part) else 0
        if _is_broker(part) and part != _names(workload)[-1]:
            raise DemoError(f"{part}: only the last broker of a StatefulSet can be stopped alone")
        before = workload.before if workload.before is not None else workload.replicas
        self._scale(workload, left, str(before))
        self._wait(lambda: self._pods(workload) <= left, _GONE_S, f"{part} does not stop")

    def start(self, part: str) -> None:
        """Start a stopped part, and wait until it is ready.

        Raises:
            DemoError: There is no such part, or it does not start.
        """
        workload = self._workload(part)
        wanted = workload.before if workload.before is not None else max(1, workload.replicas)
        self._scale(workload, wanted, None)

        def is_ready() -> bool:
            now = self._workload(part)
            return now.ready >= wanted

        self._wait(is_ready, _READY_S, f"{part} is not ready")

    def kill(self, part: str) -> None:
        """End a part's pods at once; their workload starts others.

        Raises:
            DemoError: There is no such part.
        """
        workload = self._workload(part)
        for pod in self._api.get(self._pods_path(workload), **self._selector(workload))["items"]:
            name = pod["metadata"]["name"]
            if not _is_broker(part) or name.endswith(part.removeprefix("broker")):
                self._api.delete(f"{self._pods_path(workload)}/{name}", grace_s=0)

    def _scale(self, workload: Workload, replicas: int, before: str | None) -> None:
        body = {
            "metadata": {"annotations": {REPLICAS: before}},
            "spec": {"replicas": replicas},
        }
        self._api.patch(workload.path, body)

    def _workload(self, part: str) -> Workload:
        component = "kafka" if _is_broker(part) else part
        for workload in self._workloads():
            aliases = {workload.component, *_names(workload)}
            if component in aliases:
                return workload
        raise DemoError(f"there is no part {part}; parts: {', '.join(self.names())}")

    def _workloads(self) -> Iterator[Workload]:
        label = {"labelSelector": f"app.kubernetes.io/instance={self._release}"}
        for namespace in self._namespaces:
            for kind in ("statefulsets", "deployments"):
                path = f"/apis/apps/v1/namespaces/{namespace}/{kind}"
                for item in self._api.get(path, **label)["items"]:
                    yield _read(item, f"{path}/{item['metadata']['name']}")

    def _pods(self, workload: Workload) -> int:
        found = self._api.get(self._pods_path(workload), **self._selector(workload))
        return len(found["items"])

    def _pods_path(self, workload: Workload) -> str:
        return f"/api/v1/namespaces/{workload.namespace}/pods"

    def _selector(self, workload: Workload) -> dict[str, str]:
        labels = f"app.kubernetes.io/instance={self._release},{_COMPONENT}={workload.component}"
        return {"labelSelector": labels}

    def _wait(self, condition: Callable[[], bool], within_s: float, told: str) -> None:
        ends_at = time.monotonic() + within_s
        while not condition():
            if time.monotonic() >= ends_at:
                raise DemoError(f"{told} within {within_s:.0f} s: kubectl describe its pods")
            time.sleep(_EVERY_S)


def _read(item: dict[str, Any], path: str) -> Workload:
    before = item["metadata"].get("annotations", {}).get(REPLICAS)
    return Workload(
        path=path,
        component=item["metadata"]["labels"][_COMPONENT],
        namespace=item["metadata"]["namespace"],
        replicas=item["spec"]["replicas"],
        ready=item.get("status", {}).get("readyReplicas", 0),
        before=None if before is None else int(before),
    )


def _names(workload: Workload) -> tuple[str, ...]:
    if workload.component == "kafka":
        count = workload.before if workload.before is not None else workload.replicas
        return tuple(f"broker-{number}" for number in range(1, count + 1))
    if workload.component in _BACKENDS:
        return ("otlp-receiver",)
    return (workload.component,)


def _is_broker(part: str) -> bool:
    return part.startswith("broker-")
