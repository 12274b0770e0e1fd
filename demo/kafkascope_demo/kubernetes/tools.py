"""kubectl and helm, run as programs: whatever they are set to talk to, we talk to."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kafkascope_demo.demoerror import DemoError

_OLDEST_HELM: Final = (3, 14)
_SHOWN: Final = 2000

NO_CLUSTER: Final = """\
no Kubernetes cluster answers{why}.
  A cluster on this machine, with Docker:   kind create cluster --wait 60s && make demo
  The demo without Kubernetes and Docker:   make run"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a program printed, and its exit code."""

    code: int
    out: str
    err: str


class Runner(Protocol):
    """Runs a program."""

    def run(self, command: Sequence[str], stdin: str | None = None) -> Done:
        """Run it, and give what it printed."""

    def stream(self, command: Sequence[str], tell: Callable[[str], None]) -> int:
        """Run it, tell each line that it prints as it comes, and give its exit code."""


class Programs:
    """Runs programs of this machine; see ``Runner``."""

    def run(self, command: Sequence[str], stdin: str | None = None) -> Done:
        """Run a program, and give what it printed."""
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        except OSError as error:
            raise DemoError(f"{command[0]}: {error.strerror}") from error
        return Done(done.returncode, done.stdout, done.stderr)

    def stream(self, command: Sequence[str], tell: Callable[[str], None]) -> int:
        """Run a program, tell each line that it prints, and give its exit code."""
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        except OSError as error:
            raise DemoError(f"{command[0]}: {error.strerror}") from error
        with process:
            for line in process.stdout or ():
                tell(line.rstrip("\n"))
        return process.returncode


class Tools:
    """kubectl and helm for one cluster.

    Args:
        runner: Runs them.
        kubectl: Name or path.
        helm: Name or path.
    """

    def __init__(self, runner: Runner, kubectl: str = "kubectl", helm: str = "helm") -> None:
        self.runner = runner
        self._kubectl = kubectl
        self._helm = helm

    @classmethod
    def found(cls, environ: Mapping[str, str] = os.environ) -> "Tools":
        """Give those that ``KUBECTL`` and ``HELM`` name, or those on PATH.

        Raises:
            DemoError: One is missing, or too old.
        """
        names = {name: environ.get(name.upper(), name) for name in ("kubectl", "helm")}
        for name, program in names.items():
            if shutil.which(program) is None:
                raise DemoError(
                    f"{program} is not on PATH: install {name}, or name it by {name.upper()}=PATH; "
                    "without Kubernetes: make run"
                )
        tools = cls(Programs(), names["kubectl"], names["helm"])
        tools.check_helm()
        return tools

    def check_helm(self) -> None:
        """Refuse a helm that is too old.

        Raises:
            DemoError: It is.
        """
        told = self.helm("version", "--template", "{{.Version}}")
        numbers = told.strip().lstrip("v").split(".")[:2]
        if not all(number.isdecimal() for number in numbers) or len(numbers) != len(_OLDEST_HELM):
            raise DemoError(f"helm version says {told.strip()!r}: is this helm?")
        if tuple(map(int, numbers)) < _OLDEST_HELM:
            oldest = ".".join(map(str, _OLDEST_HELM))
            raise DemoError(f"helm {told.strip()} is too old: install {oldest} or newer")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl, and give what it printed.

        Raises:
            DemoError: It failed; with what it said.
        """
        return self._checked([self._kubectl, *arguments], stdin)

    def helm(self, *arguments: str) -> str:
        """Run helm, and give what it printed.

        Raises:
            DemoError: It failed; with what it said.
        """
        return self._checked([self._helm, *arguments], None)

    def try_kubectl(self, *arguments: str) -> Done:
        """Run kubectl, and give what came of it."""
        return self.runner.run([self._kubectl, *arguments])

    def try_helm(self, *arguments: str) -> Done:
        """Run helm, and give what came of it."""
        return self.runner.run([self._helm, *arguments])

    def stream_kubectl(self, tell: Callable[[str], None], *arguments: str) -> int:
        """Run kubectl, tell each line that it prints, and give its exit code."""
        return self.runner.stream([self._kubectl, *arguments], tell)

    def items(self, kinds: str, namespace: str, selector: str) -> list[dict[str, Any]]:
        """Give objects.

        Raises:
            DemoError: kubectl failed.
        """
        told = self.kubectl("get", kinds, "-n", namespace, "-l", selector, "-o", "json")
        found: list[dict[str, Any]] = json.loads(told)["items"]
        return found

    def cluster(self) -> tuple[str, str]:
        """Give the name of the context and the address of its API server.

        Raises:
            DemoError: There is none, or it does not answer.
        """
        context = self.try_kubectl("config", "current-context")
        if context.code:
            raise DemoError(NO_CLUSTER.format(why=": kubectl has no context"))
        ready = self.try_kubectl("get", "--raw", "/readyz", "--request-timeout=10s")
        if ready.code:
            lines = ready.err.strip().splitlines()
            raise DemoError(NO_CLUSTER.format(why=f": {lines[-1]}" if lines else ""))
        where = "jsonpath={.clusters[0].cluster.server}"
        server = self.kubectl("config", "view", "--minify", "-o", where)
        return context.out.strip(), server.strip()

    def _checked(self, command: Sequence[str], stdin: str | None) -> str:
        done = self.runner.run(command, stdin)
        if done.code:
            said = (done.err or done.out).strip()[-_SHOWN:]
            what = " ".join(command[:3])
            raise DemoError(f"{what} … failed: {said or f'exit code {done.code}'}")
        return done.out
