"""What an image is made of, as CycloneDX 1.6 tells it, from the locked requirements."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from packaging.markers import Marker

from helm.images import ROOT

_PIN: Final = re.compile(r"([a-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\\n]+))?")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_PLACE: Final = {"sys_platform": "linux", "platform_system": "Linux", "python_version": "3.11"}
"""What images run on."""


def pins(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Give name, version and hashes of each pin that an image has.

    Args:
        text: Of a requirements file with hashes.
    """
    for entry in re.split(r"\n(?=[a-z0-9])", text):
        found = _PIN.match(entry)
        if found is None:
            continue
        name, version, marker = found.groups()
        if marker is None or Marker(marker.strip()).evaluate(dict(_PLACE)):
            yield name, version, sorted(_HASH.findall(entry))


def sbom(part: str, version: str, revision: str, root: Path = ROOT) -> dict[str, Any]:
    """Give the bill of materials of an image's Python packages.

    Args:
        part: ``exporter`` or ``demo``.
        version: Of the release.
        revision: Of the repository.
        root: The repository.
    """
    text = (root / "requirements" / f"{part}.txt").read_text(encoding="utf-8")
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{release}",
            "name": name,
            "version": release,
            "purl": f"pkg:pypi/{name}@{release}",
            # One for each file that may be installed: which of them it is, the platform decides.
            "properties": [{"name": "kafkascope:sha256", "value": one} for one in hashes],
        }
        for name, release, hashes in pins(text)
    ]
    main = f"pkg:oci/kafkascope-{part}@{version}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "bom-ref": main,
                "name": f"kafkascope/{part}",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "properties": [{"name": "kafkascope:revision", "value": revision}],
            }
        },
        "components": components,
        "dependencies": [{"ref": main, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def write(part: str, version: str, revision: str, folder: Path) -> Path:
    """Write a bill of materials into a folder, and give its path."""
    file = folder / f"kafkascope-{part}-{version}.cdx.json"
    text = json.dumps(sbom(part, version, revision), indent=2)
    file.write_text(f"{text}\n", encoding="utf-8")
    return file
