"""The verifier: asks a running demo whether it works, and says so check by check, with evidence."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from confluent_kafka import KafkaException

from kafkascope_demo.addresses import Addresses
from kafkascope_demo.verify import (
    alerts,
    answering,
    bridge,
    dashboards,
    eventflow,
    exporter,
    prometheus,
    tracing,
)
from kafkascope_demo.verify.report import Check, Outcome, Report, render
from kafkascope_demo.web import WebError

__all__ = ["Check", "Outcome", "Report", "checks", "render", "verify"]

_NOT_UNDERSTOOD: Final = (LookupError, ValueError, TypeError, AttributeError)
_NO_DASHBOARDS: Final = "dashboards: their files are not here (they are in the repository)"
_NO_PROMETHEUS: Final = "Prometheus, its alerts and dashboards: it is not part of this demo"


def checks(addresses: Addresses) -> list[Check]:
    """Give the checks that fit a demo, in their order."""
    found = [answering.CHECK, eventflow.CHECK, exporter.FRESH, exporter.LAG, tracing.CHECK]
    if addresses.bridge:
        found.append(bridge.CHECK)
    if addresses.prometheus:
        found += [prometheus.CHECK, alerts.CHECK]
        found += [dashboards.CHECK] if dashboards.shipped() else []
    return found


def verify(addresses: Addresses, tell: Callable[[Outcome], None] | None = None) -> Report:
    """Run every check against a running demo: about 20 seconds, or some minutes when it fails.

    Args:
        addresses: Where its parts are.
        tell: Told each outcome as soon as it is known.
    """
    outcomes = []
    for check in checks(addresses):
        began = time.monotonic()
        for outcome in _outcomes(check, addresses):
            timed = replace(outcome, seconds=time.monotonic() - began)
            outcomes.append(timed)
            if tell is not None:
                tell(timed)
    return Report(tuple(outcomes), _not_checked(addresses))


def _outcomes(check: Check, addresses: Addresses) -> Iterable[Outcome]:
    try:
        yield from check.run(addresses)
    except (WebError, KafkaException, OSError, *_NOT_UNDERSTOOD) as error:
        told = error.args[0].str() if isinstance(error, KafkaException) else _told(error)
        yield Outcome(check.name, passed=False, evidence=told, fix=check.fix)


def _told(error: Exception) -> str:
    if isinstance(error, _NOT_UNDERSTOOD):
        return f"an answer that is not understood: {error!r}"
    return str(error)


def _not_checked(addresses: Addresses) -> tuple[str, ...]:
    if not addresses.prometheus:
        return (_NO_PROMETHEUS,)
    return () if dashboards.shipped() else (_NO_DASHBOARDS,)
