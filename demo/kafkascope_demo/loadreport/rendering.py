"""A load's report as Markdown."""

from typing import Final

from kafkascope_demo.loadreport.stages import LoadReport, StageReport

_HEAD: Final = (
    "stage",
    "s",
    "users",
    "requests/s",
    "failures",
    "p50 ms",
    "p99 ms",
    "delivered/s",
    "consumed/s",
    "most lag",
    "end-to-end p99 ms",
    "drained after s",
    "keeps up",
)


def to_markdown(report: LoadReport) -> str:
    """Give the report as a table, and what the consumers keep up with below it."""
    rows = [_HEAD, ("---",) * len(_HEAD), *(_row(one) for one in report.stages)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", _conclusion(report), ""])


def _row(one: StageReport) -> tuple[str, ...]:
    return (
        str(one.stage),
        f"{one.seconds:g}",
        str(one.users),
        f"{one.requests_per_s:g}",
        str(one.failures),
        _known(one.p50_ms),
        _known(one.p99_ms),
        f"{one.delivered_per_s:g}",
        f"{one.consumed_per_s:g}",
        str(one.max_lag),
        _known(one.end_to_end_p99_ms),
        "not seen" if one.drain_s is None else f"{one.drain_s:g}",
        {None: "-", True: "yes", False: "no"}[one.keeps_up],
    )


def _known(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _conclusion(report: LoadReport) -> str:
    most, behind = report.keeps_up_with, report.falls_behind_at
    if all(one.keeps_up is None for one in report.stages):
        return "No stage was long enough to tell what the consumers keep up with."
    if most is None:
        return "The consumers did not keep up with any stage."
    kept = f"The consumers kept up with {most:g} events/s"
    if behind is None:
        return f"{kept}, the most that this load delivered."
    return f"{kept}, and fell behind at {behind:g} events/s."
