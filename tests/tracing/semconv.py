"""The table of the semantic conventions' attributes, and what a span or metric has against it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

Level: TypeAlias = Literal["required", "conditional", "recommended", "opt-in"]
Only: TypeAlias = Literal["", "failure", "batch", "single", "true"]

TABLE_FILE: Final = Path(__file__).with_name("semconv-1.44.0.toml")

_TYPES: Final[dict[str, type]] = {"str": str, "int": int, "bool": bool}


@dataclass(frozen=True, slots=True)
class TableAttribute:
    """One attribute of spans or of metrics.

    Attributes:
        name: Its name.
        type: Of its value: ``str``, ``int`` or ``bool``.
        source: Where the conventions require it.
        levels: By span operation or metric name; what is not in it must not have the attribute.
        only: When alone it may be there; empty for no condition.
        sampler: Whether it is to be given when the span starts.
    """

    name: str
    type: str
    source: str
    levels: Mapping[str, Level]
    only: Only = ""
    sampler: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The table in ``semconv-1.44.0.toml``.

    Attributes:
        version: Of the conventions.
        kinds: The span kinds that each operation may have.
        types: ``messaging.operation.type`` of each operation.
        units: The unit of each metric.
        spans: The attributes of spans.
        metrics: The attributes of metrics.
        old: Old names and what took their place.
    """

    version: str
    kinds: Mapping[str, frozenset[str]]
    types: Mapping[str, str]
    units: Mapping[str, str]
    spans: tuple[TableAttribute, ...]
    metrics: tuple[TableAttribute, ...]
    old: Mapping[str, str]


def read_table() -> Table:
    """Read the table."""
    table = tomllib.loads(TABLE_FILE.read_text())
    return Table(
        version=table["version"],
        kinds={operation: frozenset(span["kinds"]) for operation, span in table["spans"].items()},
        types={operation: span["type"] for operation, span in table["spans"].items()},
        units={name: metric["unit"] for name, metric in table["metrics"].items()},
        spans=tuple(TableAttribute(**attribute) for attribute in table["span_attribute"]),
        metrics=tuple(TableAttribute(**attribute) for attribute in table["metric_attribute"]),
        old=table["old"],
    )


TABLE: Final = read_table()


def span_faults(
    operation: str, attributes: Mapping[str, object], *, failed: bool = False, batch: bool = False
) -> list[str]:
    """Say what in a span's attributes contradicts the conventions.

    Args:
        operation: ``create``, ``send``, ``receive``, ``process`` or ``settle``.
        attributes: All that the span has at its end, without our own ones.
        failed: Whether the operation failed.
        batch: Whether it is about several messages at once.
    """
    faults = list(_faults(TABLE.spans, operation, attributes, failed=failed, batch=batch))
    expected = TABLE.types[operation]
    if attributes.get("messaging.operation.type") != expected:
        faults.append(f"messaging.operation.type is not {expected}")
    return faults


def sampler_faults(operation: str, at_start: Mapping[str, object]) -> list[str]:
    """Say which attributes that every span of the operation needs a sampler would not see."""
    return [
        f"{attribute.name} is not given at the start"
        for attribute in TABLE.spans
        if attribute.sampler
        and attribute.levels.get(operation) == "required"
        and attribute.name not in at_start
    ]


def metric_faults(
    name: str, attributes: Mapping[str, object], *, failed: bool = False
) -> list[str]:
    """Say what in a metric point's attributes contradicts the conventions.

    Args:
        name: The metric.
        attributes: All that the point has.
        failed: Whether it is about operations that failed.
    """
    return list(_faults(TABLE.metrics, name, attributes, failed=failed, batch=False))


def _faults(
    table: tuple[TableAttribute, ...],
    subject: str,
    attributes: Mapping[str, object],
    *,
    failed: bool,
    batch: bool,
) -> Iterator[str]:
    rows = {row.name: row for row in table if subject in row.levels}
    for name, value in attributes.items():
        row = rows.get(name)
        if row is None:
            yield f"{name} does not belong to {subject}"
        elif type(value) is not _TYPES[row.type]:
            yield f"{name} is {type(value).__name__}, not {row.type}"
        elif not _may_be(row.only, value, failed=failed, batch=batch):
            yield f"{name} is only for {row.only}"
    for row in rows.values():
        needed = row.levels[subject] == "required" or (
            row.levels[subject] == "conditional"
            and ((row.only == "failure" and failed) or (row.only == "batch" and batch))
        )
        if needed and row.name not in attributes:
            yield f"{row.name} is missing"
    if "messaging.system" in attributes and attributes["messaging.system"] != "kafka":
        yield "messaging.system is not kafka"


def _may_be(only: Only, value: object, *, failed: bool, batch: bool) -> bool:
    match only:
        case "failure":
            return failed
        case "batch":
            return batch
        case "single":
            return not batch
        case "true":
            return value is True
    return True
