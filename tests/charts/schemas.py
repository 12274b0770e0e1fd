"""Whether an API server would take what a chart renders: Kubernetes' schemas, and those of CRDs."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jsonschema
import kubernetes_validate
import pytest
import yaml

from tests.assets.repository import ROOT
from tests.charts.rendering import identity
from tests.skips import SHARED_ABSENT

CRDS: Final = ROOT.parent / "shared" / "crds"
KUBERNETES: Final = "1.34"
_OWN_GROUPS: Final = ("k8s.io",)


def custom(rendered: Mapping[str, Any]) -> bool:
    """Say whether an object is of a kind that Kubernetes does not have by itself."""
    group, slash, _ = rendered["apiVersion"].partition("/")
    return bool(slash) and "." in group and not group.endswith(_OWN_GROUPS)


@functools.cache
def definitions() -> dict[tuple[str, str], dict[str, Any]]:
    """Give the schemas of all CRDs in ``../shared/crds``, by API version and kind.

    Skips the test where that folder is absent.
    """
    if not CRDS.is_dir():
        pytest.skip(SHARED_ABSENT)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted(CRDS.glob("*.yaml")):
        for crd in filter(None, yaml.safe_load_all(path.read_text())):
            spec = crd["spec"]
            for version in spec["versions"]:
                of = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                found[of] = closed(version["schema"]["openAPIV3Schema"])
    return found


def closed(schema: Any) -> Any:  # noqa: ANN401 - any part of a JSON schema
    """Give a CRD's schema so that it refuses unknown names, as a strict API server does.

    ``x-kubernetes-int-or-string`` becomes a type that JSON schema knows.
    """
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string") is True:
        result["type"] = ["integer", "string"]
        result.pop("anyOf", None)
    if (
        isinstance(schema.get("properties"), dict)
        and schema.get("type") == "object"
        and "additionalProperties" not in schema
        and schema.get("x-kubernetes-preserve-unknown-fields") is not True
    ):
        result["additionalProperties"] = False
    return result


def problems(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give what an API server would refuse, with the object that it is about."""
    return [f"{identity(rendered)}: {problem}" for rendered in objects for problem in _of(rendered)]


def _of(rendered: Mapping[str, Any]) -> list[str]:
    if not custom(rendered):
        return _of_kubernetes(dict(rendered))
    of = (rendered["apiVersion"], rendered["kind"])
    schema = definitions().get(of)
    if schema is None:
        return [f"no schema of {of}"]
    # The outermost metadata is Kubernetes' own; CRDs say no more of it than that it is an object.
    schema = schema | {"properties": schema["properties"] | {"metadata": {"type": "object"}}}
    validator = jsonschema.Draft7Validator(schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(rendered)]


def _of_kubernetes(rendered: dict[str, Any]) -> list[str]:
    try:
        kubernetes_validate.validate(rendered, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{list(error.path)}: {error.message}"]
    return []
