"""A release of the demo's chart: what it consists of, and pods that run a command in it."""

import json
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import yaml

from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.kubernetes import rollout
from kafkascope_demo.kubernetes.rollout import Trouble
from kafkascope_demo.kubernetes.tools import Tools

_COMPONENT: Final = "app.kubernetes.io/component"
_WORKLOADS: Final = "deployments,statefulsets,jobs"
_EVERY_S: Final = 2.0
_STARTS_S: Final = 120.0
_TROUBLE_S: Final = 20.0
"""A pod may be without a node, or without its Secret, for a moment."""
_EVENTS: Final = 5
_LINES: Final = 15
_WIDEST: Final = 160

Tell = Callable[[str], None]


class Release:
    """A release.

    Args:
        tools: For its cluster.
        name: Its name.
        namespace: Where helm keeps it.
    """

    def __init__(self, tools: Tools, name: str, namespace: str) -> None:
        self._tools = tools
        self.name = name
        self.namespace = namespace

    @property
    def selector(self) -> str:
        """What selects its objects."""
        return f"app.kubernetes.io/instance={self.name}"

    def exists(self) -> bool:
        """Whether helm knows it."""
        return not self._tools.try_helm("status", self.name, "-n", self.namespace).code

    def namespaces(self) -> list[str]:
        """Give the namespaces of its objects, its own first.

        Raises:
            DemoError: There is no such release.
        """
        told = self._tools.try_helm("get", "manifest", self.name, "-n", self.namespace)
        if told.code:
            raise DemoError(
                f"there is no release {self.name} in namespace {self.namespace}: make demo"
            )
        documents = (one for one in yaml.safe_load_all(told.out) if one)
        named = (one["metadata"].get("namespace", self.namespace) for one in documents)
        return list(dict.fromkeys([self.namespace, *named]))

    def wait(self, tell: Tell, within_s: float) -> None:
        """Wait until every workload is as it is to be, and tell what is waited for.

        Raises:
            DemoError: One will not be, or not in time; with its pod, events, log and the fix.
        """
        namespaces = self.namespaces()
        began = time.monotonic()
        told = ""
        since: dict[str, float] = {}
        while True:
            passed = time.monotonic() - began
            workloads = [item for name in namespaces for item in self._items(_WORKLOADS, name)]
            pods = [item for name in namespaces for item in self._items("pods", name)]
            lacking = rollout.waiting_for(workloads)
            ready, total = rollout.ready_pods(pods)
            if not lacking and workloads:
                tell(f"{passed:4.0f} s  {ready}/{total} pods ready")
                return
            line = f"{ready}/{total} pods ready; waiting for {', '.join(lacking)}"
            if line != told:
                tell(f"{passed:4.0f} s  {line}")
                told = line
            found = [*rollout.failures(workloads), *rollout.troubles(pods)]
            since = {one.pod: since.get(one.pod, passed) for one in found}
            lasting = [one for one in found if passed - since[one.pod] >= _TROUBLE_S]
            if lasting:
                raise DemoError(self.explain(lasting[0]))
            if passed > within_s:
                raise DemoError(self._late(pods, lacking, within_s))
            time.sleep(_EVERY_S)

    def explain(self, trouble: Trouble) -> str:
        """Say what is wrong with a pod or a workload: events, the end of its log, what to do."""
        kind, _, name = trouble.pod.rpartition("/")
        what = f"{kind or 'pod'} {name} (namespace {trouble.namespace})"
        lines = [f"{what}: {trouble.reason}"]
        lines += [f"  event: {line}" for line in self._events(name, trouble.namespace)]
        log = ["logs", trouble.pod, "-n", trouble.namespace, f"--tail={_LINES}", "--all-containers"]
        # The pods of a Deployment that is refused new ones are those of before, and well.
        tries = [] if kind == "deployment" else [["--previous"]] * trouble.previous + [[]]
        for previous in tries:
            done = self._tools.try_kubectl(*log, *previous)
            if not done.code and done.out.strip():
                lines += [f"  log: {line}" for line in done.out.strip().splitlines()]
                break
        lines.append(f"  fix: {trouble.fix}")
        return "\n".join(lines)

    def run(self, arguments: Sequence[str], tell: Tell, show: Tell, command: str = "verify") -> int:
        """Run a command in a copy of the verifier's pod, and give its exit code.

        Args:
            arguments: After those that the chart gives: where everything is.
            tell: Told what is waited for.
            show: Told each line of the pod's log, as it comes.
            command: Of ``kafkascope-demo``.

        Raises:
            DemoError: The pod does not start, or ends without an exit code.
        """
        pod = self._verifier()
        name = f"{pod['metadata']['name'][:50]}-{secrets.token_hex(3)}"
        namespace = pod["metadata"].get("namespace", self.namespace)
        container = pod["spec"]["containers"][0]
        container["args"] = [command, *container["args"][1:], *arguments]
        columns = min(_WIDEST, max(80, shutil.get_terminal_size((_WIDEST, 24)).columns))
        container["env"] = [
            {**one, "value": str(columns)} if one["name"] == "COLUMNS" else one
            for one in container["env"]
        ]
        labels = pod["metadata"]["labels"]
        pod["metadata"] = {"name": name, "namespace": namespace, "labels": labels}
        self._tools.kubectl("create", "-f", "-", stdin=json.dumps(pod))
        try:
            self._wait_until_started(name, namespace, tell)
            self._tools.stream_kubectl(show, "logs", "--follow", name, "-n", namespace)
            return self._exit_code(name, namespace)
        except KeyboardInterrupt:
            tell(f"interrupted: pod {name} ends, and undoes what it has begun")
            raise
        finally:
            self._tools.try_kubectl(
                "delete", "pod", name, "-n", namespace, "--ignore-not-found", "--wait=false"
            )

    def apps_namespace(self) -> str:
        """Give the namespace of the services and the verifier."""
        return str(self._verifier()["metadata"].get("namespace", self.namespace))

    def services(self) -> dict[str, tuple[str, str, int]]:
        """Give namespace, name and first port of each component's Service with a web page."""
        found = {}
        for namespace in self.namespaces():
            for item in self._items("services", namespace):
                component = item["metadata"]["labels"].get(_COMPONENT, "")
                port = item["spec"]["ports"][0]
                if port["name"] in {"http", "query"}:
                    found[component] = (namespace, item["metadata"]["name"], port["port"])
        return found

    def _items(self, kinds: str, namespace: str) -> list[dict[str, Any]]:
        return self._tools.items(kinds, namespace, self.selector)

    def _verifier(self) -> dict[str, Any]:
        hooks = self._tools.helm("get", "hooks", self.name, "-n", self.namespace)
        for document in yaml.safe_load_all(hooks):
            labels = (document or {}).get("metadata", {}).get("labels", {})
            if labels.get(_COMPONENT) == "verifier":
                found: dict[str, Any] = document
                return found
        raise DemoError(f"release {self.name} has no verifier: is it of the chart kafkascope-demo?")

    def _wait_until_started(self, name: str, namespace: str, tell: Tell) -> None:
        ends_at = time.monotonic() + _STARTS_S
        tell(f"running {name}")
        while True:
            pod = json.loads(self._tools.kubectl("get", "pod", name, "-n", namespace, "-o", "json"))
            if pod["status"].get("phase") in {"Running", "Succeeded", "Failed"}:
                return
            found = [] if time.monotonic() < ends_at - _STARTS_S / 2 else [*rollout.troubles([pod])]
            if found:
                raise DemoError(self.explain(found[0]))
            if time.monotonic() >= ends_at:
                raise DemoError(self._late([pod], [name], _STARTS_S))
            time.sleep(_EVERY_S / 4)

    def _exit_code(self, name: str, namespace: str) -> int:
        ends_at = time.monotonic() + _STARTS_S
        while time.monotonic() < ends_at:
            pod = json.loads(self._tools.kubectl("get", "pod", name, "-n", namespace, "-o", "json"))
            for one in pod["status"].get("containerStatuses", ()):
                ended = one.get("state", {}).get("terminated")
                if ended is not None:
                    return int(ended["exitCode"])
            time.sleep(_EVERY_S / 4)
        raise DemoError(f"pod {name} runs on, though its log has ended: kubectl logs -f {name}")

    def _events(self, pod: str, namespace: str) -> list[str]:
        done = self._tools.try_kubectl(
            *("get", "events", "-n", namespace, "--sort-by=.lastTimestamp"),
            *("--field-selector", f"involvedObject.name={pod}", "-o", "json"),
        )
        if done.code:
            return []
        items = json.loads(done.out)["items"]
        found = [f"{item.get('reason')}: {item.get('message')}" for item in items]
        return list(dict.fromkeys(found))[-_EVENTS:]

    def _late(self, pods: Sequence[dict[str, Any]], lacking: Sequence[str], within_s: float) -> str:
        lines = [f"after {within_s:.0f} s still waiting for {', '.join(lacking)}"]
        for pod in pods:
            if rollout.ready_pods([pod]) == (0, 1):
                fix = "more time (--timeout), or see above"
                name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
                lines.append(self.explain(Trouble(name, namespace, "is not ready", fix)))
        return "\n".join(lines)
