"""What a chart rendered when somebody last looked at it, without what differs each time."""

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

FOLDER: Final = Path(__file__).parent / "golden"
_LONG: Final = 6000

Object = dict[str, Any]


def compare(name: str, objects: Sequence[Object], *, refresh: bool) -> None:
    """Compare objects with a golden file, or write it.

    Args:
        name: Of the file.
        objects: As they were rendered.
        refresh: Write instead of comparing.
    """
    file = FOLDER / f"{name}.yaml"
    text = yaml.safe_dump_all(map(settled, objects), sort_keys=True, width=1000)
    if refresh:
        file.write_text(text)
    assert file.exists(), f"{file.name} is not there: make golden"
    assert yaml_objects(text) == yaml_objects(file.read_text()), f"{file.name}: make golden"


def yaml_objects(text: str) -> list[Object]:
    """Give the objects in a text."""
    return [one for one in yaml.safe_load_all(text) if one]


def settled(one: Object) -> Object:
    """Give an object without passwords and certificates, and with long texts as their hash."""
    found = copy.deepcopy(one)
    if found["kind"] == "Secret":
        for part in ("data", "stringData"):
            found[part] = {key: f"a text, {key}" for key in found.get(part, {})}
    if found["kind"] == "ConfigMap":
        found["data"] = {key: _short(value) for key, value in found.get("data", {}).items()}
    if found["kind"] == "PrometheusRule":
        found["spec"] = _short(yaml.safe_dump(found["spec"]))
    return found


def _short(text: str) -> str:
    if len(text) <= _LONG:
        return text
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"
