"""docs/seed.md names only files that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"\b(?:demo|tests|docs|tracing|exporter|helm|grafana)/[\w./-]*\w")


def test_every_file_that_the_table_names_exists() -> None:
    """A row whose file moved tells nobody where the box is."""
    text = (ROOT / "docs" / "seed.md").read_text(encoding="utf-8")
    named = set(NAMED.findall(text))
    assert len(named) >= 15
    assert not [name for name in sorted(named) if not (ROOT / name).exists()]


def test_every_row_names_a_file() -> None:
    """Or gives the reason for a difference."""
    text = (ROOT / "docs" / "seed.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    boxes = [row for row in rows if row[0] != "in the talk"]
    assert len(boxes) >= 16
    assert not [row for row in boxes if not NAMED.search(row[1])]
