"""`make charts-docs`: writes the table of values into each chart's README, from its values.yaml.

A comment that starts with ``# --`` describes the key below it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent
BEGIN: Final = "<!-- values: written by `make charts-docs` from values.yaml; a test compares -->\n"
END: Final = "<!-- end of values -->"
_MARK: Final = "# --"


@dataclass(frozen=True, slots=True)
class Row:
    """One value: its path with dots, its default as JSON, what it means."""

    path: str
    default: str
    meaning: str


class ReadmeError(Exception):
    """A README has no place for the table; the message says what is missing."""


def rows(text: str) -> Iterator[Row]:
    """Give the values of a ``values.yaml``.

    An object in which something is described gives a row for each of its keys; any other is one
    value.

    Args:
        text: The file's.
    """
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(document, yaml.MappingNode):
        yield from _rows(document, text.splitlines(), "")


def _rows(mapping: yaml.MappingNode, lines: list[str], prefix: str) -> Iterator[Row]:
    for key, value in mapping.value:
        path = f"{prefix}{key.value}"
        meaning = _comment(lines, key.start_mark.line)
        within = list(_within(value, lines, f"{path}."))
        if any(row.meaning for row in within):
            yield from within
        else:
            yield Row(path, json.dumps(_constructed(value), ensure_ascii=False), meaning)


def _within(value: yaml.Node, lines: list[str], prefix: str) -> Iterator[Row]:
    if isinstance(value, yaml.MappingNode) and not value.flow_style:
        yield from _rows(value, lines, prefix)


def _comment(lines: list[str], line: int) -> str:
    found: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        found.insert(0, lines[line].strip())
        if found[0].startswith(_MARK):
            return " ".join(part.lstrip("#").strip() for part in found).removeprefix("-- ")
    return ""


def _constructed(node: yaml.Node) -> Any:  # noqa: ANN401 - a value is whatever YAML has
    return yaml.safe_load(yaml.serialize(node))


def table(text: str) -> str:
    """Give a ``values.yaml`` as a table in Markdown."""
    lines = ["| value | default | meaning |", "|---|---|---|"]
    for row in rows(text):
        cells = (c.replace("|", "\\|") for c in (f"`{row.path}`", f"`{row.default}`", row.meaning))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def documented(readme: str, values: str) -> str:
    """Give a README with the table of its chart's values.

    Args:
        readme: Its text, with the marks that the table stands between.
        values: The text of ``values.yaml``.

    Raises:
        ReadmeError: There are no marks.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ReadmeError(f"no place for the table: put {BEGIN.strip()} and {END} around it")
    return f"{before}{BEGIN}\n{table(values)}\n{END}{after}"


def readmes(root: Path = ROOT) -> list[Path]:
    """Give the READMEs of all charts that have one with such a place."""
    found = [path.with_name("README.md") for path in sorted(root.glob("*/Chart.yaml"))]
    return [path for path in found if path.exists() and BEGIN in path.read_text(encoding="utf-8")]


def main() -> None:
    """Write each chart's table."""
    for readme in readmes():
        values = readme.with_name("values.yaml").read_text(encoding="utf-8")
        text = documented(readme.read_text(encoding="utf-8"), values)
        readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
