"""What the log says of collection cycles: what begins and what ends, not the same every cycle."""

import logging

from kafkascope_exporter.logs import fields
from kafkascope_exporter.model import CycleReport

log = logging.getLogger(__name__)

_Key = tuple[str, str, str]


class CycleLog:
    """Logs failures when they begin and when they end.

    While no broker gives metadata nothing else is known, so that is one line for each reason, as
    bootstrap servers and known brokers are tried in turns, and one when it ends; failures of
    single calls last meanwhile.
    """

    def __init__(self) -> None:
        self._failing: frozenset[_Key] = frozenset()
        self._reasons: set[str] = set()
        self._since: float | None = None
        self._ever = False

    def add(self, report: CycleReport) -> None:
        """Log what the newest cycle changed."""
        if report.succeeded:
            self._collected(report)
        elif report.unreachable:
            self._cannot_collect(report)
        phases = {name: f"{seconds:.3f}" for name, seconds in report.durations.items()}
        log.debug("cycle over", extra=fields(seconds=f"{report.duration:.3f}", **phases))

    def _cannot_collect(self, report: CycleReport) -> None:
        if self._since is None:
            self._since = report.started_at
        if report.unreachable not in self._reasons:
            log.warning("cannot collect: %s", report.unreachable)
        self._reasons.add(report.unreachable)

    def _collected(self, report: CycleReport) -> None:
        if self._since is not None:
            away = f"{report.started_at - self._since:.0f}"
            log.info("collecting again", extra=fields(after_seconds=away))
        self._since = None
        self._reasons.clear()
        counts = {(f.api, f.broker, f.code): f.count for f in report.failures}
        for api, broker, code in sorted(counts.keys() - self._failing):
            told = fields(api=api, broker=broker, code=code, count=counts[api, broker, code])
            log.warning("a call fails", extra=told)
        for api, broker, code in sorted(self._failing - counts.keys()):
            log.info("a call works again", extra=fields(api=api, broker=broker, code=code))
        self._failing = frozenset(counts)
        if not self._ever:
            self._first(report)

    def _first(self, report: CycleReport) -> None:
        self._ever = True
        log.info("collected for the first time", extra=fields(**report.sizes))
        if not report.sizes.get("topics"):
            log.warning(
                "no topic is visible: there is none, --topic.filter and --topic.exclude leave none,"
                " or the principal may DESCRIBE none (docs/operations.md)"
            )
