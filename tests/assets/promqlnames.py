"""Which metrics and labels a PromQL expression uses."""

import re
from dataclasses import dataclass
from typing import Final

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING: Final = re.compile(
    r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", re.IGNORECASE
)
_SELECTOR: Final = re.compile(r"([A-Za-z_:][\w:]*)\s*\{([^}]*)\}")
_RANGE: Final = re.compile(r"\[[^\]]*\]")
_WORD: Final = re.compile(r"(?<![\w$])([A-Za-z_:][\w:]*)(?!\s*\()(?![\w:])")
_MATCHER: Final = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_COUNTED: Final = re.compile(r'count_values\b.*?\(\s*"(\w+)"', re.DOTALL)
_KEYWORDS: Final = {"and", "or", "unless", "bool", "offset", "inf", "nan"}


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression names.

    Args:
        metrics: Metrics.
        matched: Labels in the matchers of each metric.
        grouped: Labels that it groups, joins or aggregates by.
        made: Labels that it makes itself (``count_values``).
    """

    metrics: frozenset[str]
    matched: dict[str, frozenset[str]]
    grouped: frozenset[str]
    made: frozenset[str]


def names(expr: str) -> Names:
    """Read an expression; without the syntax check, which promtool does."""
    made = frozenset(_COUNTED.findall(expr))
    text = _STRING.sub('""', expr)
    grouped = {
        label.strip() for group in _GROUPING.findall(text) for label in group.split(",") if label
    }
    text = _RANGE.sub("", _GROUPING.sub(" ", text))
    matched: dict[str, set[str]] = {}
    for metric, matchers in _SELECTOR.findall(text):
        matched.setdefault(metric, set()).update(_MATCHER.findall(matchers))
    words = set(_WORD.findall(_SELECTOR.sub(" ", text))) - _KEYWORDS
    functions = {word for word in words if re.search(rf"\b{word}\s*\(", text)}
    return Names(
        frozenset(words - functions - _AGGREGATIONS | matched.keys()),
        {metric: frozenset(labels) for metric, labels in matched.items()},
        frozenset(grouped),
        made,
    )


_AGGREGATIONS: Final = {
    *("sum", "min", "max", "avg", "count", "group", "topk", "bottomk", "quantile"),
    *("count_values", "stddev", "stdvar"),
}
