"""`make images`: builds the images that the charts name, with whatever builds images here.

Each is built from a copy of what `.dockerignore` lets in, so that nothing else of a working tree
gets into it, and so that a command that takes just a name and a folder can build it, too.
"""

import argparse
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
IMAGES: Final[Mapping[str, str]] = {
    "exporter": "exporter/Dockerfile",
    "demo": "demo/Dockerfile",
}
_ENGINES: Final = ("docker", "podman", "buildah")
_WHEELS: Final = Path("requirements") / "wheels"
_PYTHON: Final = "3.11"
_GLIBC: Final = 36
"""Of the default base image, Debian 12: 2.36."""
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.egg-info", "wheels")

NO_ENGINE: Final = """\
no docker, podman or buildah here. Install one of them, or name what builds images:
  make images IMAGE_BUILD='COMMAND'
It is called with an image's name and a folder that has a Dockerfile."""


class ImageError(Exception):
    """An image was not built; the message says why."""


def allowed(root: Path = ROOT) -> list[str]:
    """Give the paths that images are made of: those that ``.dockerignore`` lets in."""
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def assemble(
    part: str, folder: Path, arguments: Mapping[str, str] | None = None, root: Path = ROOT
) -> str:
    """Make a folder that an image is built from: its parts, with its Dockerfile at the top.

    Args:
        part: Key of ``IMAGES``.
        folder: Made anew.
        arguments: Build arguments, written into the Dockerfile as its defaults: a command that
            takes just a name and a folder has them, too.
        root: The repository.

    Returns:
        A hash of what the image is made of, whatever the arguments.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in allowed(root):
        source, target = root / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=_LEFT_OUT)
        else:
            shutil.copyfile(source, target)
    dockerfile = (root / IMAGES[part]).read_text(encoding="utf-8")
    found = hashlib.sha256(dockerfile.encode())
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes())
    for name, value in (arguments or {}).items():
        dockerfile = re.sub(rf"(?m)^ARG {name}=.*$", f"ARG {name}={value}", dockerfile)
    (folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    return found.hexdigest()


def build_command(
    name: str, folder: Path, arguments: Mapping[str, str], *, custom: str, platform: str, push: bool
) -> list[str]:
    """Give the command that builds an image.

    Args:
        name: The image's, with its tag.
        folder: From ``assemble``.
        arguments: Build arguments.
        custom: A command of the user's that takes name and folder; empty for what is on PATH.
        platform: ``linux/amd64,linux/arm64``; empty for this machine's.
        push: Whether the registry in the name gets it.

    Raises:
        ImageError: There is nothing to build with, or it cannot do that.
    """
    if custom:
        if platform or push:
            raise ImageError("IMAGE_BUILD takes a name and a folder: no PLATFORM, no PUSH")
        return [*shlex.split(custom), name, str(folder)]
    engine = next((engine for engine in _ENGINES if shutil.which(engine)), None)
    if engine is None:
        raise ImageError(NO_ENGINE)
    if (platform or push) and engine != "docker":
        raise ImageError(f"PLATFORM and PUSH need docker with buildx; here is {engine}")
    verb = ["buildx", "build"] if platform or push else ["build"]
    options = [word for pair in arguments.items() for word in ("--build-arg", "=".join(pair))]
    if platform:
        options.append(f"--platform={platform}")
    if push:
        options.append("--push")
    return [engine, *verb, *options, "--tag", name, str(folder)]


def wheels_command(part: str, folder: Path) -> list[str]:
    """Give the command that fetches an image's wheels into its folder, hashes checked."""
    tags = [f"--platform=manylinux_2_{minor}_{_machine()}" for minor in range(_GLIBC, 4, -1)]
    files = [f"--requirement={folder}/requirements/{name}.txt" for name in ("build", part)]
    return [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps"),
        *("--only-binary=:all:", f"--python-version={_PYTHON}", "--implementation=cp"),
        *(*tags, f"--platform=manylinux2014_{_machine()}", f"--dest={folder / _WHEELS}", *files),
    ]


def _machine() -> str:
    return {"arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)


def build(options: argparse.Namespace, environ: Mapping[str, str]) -> Iterator[str]:
    """Build each image, and give its name when it is built.

    Raises:
        ImageError: One is not built.
    """
    arguments = {"VERSION": options.tag, "REVISION": revision()}
    if base := environ.get("PYTHON_IMAGE"):
        arguments["PYTHON_IMAGE"] = base
    for part in options.only or IMAGES:
        folder = ROOT / "build" / "images" / part
        content = assemble(part, folder, arguments)
        folder.with_suffix(".sha256").write_text(f"{content}\n", encoding="utf-8")
        if options.wheels:
            _run(f"fetching the wheels of {part}", wheels_command(part, folder))
        name = f"{options.registry.rstrip('/')}/" if options.registry else ""
        name = f"{name}kafkascope/{part}:{options.tag}"
        command = build_command(
            name,
            folder,
            arguments,
            custom=environ.get("IMAGE_BUILD", ""),
            platform=environ.get("PLATFORM", ""),
            push=environ.get("PUSH", "") == "1",
        )
        _run(f"building {name}", command)
        yield name


def _run(what: str, command: Sequence[str]) -> None:
    began = time.monotonic()
    sys.stderr.write(f"{what}\n")
    try:
        done = subprocess.run(command, check=False, stdout=sys.stderr)
    except OSError as error:
        raise ImageError(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise ImageError(f"{what} failed (exit code {done.returncode}): {shlex.join(command)}")
    sys.stderr.write(f"{what}: {time.monotonic() - began:.0f} s\n")


def revision() -> str:
    """Give the commit that is checked out; ``unknown`` outside a clone."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def main() -> int:
    """Build the images; print the name of each, a line each; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="make images",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tag", required=True)
    parser.add_argument("--registry", default="", help="what the names begin with")
    parser.add_argument(
        "--wheels",
        action="store_true",
        help="fetch wheels here, so that the build needs no network",
    )
    parser.add_argument("--only", action="append", choices=IMAGES)
    try:
        for name in build(parser.parse_args(), os.environ):
            sys.stdout.write(f"{name}\n")
    except ImageError as error:
        sys.stderr.write(f"make images: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
