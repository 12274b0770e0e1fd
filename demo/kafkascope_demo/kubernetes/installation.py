"""Installs the demo's chart, and waits until it works."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.kubernetes import images
from kafkascope_demo.kubernetes.release import Release
from kafkascope_demo.kubernetes.removal import CREATED_BY, MAKE_DEMO
from kafkascope_demo.kubernetes.tools import Tools

CHART: Final = Path(__file__).parents[3] / "helm" / "kafkascope-demo"
PROFILES: Final = ("minimal", "default", "secure", "seed")
_BUILT: Final = CHART.parents[1] / "build" / "images"
"""Where `make images` leaves a hash of what each image is made of."""
_ENFORCE: Final = "pod-security.kubernetes.io/enforce"

Tell = Callable[[str], None]
Profile = Literal["minimal", "default", "secure", "seed"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be installed.

    Args:
        profile: Which of the chart's value files.
        values: More of them.
        settings: ``name=value``, as helm's ``--set`` takes them.
        images: Names of the images that were built, to be brought to the cluster.
        timeout_s: Seconds until it has to work.
        built: Folder with a hash of what each image is made of.
    """

    profile: Profile
    values: Sequence[Path]
    settings: Sequence[str]
    images: Sequence[str]
    timeout_s: float
    built: Path = _BUILT

    def helm_arguments(self) -> list[str]:
        """Give what helm is told of it."""
        files = [CHART / "profiles" / f"{self.profile}.yaml", *self.values]
        settings = [*self.settings, *(one for name in self.images for one in _image(name))]
        built = [f"--set-string={one}" for name in self.images for one in _built(name, self.built)]
        return [f"--values={file}" for file in files] + [f"--set={one}" for one in settings] + built


def _image(name: str) -> list[str]:
    """Give the settings that name an image: ``REGISTRY/kafkascope/demo:TAG``."""
    path, _, tag = name.rpartition(":")
    registry, _, part = path.rpartition("kafkascope/")
    prefix = "exporter.image" if part == "exporter" else "image"
    return [f"{prefix}.registry={registry.rstrip('/')}", f"{prefix}.tag={tag}"]


def _built(name: str, folder: Path) -> list[str]:
    """Give the setting that rolls the pods of an image that was built anew under the same name."""
    part = "exporter" if name.rpartition(":")[0].endswith("kafkascope/exporter") else "demo"
    file = folder / f"{part}.sha256"
    if not file.exists():
        return []
    prefix = "exporter." if part == "exporter" else ""
    content = file.read_text(encoding="utf-8").strip()[:16]
    return [f"{prefix}podAnnotations.kafkascope\\.io/built={content}"]


def install(
    tools: Tools, release: Release, wanted: Wanted, environ: Mapping[str, str], tell: Tell
) -> None:
    """Install or upgrade the demo, and wait until all of it is ready.

    Args:
        tools: For the cluster.
        release: Its name and namespace.
        wanted: What is to be installed.
        environ: See ``images.load_command``.
        tell: Told each step.

    Raises:
        DemoError: It does not work; with the pod, the event and the fix.
    """
    if not CHART.is_dir():
        raise DemoError(f"{CHART} is not there: run this in a clone of the repository")
    context, _ = tools.cluster()
    for line in images.load(tools.runner, wanted.images, context, environ):
        tell(f"image {line}")
    create_namespace(tools, release.namespace, tell)
    tell("packing the charts")
    tools.helm("dependency", "update", str(CHART), "--skip-refresh")
    tell(f"installing {release.name} ({wanted.profile}) into namespace {release.namespace}")
    tools.helm(
        *("upgrade", "--install", release.name, str(CHART), "-n", release.namespace),
        *wanted.helm_arguments(),
    )
    release.wait(tell, wanted.timeout_s)


def create_namespace(tools: Tools, name: str, tell: Tell) -> None:
    """Make a namespace that takes restricted pods only; one that is there is left as it is.

    Raises:
        DemoError: kubectl failed.
    """
    if not tools.try_kubectl("get", "namespace", name).code:
        return
    tell(f"making namespace {name}, with Pod Security restricted")
    labels = {CREATED_BY: MAKE_DEMO, _ENFORCE: "restricted"}
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }
    tools.kubectl("create", "-f", "-", stdin=json.dumps(body))


def confirm(what: str, *, yes: bool) -> None:
    """Ask whether to go on, unless that is said already.

    Raises:
        DemoError: No, or nobody is there to be asked.
    """
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()
    if yes:
        return
    if not sys.stdin.isatty():
        raise DemoError("nobody is here to be asked: YES=1 (or --yes) goes on")
    if input("Go on? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise DemoError("nothing was changed")
