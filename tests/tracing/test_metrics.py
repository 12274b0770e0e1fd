from __future__ import annotations

import gc
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
import warnings
import weakref
from collections import Counter
from inspect import signature
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.metrics import Histogram, Meter, MeterProvider, NoOpMeter, NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider

from kafkascope_tracing import metrics as metrics_module
from kafkascope_tracing.metrics import (
    CONSUMED_MESSAGES,
    DURATION_BUCKETS,
    OPERATION_DURATION,
    OVERFLOW,
    PROCESS_DURATION,
    SENT_MESSAGES,
    SERIES_LIMIT,
    AttributeSet,
    MessagingMetrics,
)
from tests.tracing.collected import new_collector

SEND: Final[AttributeSet] = (
    ("messaging.destination.name", "orders"),
    ("messaging.operation.name", "send"),
    ("messaging.system", "kafka"),
    ("server.port", 9092),
)
POLL: Final[AttributeSet] = (
    ("messaging.destination.name", "orders"),
    ("messaging.operation.name", "poll"),
    ("messaging.system", "kafka"),
)


def test_the_four_metrics_are_collected_under_their_names_and_units() -> None:
    """Each call shows up in its instrument, with kind, unit, attributes and value."""
    collector = new_collector()
    metrics = MessagingMetrics(collector.provider, enabled=True)

    def use_all() -> None:
        metrics.sent(SEND)
        metrics.sent(SEND, 2)
        metrics.consumed(POLL, 500)
        metrics.operation(SEND, 0.02)
        metrics.process(POLL, 3.0)

    use_all()
    collected = collector.metrics()
    assert {name: metric.unit for name, metric in collected.items()} == {
        SENT_MESSAGES: "{message}",
        CONSUMED_MESSAGES: "{message}",
        OPERATION_DURATION: "s",
        PROCESS_DURATION: "s",
    }
    assert collector.numbers(SENT_MESSAGES) == {frozenset(SEND): 3}
    assert collector.numbers(CONSUMED_MESSAGES) == {frozenset(POLL): 500}
    use_all()
    assert collector.histograms(OPERATION_DURATION)[frozenset(SEND)].sum == 0.04
    use_all()
    assert collector.histograms(PROCESS_DURATION)[frozenset(POLL)].sum == 9.0


TAKES_ADVICE: Final = (
    "explicit_bucket_boundaries_advisory" in signature(NoOpMeter.create_histogram).parameters
)


def test_durations_fall_into_the_buckets_of_the_semantic_conventions() -> None:
    """The SDK takes the advice about bucket bounds."""
    collector = new_collector()
    metrics = MessagingMetrics(collector.provider, enabled=True)

    for seconds in (0.004, 0.006, 11.0):
        metrics.operation(SEND, seconds)

    point = collector.histograms(OPERATION_DURATION)[frozenset(SEND)]
    assert point.count == 3
    if TAKES_ADVICE:  # opentelemetry-api 1.30 and later
        assert point.explicit_bounds == DURATION_BUCKETS
        assert point.bucket_counts == (1, 1, *[0] * 12, 1)
    assert all(low < high for low, high in pairwise(DURATION_BUCKETS))


class OldMeter(NoOpMeter):
    """A meter of opentelemetry-api 1.20 to 1.29, which knows no advice about buckets."""

    def __init__(self, real: Meter) -> None:
        super().__init__("old")
        self._real = real

    def create_histogram(  # type: ignore[override]  # the older signature is what is tested
        self, name: str, unit: str = "", description: str = ""
    ) -> Histogram:
        """Make the histogram without advice."""
        return self._real.create_histogram(name, unit, description)

    def create_observable_counter(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on as it is
        """Make the counter."""
        return self._real.create_observable_counter(*args, **kwargs)


class OldProvider(NoOpMeterProvider):
    """A provider of old meters."""

    def __init__(self, real: MeterProvider) -> None:
        self._real = real

    def get_meter(self, *scope: Any, **attributes: Any) -> Meter:  # noqa: ANN401 - passed on as it is
        """Return an old meter."""
        return OldMeter(self._real.get_meter(*scope, **attributes))


def test_an_api_without_bucket_advice_still_records_durations() -> None:
    """The histogram is then made with the SDK's own buckets."""
    collector = new_collector()
    metrics = MessagingMetrics(OldProvider(collector.provider), enabled=True)

    metrics.process(POLL, 0.5)

    assert collector.histograms(PROCESS_DURATION)[frozenset(POLL)].count == 1


def test_clients_of_one_provider_share_instruments_without_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Two clients' counts add up, and the SDK has nothing to say about duplicates."""
    collector = new_collector()
    with caplog.at_level(logging.DEBUG):
        first = MessagingMetrics(collector.provider, enabled=True)
        second = MessagingMetrics(collector.provider, enabled=True)
    first.sent(SEND)
    second.sent(SEND)
    second.sent(POLL)

    assert collector.numbers(SENT_MESSAGES) == {frozenset(SEND): 2, frozenset(POLL): 1}
    assert caplog.messages == []


def test_providers_are_kept_apart_and_let_go() -> None:
    """What one provider counts is not in another's, and a provider can be collected."""
    one, other = new_collector(), new_collector()
    MessagingMetrics(one.provider, enabled=True).sent(SEND)
    MessagingMetrics(other.provider, enabled=True).sent(SEND, 5)
    assert one.numbers(SENT_MESSAGES) == {frozenset(SEND): 1}
    assert other.numbers(SENT_MESSAGES) == {frozenset(SEND): 5}

    gone = weakref.ref(other.provider)
    del other
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("provider", [NoOpMeterProvider(), None])
def test_without_an_sdk_nothing_is_counted(provider: MeterProvider | None) -> None:
    """The no-op provider, and the global one that nobody set, leave the metrics inactive."""
    metrics = MessagingMetrics(provider, enabled=True)

    metrics.sent(SEND)
    metrics.consumed(SEND)
    metrics.operation(SEND, 1.0)
    metrics.process(SEND, 1.0)

    assert not metrics.active
    assert not metrics.records_durations
    assert metrics._instruments is not None
    assert metrics._instruments.sent._table.all() == []


def test_switched_off_metrics_make_no_instrument(caplog: pytest.LogCaptureFixture) -> None:
    """With ``enabled=False`` the provider is not even asked for a meter."""
    metrics = MessagingMetrics(BrokenProvider(), enabled=False)

    metrics.sent(SEND)
    metrics.consumed(SEND)
    metrics.operation(SEND, 1.0)
    metrics.process(SEND, 1.0)

    assert not metrics.active
    assert caplog.messages == []


def test_durations_can_be_left_out_alone() -> None:
    """Then messages are counted, and no histogram gets a value."""
    collector = new_collector()
    metrics = MessagingMetrics(collector.provider, enabled=True, durations=False)

    metrics.sent(SEND)
    metrics.operation(SEND, 1.0)
    metrics.process(SEND, 1.0)

    assert metrics.active
    assert not metrics.records_durations
    assert set(collector.metrics()) == {SENT_MESSAGES}


LATE_PROVIDER: Final = """
import json, logging
logging.basicConfig(level=logging.DEBUG)
from opentelemetry import metrics as api
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from kafkascope_tracing.metrics import MessagingMetrics

early = MessagingMetrics(None, enabled=True)
early.sent((("a", 1),), 100)
was_active = early.active
reader = InMemoryMetricReader()
provider = MeterProvider([reader])
api.set_meter_provider(provider)
late, named = MessagingMetrics(None, enabled=True), MessagingMetrics(provider, enabled=True)
for client in (early, late, named):
    client.sent((("a", 1),))
    client.operation((("a", 1),), 0.1)
metrics = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
points = {metric.name: metric.data.data_points[0] for metric in metrics}
print(json.dumps([was_active, early.active, points["messaging.client.sent.messages"].value,
                  points["messaging.client.operation.duration"].count]))
"""


def test_clients_made_before_the_global_provider_is_set_count_from_then_on() -> None:
    """Clients made before and after share instruments; what came before nobody collects."""
    done = subprocess.run(
        [sys.executable, "-c", LATE_PROVIDER],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert json.loads(done.stdout) == [False, True, 3, 3]
    assert done.stderr == ""


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10**6))))
def test_sums_are_those_of_the_counts(counts: list[tuple[int, int]]) -> None:
    """Whatever comes in whatever order, each attribute set's sum is exact."""
    collector = new_collector()
    metrics = MessagingMetrics(collector.provider, enabled=True)
    expected: Counter[frozenset[tuple[str, int]]] = Counter()
    for partition, count in counts:
        metrics.consumed((("partition", partition),), count)
        expected[frozenset({("partition", partition)})] += count

    assert collector.numbers(CONSUMED_MESSAGES) == expected


def test_no_count_is_lost_between_threads() -> None:
    """Eight threads that count into one attribute set leave the exact sum."""
    collector = new_collector()
    metrics = MessagingMetrics(collector.provider, enabled=True)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(
                target=lambda: [metrics.sent((("n", n % 3),)) for n in range(3000)]  # type: ignore[func-returns-value]  # only the calls matter
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    assert collector.numbers(SENT_MESSAGES) == {frozenset({("n", n)}): 8000 for n in range(3)}


def test_attribute_sets_beyond_the_limit_share_one_overflow_series() -> None:
    """Cardinality is bounded, and no message goes uncounted."""
    collector = new_collector()
    metrics = MessagingMetrics(collector.provider, enabled=True)
    for number in range(SERIES_LIMIT + 10):
        metrics.sent((("topic", f"t{number}"),))

    numbers = collector.numbers(SENT_MESSAGES)
    # The SDK has the same limit, and counts its own overflow series within it or beside it.
    assert sum(numbers.values()) == SERIES_LIMIT + 10
    assert numbers[frozenset({(OVERFLOW, True)})] >= 10
    assert len(numbers) <= SERIES_LIMIT + 1


def test_durations_beyond_the_limit_share_one_overflow_series() -> None:
    """The prebuilt attributes of histograms are bounded too."""
    collector = new_collector()
    metrics = MessagingMetrics(collector.provider, enabled=True)
    for number in range(SERIES_LIMIT + 3):
        metrics.process((("topic", f"t{number}"),), 0.1)

    points = collector.histograms(PROCESS_DURATION)
    assert sum(point.count for point in points.values()) == SERIES_LIMIT + 3
    assert points[frozenset({(OVERFLOW, True)})].count >= 3


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_clock_that_gave_no_sense_records_nothing(
    seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    """A negative, missing or infinite duration is left out without a log line."""
    collector = new_collector()
    MessagingMetrics(collector.provider, enabled=True).operation(SEND, seconds)

    assert collector.histograms(OPERATION_DURATION) == {}
    assert caplog.messages == []


def test_nothing_raises_and_the_log_says_it_once(caplog: pytest.LogCaptureFixture) -> None:
    """Attributes that cannot be hashed are the caller's mistake, not the application's."""
    collector = new_collector()
    metrics = MessagingMetrics(collector.provider, enabled=True)
    wrong: Any = (("list", []),)

    metrics.sent(wrong)
    metrics.consumed(wrong)
    metrics.operation(wrong, 1.0)
    metrics.process(wrong, 1.0)

    assert len(caplog.messages) == 1
    assert "incomplete" in caplog.messages[0]


class BrokenProvider(NoOpMeterProvider):
    """A provider that cannot give a meter."""

    def get_meter(self, *_scope: Any, **_attributes: Any) -> Meter:  # noqa: ANN401 - the versions of the API differ
        """Fail."""
        raise RuntimeError("no meter today")


def test_a_broken_provider_does_not_stop_the_client(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the metrics stay off."""
    metrics = MessagingMetrics(BrokenProvider(), enabled=True)
    metrics.sent(SEND)

    assert not metrics.active
    assert "no meter today" in caplog.text


def test_a_count_inside_a_count_does_not_wait_for_itself() -> None:
    """As when garbage is collected inside: a call that comes back in ends, and both count."""
    collector = new_collector()
    metrics = MessagingMetrics(collector.provider, enabled=True)

    class Reentrant(str):
        __slots__ = ()

        def __hash__(self) -> int:
            metrics.sent(SEND)
            return str.__hash__(self)

    worker = threading.Thread(
        target=metrics.sent, args=((("topic", Reentrant("orders")),),), daemon=True
    )
    worker.start()
    worker.join(timeout=20)

    assert not worker.is_alive()
    assert collector.numbers(SENT_MESSAGES)[frozenset(SEND)] >= 1


def test_a_child_forked_while_another_thread_counts_can_count() -> None:
    """The child does not wait for a lock whose owner stayed in the parent."""
    collector = new_collector()
    metrics = MessagingMetrics(collector.provider, enabled=True)
    metrics.sent(SEND)
    assert metrics._instruments is not None
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        assert metrics._instruments is not None
        with metrics._instruments.sent._lock, metrics_module._instruments._lock:
            held.set()
            release.wait(timeout=60)

    owner = threading.Thread(target=hold)
    owner.start()
    assert held.wait(timeout=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads: the point
        child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            MessagingMetrics(collector.provider, enabled=True).sent(SEND)
            os._exit(0 if metrics._instruments.sent._table.find(SEND).value == 2 else 1)
        finally:
            os._exit(2)
    release.set()
    owner.join()

    assert os.waitpid(child, 0)[1] == 0


def test_nothing_is_kept_per_message() -> None:
    """Twenty thousand messages leave no more memory in use than one."""
    # A provider without readers, for what an SDK keeps is not the question.
    metrics = MessagingMetrics(SdkMeterProvider(shutdown_on_exit=False), enabled=True)

    def count(messages: int) -> None:
        for _ in range(messages):
            metrics.sent(SEND)
            metrics.consumed(POLL, 3)
            metrics.process(POLL, 0.25)

    count(10)
    gc.collect()
    tracemalloc.start()
    try:
        before, _peak = tracemalloc.get_traced_memory()
        count(20_000)
        gc.collect()
        after, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after - before < 4096
