"""What `make package` writes, and the workflow of a release, which was not run."""

import json
import re
import tarfile
from pathlib import Path

import pytest
import yaml

from helm.images import IMAGES
from helm.package import CHARTS, package_chart
from helm.sbom import pins, sbom, write
from tests.assets.repository import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_packed_with_what_it_depends_on(chart: str, tmp_path: Path) -> None:
    """Rules and dashboards are inside, values of our tests are not."""
    file = package_chart(chart, "1.2.3", tmp_path, "registry.example/team")
    assert file.name == f"{chart}-1.2.3.tgz"
    with tarfile.open(file) as packed:
        names = set(packed.getnames())
        inside = packed.extractfile(f"{chart}/Chart.yaml")
        assert inside is not None
        told = yaml.safe_load(inside.read())
        values = packed.extractfile(f"{chart}/values.yaml")
        assert values is not None
        image = yaml.safe_load(values.read())["image"]
    below = f"{chart}/" if chart == CHARTS[0] else f"{chart}/charts/{CHARTS[0]}/"
    assert {f"{below}files/rules.yaml", f"{below}values.schema.json"} <= names
    assert image["registry"] == "registry.example/team"
    assert (told["version"], told["appVersion"]) == ("1.2.3", "1.2.3")
    assert not [name for name in names if "/ci/" in name]


@pytest.mark.parametrize("part", IMAGES)
def test_a_bill_of_materials_has_every_pin_with_its_hashes(part: str, tmp_path: Path) -> None:
    """As CycloneDX 1.6 wants it: names that refer to each other are all there."""
    file = write(part, "1.2.3", "abc", tmp_path)
    told = json.loads(file.read_text())
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    components = told["components"]
    assert len(components) > 10
    assert all(one["properties"] and one["purl"].startswith("pkg:pypi/") for one in components)
    refs = [one["bom-ref"] for one in components]
    assert len(refs) == len(set(refs))
    assert told["dependencies"] == [
        {"ref": told["metadata"]["component"]["bom-ref"], "dependsOn": refs}
    ]
    assert "confluent-kafka" in {one["name"] for one in components}


def test_a_pin_for_another_system_is_not_in_a_linux_image() -> None:
    """Markers decide, as pip does."""
    sha = "a" * 64
    text = (
        f"a==1 \\\n    --hash=sha256:{sha}\n"
        f"b==2 ; sys_platform == 'win32' \\\n    --hash=sha256:{sha}\n"
        f"c==3 ; sys_platform != 'win32' \\\n    --hash=sha256:{sha}\n    # via\n"
    )
    assert list(pins(text)) == [("a", "1", [sha]), ("c", "3", [sha])]


def test_a_bill_of_materials_names_the_revision() -> None:
    """So that it can be traced to the source."""
    component = sbom("exporter", "1", "abc")["metadata"]["component"]
    assert component["properties"] == [{"name": "kafkascope:revision", "value": "abc"}]


def test_the_release_calls_what_the_makefile_has() -> None:
    """Its variables, too; it says of itself that it was not run."""
    text = WORKFLOW.read_text()
    makefile = (ROOT / "Makefile").read_text()
    workflow = yaml.safe_load(text)
    assert "NOT RUN YET" in text
    runs = [step["run"] for step in workflow["jobs"]["release"]["steps"] if "run" in step]
    targets = re.findall(r"\bmake ([a-z-]+)", "\n".join(runs))
    assert targets == ["lint", "test", "images", "package"]
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for name in re.findall(r"\b([A-Z]{4,})=", "\n".join(runs)):
        assert name in makefile, name


def test_actions_are_pinned_to_a_release() -> None:
    """No branch that moves."""
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["release"]["steps"]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert [name for name in used if not re.search(r"@v\d+$|@[0-9a-f]{40}$", name)] == []
