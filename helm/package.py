"""`make package`: charts, digests of the images that were built, bills of materials."""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import helm_python

from helm import sbom
from helm.images import IMAGES, ROOT, revision

_OF_OUR_IMAGE: Final = re.compile(r'(?ms)(^image:\n(?:  .*?\n)*?  registry: )""')
CHARTS: Final = ("kafkascope-exporter", "kafkascope-demo")
_DIGEST: Final = (
    # Of what was pushed, for all its architectures; else the id of what is here.
    ("docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}"),
    ("docker", "image", "inspect", "--format", "{{.Id}}"),
    ("podman", "image", "inspect", "--format", "{{.Digest}}"),
    ("buildah", "inspect", "--type=image", "--format", "{{.FromImageDigest}}"),
)


def package_chart(name: str, version: str, folder: Path, registry: str = "") -> Path:
    """Pack a chart with those that it depends on, and give the file.

    Args:
        name: Of the chart.
        version: Of the release.
        folder: Where the file goes.
        registry: Where our images are; what the chart names by default.
    """
    with tempfile.TemporaryDirectory() as scratch:
        unwanted = shutil.ignore_patterns("charts", "Chart.lock")
        for chart in CHARTS:
            shutil.copytree(ROOT / "helm" / chart, Path(scratch) / chart, ignore=unwanted)
            values = Path(scratch) / chart / "values.yaml"
            ours = _OF_OUR_IMAGE.sub(
                rf'\g<1>"{registry}"', values.read_text(encoding="utf-8"), count=1
            )
            values.write_text(ours, encoding="utf-8")
        chart_folder = Path(scratch) / name
        helm_python.dependency_update(chart_folder, skip_refresh=True)
        return Path(
            helm_python.package(
                chart_folder, destination=folder, version=version, app_version=version
            )
        )


def digest(name: str) -> str | None:
    """Give what an engine says of an image; None where none here has it."""
    for command in _DIGEST:
        if shutil.which(command[0]):
            done = subprocess.run([*command, name], check=False, capture_output=True, text=True)
            if done.returncode == 0 and done.stdout.strip():
                return done.stdout.strip()
    return None


def main() -> int:
    """Write everything, a line for each file; return the exit code."""
    parser = argparse.ArgumentParser(prog="make package", description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--registry", default="", help="what the images' names begin with")
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for chart in CHARTS:
        packed = package_chart(chart, arguments.version, arguments.output, arguments.registry)
        sys.stdout.write(f"{packed}\n")
    for part in IMAGES:
        written = sbom.write(part, arguments.version, revision(), arguments.output)
        sys.stdout.write(f"{written}\n")
    prefix = f"{arguments.registry.rstrip('/')}/" if arguments.registry else ""
    names = [f"{prefix}kafkascope/{part}:{arguments.version}" for part in IMAGES]
    known = {name: digest(name) for name in names}
    lines = [f"{name} {told}" for name, told in known.items() if told]
    if lines:
        file = arguments.output / "image-digests.txt"
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        sys.stdout.write(f"{file}\n")
    for name, told in known.items():
        if told is None:
            sys.stderr.write(f"make package: no digest of {name}: no engine here has it\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
