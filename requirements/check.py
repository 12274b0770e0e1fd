"""Check that every pin has a wheel for each Python and platform that we serve.

uv lists the wheels of each pin; which of them a given machine would take is decided here, without
downloading or building one. A pin without a wheel so fails at `make lock` and not at a user.
"""

import itertools
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
PLATFORMS = (
    ("linux", "x86_64"),
    ("linux", "aarch64"),
    ("darwin", "x86_64"),
    ("darwin", "arm64"),
)
GLIBC = 28  # 2.28: the oldest that distributions still in support ship
MACOS = (14, 0)


def platform_tags(system: str, machine: str) -> list[str]:
    """Give the platform tags that a machine accepts, best first."""
    if system == "darwin":
        return list(mac_platforms(MACOS, machine))
    named = ["manylinux2014", "manylinux2010", "manylinux1"]
    return [f"{m}_{machine}" for m in [*(f"manylinux_2_{n}" for n in range(GLIBC, 4, -1)), *named]]


def accepted_tags(python: tuple[int, int], system: str, machine: str) -> frozenset[Tag]:
    """Give every wheel tag that CPython ``python`` accepts on that machine."""
    platforms = platform_tags(system, machine)
    interpreter = f"cp{python[0]}{python[1]}"
    return frozenset(cpython_tags(python, platforms=platforms)) | frozenset(
        compatible_tags(python, interpreter, platforms)
    )


def environment(python: tuple[int, int], system: str, machine: str) -> dict[str, str]:
    """Give the values of the markers there."""
    version = f"{python[0]}.{python[1]}"
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": system.capitalize(),
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": system,
    }


def pins(requirements: Path) -> list[dict[str, Any]]:
    """List the pinned packages of a requirements file, each with its marker and wheels."""
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "pylock.toml"
        command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version=3.11"]
        subprocess.run([*command, str(requirements), f"--output-file={listing}"], check=True)
        packages: list[dict[str, Any]] = tomllib.loads(listing.read_text())["packages"]
    return packages


def wheel_tags(package: dict[str, Any]) -> frozenset[Tag]:
    """Give the tags of all wheels of one pinned package."""
    paths = (urlsplit(wheel["url"]).path for wheel in package.get("wheels", ()))
    names = (unquote(path.rpartition("/")[2]) for path in paths)
    return frozenset(itertools.chain.from_iterable(parse_wheel_filename(n)[3] for n in names))


def gaps(requirements: Path) -> Iterator[str]:
    """Name each pin without a wheel, with the Python and platform where it is missing."""
    packages = [(p, wheel_tags(p)) for p in pins(requirements)]
    for python, (system, machine) in itertools.product(PYTHONS, PLATFORMS):
        accepted = accepted_tags(python, system, machine)
        here = environment(python, system, machine)
        for package, tags in packages:
            wanted = "marker" not in package or Marker(package["marker"]).evaluate(here)
            if wanted and not tags & accepted:
                pin = f"{package['name']}=={package['version']}"
                place = f"Python {here['python_version']}, {system} {machine}"
                yield f"{requirements.name}: {pin} has no wheel for {place}"


def main() -> int:
    """Print each gap and a count; 1 when there is one."""
    files = sorted(Path(__file__).parent.glob("*.txt"))
    found = [gap for file in files for gap in gaps(file)]
    for gap in found:
        print(gap, file=sys.stderr)
    places = len(PYTHONS) * len(PLATFORMS)
    print(f"{len(files)} requirements files, {places} places, {len(found)} wheels missing")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
