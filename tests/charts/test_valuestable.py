"""The charts' READMEs: their tables are made from the values, and every value is described."""

import json
from pathlib import Path
from typing import Any

import pytest

from helm.valuestable import ReadmeError, Row, documented, readmes, rows
from tests.charts.rendering import EXPORTER

VALUES = """\
# A title.
image:
  # -- Where to pull | it from,
  # such as registry.example
  registry: ""
  tag: 1
# -- Of the pod
resources:
  limits: {memory: 1Gi}
# not a description
list:
  - a
"""


def test_a_value_is_described_by_the_comment_above_it() -> None:
    """An object is one value unless something in it is described."""
    assert list(rows(VALUES)) == [
        Row("image.registry", '""', "Where to pull | it from, such as registry.example"),
        Row("image.tag", "1", ""),
        Row("resources", '{"limits": {"memory": "1Gi"}}', "Of the pod"),
        Row("list", '["a"]', ""),
    ]


def test_a_readme_without_a_place_for_the_table_is_told_of() -> None:
    """By the marks that it needs."""
    with pytest.raises(ReadmeError, match="no place for the table"):
        documented("# A chart", VALUES)


@pytest.mark.parametrize("readme", readmes(), ids=lambda path: path.parent.name)
def test_the_table_is_that_of_the_values(readme: Path) -> None:
    """`make charts-docs` has been run since a value was changed."""
    text = readme.read_text()
    assert documented(text, readme.with_name("values.yaml").read_text()) == text


def test_every_value_of_the_exporters_chart_is_described() -> None:
    """In its values, its README and its schema by the same words."""
    schema = json.loads((EXPORTER / "values.schema.json").read_text())
    described = list(rows((EXPORTER / "values.yaml").read_text()))
    assert EXPORTER / "README.md" in readmes()
    assert [row.path for row in described if not row.meaning] == []
    for row in described:
        part: dict[str, Any] = schema
        for key in row.path.split("."):
            part = part["properties"][key]
        assert part["description"] == row.meaning, row.path
