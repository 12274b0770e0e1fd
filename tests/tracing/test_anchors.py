"""Each thing that is known to go wrong has a test of ours, and a probe where a peer fails it."""

import ast
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.tracing.test_peers import ROWS

HERE = Path(__file__).parent
TABLE: Mapping[str, Mapping[str, Mapping[str, Any]]] = tomllib.loads(
    (HERE / "anchors.toml").read_text(encoding="utf-8")
)
KNOWN = [(name, row) for rows in TABLE.values() for name, row in rows.items()]


def functions_of(file: str) -> set[str]:
    """The names of the test functions in a file."""
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize(("name", "row"), KNOWN, ids=[name for name, _ in KNOWN])
def test_it_has_a_test_that_exists(name: str, row: Mapping[str, list[str]]) -> None:
    """And each probe that it names is one."""
    assert row["tests"], name
    for test in row["tests"]:
        file, _, function = test.partition("::")
        assert function in functions_of(file)
    assert set(row.get("probes", ())) <= {probe for probe, *_ in ROWS}


def test_every_probe_belongs_to_something_known() -> None:
    """But for instrumenting twice, which nobody has complained of yet."""
    named = {probe for _, row in KNOWN for probe in row.get("probes", ())}
    assert {probe for probe, *_ in ROWS} - named == {"instrumented_again"}


def test_all_findings_traps_and_complaints_are_there() -> None:
    """Four, seventeen, and twenty with two more."""
    assert [len(rows) for rows in TABLE.values()] == [4, 17, 22]
