"""A cluster that answers from memory: as kubectl and helm, and as the API server."""

import json
import shlex
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from kafkascope_demo.kubernetes.tools import Done, Tools

Object = dict[str, Any]


class FakeRunner:
    """Answers kubectl and helm by the first words of their arguments, and remembers what was run.

    Args:
        answers: What a command that begins so prints; a Done, a text, or a function of the command.
    """

    def __init__(self, answers: dict[str, Done | str | Callable[[str], str]]) -> None:
        self.answers = answers
        self.ran: list[str] = []
        self.given: list[str | None] = []

    def run(self, command: Sequence[str], stdin: str | None = None) -> Done:
        """See ``Runner``."""
        text = shlex.join(command)
        self.ran.append(text)
        self.given.append(stdin)
        for begin in sorted(self.answers, key=len, reverse=True):
            if text.startswith(begin):
                answer = self.answers[begin]
                if callable(answer):
                    answer = answer(text)
                return answer if isinstance(answer, Done) else Done(0, answer, "")
        return Done(1, "", f"nothing answers {text}")

    def stream(self, command: Sequence[str], tell: Callable[[str], None]) -> int:
        """See ``Runner``."""
        done = self.run(command)
        for line in done.out.splitlines():
            tell(line)
        return done.code

    def tools(self) -> Tools:
        """Give kubectl and helm that answer so."""
        return Tools(self)


def items(*objects: Object) -> str:
    """What kubectl prints of objects."""
    return json.dumps({"items": objects})


def documents(*objects: Object) -> str:
    """What helm prints of objects."""
    return yaml.safe_dump_all(objects)


def workload(component: str, kind: str = "Deployment", **status: int) -> Object:
    """A Deployment or StatefulSet of two pods; ``status`` over one that is as it is to be."""
    whole = {"observedGeneration": 3, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 2}
    return {
        "kind": kind,
        "metadata": {
            "name": f"kafkascope-{component}",
            "namespace": "kafkascope",
            "generation": 3,
            "labels": {"app.kubernetes.io/component": component},
        },
        "spec": {"replicas": 2},
        "status": whole | status,
    }


def pod(name: str, *, ready: bool = True, phase: str = "Running", **container: Any) -> Object:  # noqa: ANN401 - parts of a container's status
    """A pod with one container."""
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "kafkascope",
            "labels": {"app.kubernetes.io/component": name.split("-")[1]},
        },
        "status": {
            "phase": phase,
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{"image": "kafkascope/demo:1", "restartCount": 0} | container],
        },
    }


class FakeApi:
    """An API server that holds workloads and their pods: it starts and stops them at once.

    Args:
        workloads: From ``workload``; their labels name a release ``kafkascope``.
    """

    def __init__(self, *workloads: Object) -> None:
        self.workloads = {self._path(one): one for one in workloads}
        self.deleted: list[tuple[str, int]] = []

    def _path(self, one: Object) -> str:
        kinds = {"Deployment": "deployments", "StatefulSet": "statefulsets"}
        namespace, name = one["metadata"]["namespace"], one["metadata"]["name"]
        return f"/apis/apps/v1/namespaces/{namespace}/{kinds[one['kind']]}/{name}"

    def get(self, path: str, **query: str) -> Object:
        """See ``Asked``."""
        assert "app.kubernetes.io/instance=kafkascope" in query["labelSelector"]
        if path.startswith("/api/v1/"):
            component = query["labelSelector"].rpartition("=")[2]
            return {"items": self._pods(component)}
        return {
            "items": [one for where, one in self.workloads.items() if where.startswith(f"{path}/")]
        }

    def _pods(self, component: str) -> list[Object]:
        (found,) = (
            one
            for one in self.workloads.values()
            if one["metadata"]["labels"]["app.kubernetes.io/component"] == component
        )
        name = found["metadata"]["name"]
        return [
            {"metadata": {"name": f"{name}-{number}"}}
            for number in range(1, found["spec"]["replicas"] + 1)
        ]

    def patch(self, path: str, body: Object) -> Object:
        """See ``Asked``."""
        found = self.workloads[path]
        notes = found["metadata"].setdefault("annotations", {})
        for name, value in body["metadata"]["annotations"].items():
            notes.pop(name, None)
            if value is not None:
                notes[name] = value
        found["spec"] |= body["spec"]
        found["status"]["readyReplicas"] = body["spec"]["replicas"]
        return found

    def delete(self, path: str, *, grace_s: int) -> None:
        """See ``Asked``."""
        self.deleted.append((path.rpartition("/")[2], grace_s))
