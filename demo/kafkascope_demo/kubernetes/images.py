"""Brings images to where a cluster finds them."""

import shlex
import shutil
from collections.abc import Mapping, Sequence
from typing import Final

from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.kubernetes.tools import Runner

_KIND: Final = "kind-"
_K3D: Final = "k3d-"
_MINIKUBE: Final = "minikube"
_ENGINES: Final = ("docker", "podman", "buildah")
"""In the order in which `make images` looks for them."""


def load_command(image: str, context: str, environ: Mapping[str, str]) -> list[str] | None:
    """Give the command that brings an image to a cluster; None when it is there already.

    Args:
        image: Its name, with its tag.
        context: Of kubectl.
        environ: With ``IMAGE_LOAD`` (a command that takes the name), ``IMAGE_BUILD`` (one that
            builds it where the cluster finds it), ``REGISTRY`` (which it is pushed to), ``PATH``.

    Raises:
        DemoError: Nothing is known about this cluster.
    """
    if custom := environ.get("IMAGE_LOAD"):
        return [*shlex.split(custom), image]
    if environ.get("IMAGE_BUILD"):
        return None
    if environ.get("REGISTRY"):
        return [_engine(environ), "push", image]
    if context.startswith(_KIND):
        return ["kind", "load", "docker-image", image, "--name", context.removeprefix(_KIND)]
    if context.startswith(_K3D):
        return ["k3d", "image", "import", image, "--cluster", context.removeprefix(_K3D)]
    if context == _MINIKUBE or context.startswith(f"{_MINIKUBE}-"):
        return ["minikube", "image", "load", image, "--profile", context]
    raise DemoError(
        f"context {context} is not kind, minikube or k3d: say how images get there by "
        "IMAGE_LOAD=COMMAND (it is called with an image's name) or REGISTRY=HOST/PATH (they are "
        "pushed there), or that they are there already by IMAGES=0"
    )


def _engine(environ: Mapping[str, str]) -> str:
    path = environ.get("PATH", "")
    return next((one for one in _ENGINES if shutil.which(one, path=path)), _ENGINES[0])


def load(
    runner: Runner, images: Sequence[str], context: str, environ: Mapping[str, str]
) -> list[str]:
    """Bring images to a cluster, and say what was done, a line each.

    Raises:
        DemoError: One does not get there.
    """
    told = []
    for image in images:
        command = load_command(image, context, environ)
        if command is None:
            told.append(f"{image}: where IMAGE_BUILD put it")
            continue
        done = runner.run(command)
        if done.code:
            raise DemoError(f"{shlex.join(command)} failed: {(done.err or done.out).strip()}")
        told.append(f"{image}: {shlex.join(command)}")
    return told
