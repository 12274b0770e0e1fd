"""What each stage of a load did, from samples: pure arithmetic."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Final

from kafkascope_demo.loadreport.samples import Buckets, Sample

_TELLING_S: Final = 10.0
_JITTER_S: Final = 1.5
"""Seconds' worth of events by which lag comes and goes while all is well, as commits do."""


@dataclass(frozen=True, slots=True)
class StageReport:
    """A stage; what is not known is None.

    Args:
        stage: Its number, from 1.
        seconds: How long it took.
        users: How many there were at its end.
        requests_per_s: Mean.
        failures: Requests that failed.
        p50_ms: Of the requests, interpolated in buckets.
        p99_ms: The same.
        delivered_per_s: Events per second that came into the topic, mean.
        consumed_per_s: Events per second that the group committed, mean.
        max_lag: Most messages that the group was behind.
        end_lag: Messages that it was behind at the stage's end.
        end_to_end_p99_ms: From the record's timestamp to the end of processing, interpolated;
            of what was processed from the stage's begin until its events were committed.
        drain_s: From the stage's end until all that was in the topic then was committed.
        keeps_up: Whether lag did not rise over the stage's second half, but for what comes and goes
            with commits. None when nothing was delivered, and of a stage too short to tell.
    """

    stage: int
    seconds: float
    users: int
    requests_per_s: float
    failures: int
    p50_ms: float | None
    p99_ms: float | None
    delivered_per_s: float
    consumed_per_s: float
    max_lag: int
    end_lag: int
    end_to_end_p99_ms: float | None
    drain_s: float | None
    keeps_up: bool | None


@dataclass(frozen=True, slots=True)
class LoadReport:
    """All stages.

    Args:
        stages: In their order.
    """

    stages: tuple[StageReport, ...]

    @property
    def keeps_up_with(self) -> float | None:
        """The highest rate of delivery, in events/s, that the group kept up with."""
        rates = [one.delivered_per_s for one in self.stages if one.keeps_up]
        return max(rates) if rates else None

    @property
    def falls_behind_at(self) -> float | None:
        """The lowest rate of delivery above that at which it fell behind; None where it did not."""
        least = self.keeps_up_with or 0.0
        rates = [one.delivered_per_s for one in self.stages if one.keeps_up is False]
        return min((rate for rate in rates if rate > least), default=None)

    def to_json(self) -> dict[str, object]:
        """Give the report as JSON's types."""
        return {
            "stages": [asdict(one) for one in self.stages],
            "keeps_up_with_per_s": self.keeps_up_with,
            "falls_behind_at_per_s": self.falls_behind_at,
        }


def report(samples: Sequence[Sample]) -> LoadReport:
    """Sum up a load.

    Args:
        samples: In the order of their times, from before the first stage on.
    """
    numbers = sorted({sample.stage for sample in samples if sample.stage})
    return LoadReport(tuple(_stage(samples, number) for number in numbers))


def _stage(samples: Sequence[Sample], number: int) -> StageReport:
    within = [index for index, sample in enumerate(samples) if sample.stage == number]
    first = samples[within[0]]
    last_index = min(len(samples) - 1, within[-1] + 1)
    last = samples[last_index]
    seconds = max(last.seconds - first.seconds, 1e-9)
    delivered = _sum_grown(first.end, last.end) / seconds
    durations = _grown_buckets(first.durations, last.durations)
    drained = _drained(samples[last_index:])
    end_to_end = _grown_buckets(first.end_to_end, (drained or samples[-1]).end_to_end)
    middle = samples[(within[0] + last_index) // 2]
    return StageReport(
        stage=number,
        seconds=round(seconds, 1),
        users=samples[within[-1]].users,
        requests_per_s=round(_grown(first.requests, last.requests) / seconds, 1),
        failures=int(_grown(first.failures, last.failures)),
        p50_ms=_milliseconds(quantile(durations, 0.5)),
        p99_ms=_milliseconds(quantile(durations, 0.99)),
        delivered_per_s=round(delivered, 1),
        consumed_per_s=round(_sum_grown(first.committed, last.committed) / seconds, 1),
        max_lag=int(max(sample.lag for sample in samples[within[0] : last_index + 1])),
        end_lag=int(last.lag),
        end_to_end_p99_ms=_milliseconds(quantile(end_to_end, 0.99)),
        drain_s=round(drained.seconds - last.seconds, 1) if drained else None,
        keeps_up=(
            last.lag - middle.lag <= delivered * _JITTER_S
            if delivered and seconds >= _TELLING_S
            else None
        ),
    )


def _drained(samples: Sequence[Sample]) -> Sample | None:
    """Give the sample in which all that was in the topic at the first one was committed."""
    goal = samples[0].end
    for sample in samples:
        if all(sample.committed.get(partition, 0.0) >= end for partition, end in goal.items()):
            return sample
    return None


def quantile(buckets: Buckets, share: float) -> float | None:
    """Give a quantile in seconds, as PromQL's ``histogram_quantile`` does.

    Args:
        buckets: Cumulative, the last of them infinite.
        share: Which, from 0 to 1.

    Returns:
        None when there is no observation; the highest finite bound when it lies above that.
    """
    bounds = sorted(buckets)
    whole = buckets[bounds[-1]] if bounds else 0.0
    if not whole:
        return None
    rank = share * whole
    if bounds[0] == math.inf or buckets[bounds[0]] >= rank:
        return None if bounds[0] == math.inf else bounds[0] * rank / buckets[bounds[0]]
    for below, above in pairwise(bounds):
        if buckets[above] >= rank:
            if above == math.inf:
                return below
            share_of_bucket = (rank - buckets[below]) / (buckets[above] - buckets[below])
            return below + (above - below) * share_of_bucket
    return None


def _grown(before: float, after: float) -> float:
    """Give the growth of a counter; one that fell has begun again at 0."""
    return after - before if after >= before else after


def _sum_grown(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    return sum(max(0.0, value - before.get(name, 0.0)) for name, value in after.items())


def _grown_buckets(before: Buckets, after: Buckets) -> dict[float, float]:
    whole = max(after, default=math.inf)
    if before.get(whole, 0.0) > after.get(whole, 0.0):
        return dict(after)
    return {bound: value - before.get(bound, 0.0) for bound, value in after.items()}


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
