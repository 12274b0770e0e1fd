"""Whether every query of every dashboard finds data in the demo's Prometheus."""

import time
from collections import ChainMap
from collections.abc import Iterator, Mapping
from typing import Final

from kafkascope_demo import dashboards
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.dashboards import Asked, Span
from kafkascope_demo.verify.report import Check, Outcome
from kafkascope_demo.web import WebError

_NAME: Final = "every dashboard query returns data"
_LOOKED_AT_S: Final = 900.0
_COMES_S: Final = 45.0
"""A part that has just begun is scraped twice, and then has a rate."""


def shipped() -> bool:
    """Whether the dashboards are here: in the repository they are, in an image not."""
    return dashboards.DIRECTORY.is_dir()


def excused(asked: Asked, reasons: Mapping[str, str]) -> bool:
    """Whether a query may find nothing, by ``grafana/rightly-empty.yaml``."""
    return any(f"{board}: {asked.place}" in reasons for board in (asked.dashboard, "*"))


def _run(addresses: Addresses) -> Iterator[Outcome]:
    asked = [query for board in dashboards.read() for query in dashboards.queries(board)]
    reasons = dict(ChainMap(*dashboards.rightly_empty().values()))
    ends_at = time.monotonic() + _COMES_S
    empty = dict.fromkeys(asked, "nothing")
    while empty:
        empty = _still_empty(f"{addresses.prometheus}", empty)
        wrong = {query: why for query, why in empty.items() if not excused(query, reasons)}
        if not wrong or time.monotonic() >= ends_at:
            break
        time.sleep(2)
    told = "; ".join(sorted({f"{one.dashboard}: {one.place}: {why}" for one, why in wrong.items()}))
    yield Outcome(
        _NAME,
        passed=bool(asked) and not wrong,
        evidence=told or f"{len(asked)} queries, {len(empty)} of them rightly empty now",
        fix="see whether the part that has the metric is scraped, and whether there is load",
    )


def _still_empty(prometheus: str, asked: Mapping[Asked, str]) -> dict[Asked, str]:
    """Ask, and say of each query that finds nothing why."""
    span = Span.last(_LOOKED_AT_S)
    found: dict[Asked, str] = {}
    for query in asked:
        try:
            if not dashboards.ask(prometheus, query, span):
                found[query] = "nothing"
        except WebError as error:
            found[query] = str(error)
    return found


CHECK: Final = Check(_NAME, _run, "see that Prometheus runs, and at which address")
