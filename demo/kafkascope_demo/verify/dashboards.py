"""Whether every query of every dashboard finds data in the demo's Prometheus."""

import time
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from kafkascope_demo import dashboards
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.dashboards import Asked, Span
from kafkascope_demo.verify.report import Check, Outcome
from kafkascope_demo.web import WebError

_NAME: Final = "every dashboard query returns data"
_OTHER: Final = "without_receiver"
_LOOKED_AT_S: Final = 900.0
_COMES_S: Final = 45.0
"""A part that has just begun is scraped twice, and then has a rate."""


def shipped() -> bool:
    """Whether the dashboards are here: in the repository they are, and in the image."""
    return dashboards.DIRECTORY.is_dir()


def excused(asked: Asked, reasons: Mapping[str, str]) -> bool:
    """Whether a query may find nothing, by ``grafana/rightly-empty.yaml``."""
    return any(f"{board}: {asked.place}" in reasons for board in (asked.dashboard, "*"))


def outcome(prometheus: str, patience_s: float = _COMES_S, *, receiver: bool = True) -> Outcome:
    """Ask every query, and those that find nothing again for a while.

    Args:
        prometheus: Its address.
        receiver: Whether traces go to the demo's own receiver.
        patience_s: Seconds after which what is empty stays so.
    """
    asked = [query for board in dashboards.read() for query in dashboards.queries(board)]
    found = dashboards.rightly_empty()
    reasons = dict(
        ChainMap(*(why for when, why in found.items() if when != _OTHER or not receiver))
    )
    ends_at = time.monotonic() + patience_s
    empty = _still_empty(prometheus, asked)
    while wrong := {query: why for query, why in empty.items() if not excused(query, reasons)}:
        if time.monotonic() >= ends_at:
            break
        time.sleep(2)
        empty = _still_empty(prometheus, empty)
    told = sorted({f"{one.dashboard}: {one.place}: {why}" for one, why in wrong.items()})
    return Outcome(
        _NAME,
        passed=bool(asked) and not wrong,
        evidence="; ".join(told) or f"{len(asked)} queries, {len(empty)} of them rightly empty now",
        fix="see whether the part that has the metric is scraped, and whether there is load",
    )


def _run(addresses: Addresses) -> Iterator[Outcome]:
    yield outcome(f"{addresses.prometheus}", receiver=addresses.traces.kind == "receiver")


def _still_empty(prometheus: str, asked: Iterable[Asked]) -> dict[Asked, str]:
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
