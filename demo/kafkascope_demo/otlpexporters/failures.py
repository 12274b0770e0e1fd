"""Counts the exports that failed, by what the exporters themselves return.

Their log does not tell: it leaves out what it has said within the last minute.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final, Literal, ParamSpec, TypeVar

from prometheus_client import Counter

P = ParamSpec("P")
R = TypeVar("R", bound=Enum)

Signal = Literal["traces", "metrics", "logs"]
SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")
FAILURES: Final = Counter(
    "kafkascope_demo_otlp_export_failures",
    "Exports by OTLP that failed after their retries; what they held is lost.",
    ["signal"],
)
for _signal in SIGNALS:
    FAILURES.labels(_signal)


def counted(signal: Signal, export: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Export, and count it if that fails.

    Args:
        signal: What is exported.
        export: An exporter's method.
        args: Its arguments.
        kwargs: Its arguments.
    """
    try:
        result = export(*args, **kwargs)
    except Exception:
        FAILURES.labels(signal).inc()
        raise
    if result.name != "SUCCESS":
        FAILURES.labels(signal).inc()
    return result
