"""Charts as Helm renders them: by `helm` where it is on PATH, else by Helm's library for Python."""

import itertools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import helm_python
import yaml

from tests.assets.repository import ROOT

EXPORTER: Final = ROOT / "helm" / "kafkascope-exporter"
DEMO: Final = ROOT / "helm" / "kafkascope-demo"
RELEASE: Final = "kafkascope"
NAMESPACE: Final = "kafkascope"
_LOCAL: Final = "file://"
_ERROR: Final = 3
_WARNING: Final = 2

Values = Mapping[str, Any]
Source = Path | Values
"""A file of values, or values."""


class RenderError(Exception):
    """Helm refused a chart with its values; the message is Helm's."""


class Helm(Protocol):
    """One way to Helm."""

    def template(self, chart: Path, values: Values, release: str, namespace: str) -> str:
        """Give what a chart renders to, as a stream of YAML documents.

        Raises:
            RenderError: Helm refuses.
        """
        ...

    def lint(self, chart: Path, values: Values) -> list[str]:
        """Give the warnings and errors of `helm lint --strict`."""
        ...


class HelmProgram:
    """`helm` on PATH.

    Args:
        path: Of the program.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def _run(self, arguments: Sequence[str], values: Values) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._path, *arguments, "--values", "-"],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            check=False,
        )

    def template(self, chart: Path, values: Values, release: str, namespace: str) -> str:
        """See ``Helm``."""
        done = self._run(["template", release, str(chart), "--namespace", namespace], values)
        if done.returncode:
            raise RenderError(done.stderr)
        return done.stdout

    def lint(self, chart: Path, values: Values) -> list[str]:
        """See ``Helm``."""
        done = self._run(["lint", "--strict", str(chart)], values)
        told = (done.stdout + done.stderr).splitlines()
        found = [line for line in told if line.startswith(("[WARNING]", "[ERROR]"))]
        return found or ([done.stderr or done.stdout] if done.returncode else [])


class HelmLibrary:
    """Helm's library for Python."""

    def template(self, chart: Path, values: Values, release: str, namespace: str) -> str:
        """See ``Helm``."""
        try:
            with helm_python.Chart.load(chart) as loaded:
                rendered = loaded.render(
                    dict(values), name=release, namespace=namespace, is_install=True
                )
        except helm_python.HelmError as error:
            raise RenderError(str(error)) from error
        objects = (text for path, text in rendered.items() if path.endswith((".yaml", ".yml")))
        return "\n---\n".join(objects)

    def lint(self, chart: Path, values: Values) -> list[str]:
        """See ``Helm``."""
        report = helm_python.lint(chart, dict(values), strict=True)
        return [
            f"{message['path']}: {message['error']}"
            for message in report["messages"]
            if message["severity"] in {_WARNING, _ERROR}
        ]


def helm() -> Helm:
    """Give the way to Helm that there is here."""
    path = shutil.which("helm")
    return HelmProgram(path) if path else HelmLibrary()


def merged(sources: Sequence[Source]) -> dict[str, Any]:
    """Give values as Helm merges them: objects by key, the last one wins."""
    result: dict[str, Any] = {}
    for source in sources:
        given = yaml.safe_load(source.read_text()) if isinstance(source, Path) else source
        result = _merge(result, given or {})
    return result


def _merge(below: Values, above: Values) -> dict[str, Any]:
    both = {
        key: _merge(below[key], value)
        for key, value in above.items()
        if isinstance(value, Mapping) and isinstance(below.get(key), Mapping)
    }
    return {**below, **above, **both}


@contextmanager
def assembled(chart: Path) -> Iterator[Path]:
    """Give a chart with the charts that it depends on, as `helm dependency build` makes it.

    Only those beside it (``file://``) are known; a chart without them is given as it is.
    """
    local = [
        (chart / dependency["repository"].removeprefix(_LOCAL)).resolve()
        for dependency in yaml.safe_load((chart / "Chart.yaml").read_text()).get("dependencies", ())
        if dependency["repository"].startswith(_LOCAL)
    ]
    if not local:
        yield chart
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / chart.name
        shutil.copytree(chart, copy, ignore=shutil.ignore_patterns("charts", "Chart.lock"))
        for dependency in local:
            shutil.copytree(dependency, copy / "charts" / dependency.name)
        yield copy


def render(
    chart: Path,
    values: Sequence[Source] = (),
    release: str = RELEASE,
    namespace: str = NAMESPACE,
    by: Helm | None = None,
) -> list[dict[str, Any]]:
    """Give the objects of a chart, hooks included, by kind, namespace and name.

    Args:
        chart: Its folder; charts that it depends on by ``file://`` are put into a copy of it.
        values: Over the chart's own, the last one wins.
        release: Its name.
        namespace: Of the release.
        by: The way to Helm; the one that there is here when None.

    Raises:
        RenderError: Helm refuses, or renders an object twice.
    """
    with assembled(chart) as whole:
        text = (by or helm()).template(whole, merged(values), release, namespace)
    objects = sorted(filter(None, yaml.safe_load_all(text)), key=identity)
    for one, other in itertools.pairwise(objects):
        if identity(one) == identity(other):
            raise RenderError(f"rendered twice: {identity(one)}")
    return objects


def lint(chart: Path, values: Sequence[Source] = (), by: Helm | None = None) -> list[str]:
    """Give what `helm lint --strict` finds wrong."""
    with assembled(chart) as whole:
        return (by or helm()).lint(whole, merged(values))


def identity(rendered: Mapping[str, Any]) -> tuple[str, str, str]:
    """Give kind, namespace and name of an object."""
    metadata = rendered["metadata"]
    return rendered["kind"], metadata.get("namespace", ""), metadata["name"]


def of_kind(objects: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Give the objects of one kind."""
    return [rendered for rendered in objects if rendered["kind"] == kind]


def the(objects: Sequence[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    """Give the only object of a kind, or that with a name."""
    found = [one for one in of_kind(objects, kind) if name in ("", one["metadata"]["name"])]
    assert len(found) == 1, f"{len(found)} of {kind} {name}: {[identity(one) for one in objects]}"
    return found[0]


def pod_specs(objects: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the specification of every pod, with the name of what it is in."""
    for rendered in objects:
        where = f"{rendered['kind']}/{rendered['metadata']['name']}"
        spec = rendered.get("spec", {})
        if rendered["kind"] == "Pod":
            yield where, spec
        elif rendered["kind"] == "CronJob":
            yield where, spec["jobTemplate"]["spec"]["template"]["spec"]
        elif rendered["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"}:
            yield where, spec["template"]["spec"]


def containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give all containers of a pod, the initial ones first."""
    return [*pod.get("initContainers", ()), *pod["containers"]]
