"""Whether Prometheus scrapes every part, and can answer what the demo is about: lag."""

import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.verify.report import Check, Outcome

_TARGETS: Final = "Prometheus scrapes every part"
_LAG: Final = "Prometheus answers with the group's lag"
_FIRST_SCRAPE_S: Final = 30.0


def _run(addresses: Addresses) -> Iterator[Outcome]:
    base = f"{addresses.prometheus}/api/v1"
    targets = _scraped_targets(base)
    wrong = [
        f"{target['labels'].get('job')} {target['scrapeUrl']}: "
        f"{target['lastError'] or 'not scraped yet'}"
        for target in targets
        if target["health"] != "up"
    ]
    jobs = sorted({target["labels"].get("job", "") for target in targets})
    yield Outcome(
        _TARGETS,
        passed=bool(targets) and not wrong,
        evidence="; ".join(wrong) or f"{len(targets)} targets up: {', '.join(jobs)}",
        fix="the address in the evidence must answer from where Prometheus runs",
    )
    query = f'sum by (topic) (kafka_consumergroup_lag{{consumergroup="{addresses.group}"}})'
    series = _query(base, query)
    yield Outcome(
        _LAG,
        passed=bool(series),
        evidence=f"{query} = {', '.join(item['value'][1] for item in series) or 'nothing'}",
        fix="see whether the exporter's target is up, and whether the group has committed",
    )


def _scraped_targets(base: str) -> list[dict[str, Any]]:
    """Give the active targets once all are up, or what they are after a while."""
    ends_at = time.monotonic() + _FIRST_SCRAPE_S
    while True:
        targets: list[dict[str, Any]] = web.get_json(f"{base}/targets?state=active")["data"][
            "activeTargets"
        ]
        waiting = any(target["health"] != "up" for target in targets) or not targets
        if not waiting or time.monotonic() >= ends_at:
            return targets
        time.sleep(1)


def _query(base: str, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = web.get_json(f"{base}/query?query={quote(query)}")["data"][
        "result"
    ]
    return found


CHECK = Check(_TARGETS, _run, "see that Prometheus runs, and at which address")
