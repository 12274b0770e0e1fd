from collections.abc import Mapping
from dataclasses import replace

import pytest

from kafkascope_exporter.exposition import Renderer
from kafkascope_exporter.metrics import METRICS
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.metrics.self import SelfMetrics
from kafkascope_exporter.model import HELD_KINDS, MISSING_KINDS, Failure, Snapshot
from tests.exporter.exposed import parsed
from tests.exporter.snapshots import TAKEN_AT, healthy, partial_failure, report

Values = Mapping[tuple[str, ...], float]


def values(metrics: SelfMetrics, name: str) -> Values:
    """Render, and give the samples called ``name`` by their label values."""
    samples = parsed(metrics.render(openmetrics=False).decode(), openmetrics=False)
    return {tuple(s.labels.values()): s.value for s in samples if s.name == name}


def recorded(snapshot: Snapshot, *failures: Failure) -> SelfMetrics:
    """Give the metrics after one cycle that read ``snapshot``."""
    metrics = SelfMetrics("1.2.3")
    page = Renderer(Rendering()).render([snapshot])
    metrics.record(report(snapshot, failures), page)
    return metrics


def test_before_the_first_cycle_all_is_zero_and_down() -> None:
    """Every kind and every metric group has its series from the start."""
    metrics = SelfMetrics("1.2.3")
    assert values(metrics, "kafka_exporter_up") == {(): 0}
    assert values(metrics, "kafka_exporter_cycles_total") == {(): 0}
    assert values(metrics, "kafka_exporter_last_success_timestamp_seconds") == {(): 0}
    assert values(metrics, "kafka_exporter_snapshot_timestamp_seconds") == {(): 0}
    assert values(metrics, "kafka_exporter_missing") == {(kind,): 0 for kind in MISSING_KINDS}
    assert values(metrics, "kafka_exporter_held") == {(kind,): 0 for kind in HELD_KINDS}
    assert values(metrics, "kafka_exporter_series") == {(group.name,): 0 for group in METRICS}


def test_a_cycle_that_succeeded_is_reported() -> None:
    """Up, when, and how long by phase; rendering is a phase of its own."""
    metrics = recorded(healthy())
    assert values(metrics, "kafka_exporter_up") == {(): 1}
    assert values(metrics, "kafka_exporter_cycles_total") == {(): 1}
    assert values(metrics, "kafka_exporter_last_success_timestamp_seconds") == {(): TAKEN_AT + 0.25}
    assert values(metrics, "kafka_exporter_snapshot_timestamp_seconds") == {(): TAKEN_AT}
    durations = dict(values(metrics, "kafka_exporter_cycle_duration_seconds"))
    assert durations.pop(("render",)) > 0
    assert durations == {
        ("metadata",): 0.05,
        ("group_list",): 0.02,
        ("group_offsets",): 0.08,
        ("offsets",): 0.1,
        ("total",): 0.25,
    }


def test_series_are_counted_by_metric_group() -> None:
    """They are those of the page."""
    assert values(recorded(healthy()), "kafka_exporter_series") == {
        ("brokers",): 4,
        ("controller",): 2,
        ("topics",): 3,
        ("partitions",): 35,
        ("groups",): 6,
        ("commits",): 14,
        ("consumerlag",): 10,
    }


def test_what_is_missing_and_held_is_counted_by_kind() -> None:
    """As the last cycle's report says."""
    metrics = recorded(partial_failure())
    assert values(metrics, "kafka_exporter_missing") == {(kind,): 1 for kind in MISSING_KINDS}
    assert values(metrics, "kafka_exporter_held") == {
        (kind,): int(kind == "group_offsets") for kind in HELD_KINDS
    }


def test_a_failed_cycle_is_down_and_keeps_the_last_success() -> None:
    """The page may still be that of an earlier cycle."""
    metrics = SelfMetrics("1.2.3")
    page = Renderer(Rendering()).render([healthy()])
    metrics.record(report(healthy()), page)
    metrics.record(replace(report(None), started_at=TAKEN_AT + 15, overran=True), page)
    assert values(metrics, "kafka_exporter_up") == {(): 0}
    assert values(metrics, "kafka_exporter_cycles_total") == {(): 2}
    assert values(metrics, "kafka_exporter_overruns_total") == {(): 1}
    assert values(metrics, "kafka_exporter_last_success_timestamp_seconds") == {(): TAKEN_AT + 0.25}
    assert values(metrics, "kafka_exporter_snapshot_timestamp_seconds") == {(): TAKEN_AT}


def test_requests_and_errors_add_up_over_cycles() -> None:
    """An error counts each thing that it cost."""
    metrics = SelfMetrics("1.2.3")
    failure = Failure("ListOffsets", "2", "TIMED_OUT", count=7)
    metrics.record(report(None, (failure,)), None)
    metrics.record(report(None, (failure, Failure("Connect", "", "TIMED_OUT"))), None)
    assert values(metrics, "kafka_exporter_requests_total") == {
        ("Metadata", "1"): 2,
        ("ListOffsets", "1"): 4,
        ("ListOffsets", "2"): 4,
    }
    assert values(metrics, "kafka_exporter_errors_total") == {
        ("ListOffsets", "2", "TIMED_OUT"): 14,
        ("Connect", "", "TIMED_OUT"): 1,
    }


def test_a_metric_group_that_failed_is_an_error_once_per_page() -> None:
    """A page that is recorded again, as none came of the cycle, is not counted again."""
    metrics = SelfMetrics("1.2.3")
    page = replace(Renderer(Rendering()).render([healthy()]), failed_groups=("groups",))
    metrics.record(report(healthy()), page)
    metrics.record(report(None), page)
    assert values(metrics, "kafka_exporter_errors_total") == {("Render", "", "groups"): 1}


def test_scrapes_are_counted() -> None:
    """Each rendering is one."""
    metrics = SelfMetrics("1.2.3")
    metrics.render(openmetrics=True)
    assert values(metrics, "kafka_exporter_scrapes_total") == {(): 2}


@pytest.mark.parametrize("openmetrics", [False, True])
def test_names_are_the_same_in_both_formats(openmetrics: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """Counters keep their ``_total``, and no ``_created`` series come with them."""
    metrics = recorded(healthy())
    names = {
        line.split("{")[0].split(" ")[0]
        for line in metrics.render(openmetrics=openmetrics).decode().splitlines()
        if not line.startswith("#")
    }
    assert {"kafka_exporter_cycles_total", "process_cpu_seconds_total", "python_info"} <= names
    assert not {name for name in names if name.endswith("_created")}


def test_openmetrics_ends_with_its_end_mark_and_text_does_not() -> None:
    """The tail closes the page."""
    metrics = SelfMetrics("1.2.3")
    assert metrics.render(openmetrics=True).endswith(b"\n# EOF\n")
    assert b"EOF" not in metrics.render(openmetrics=False)


def test_build_info_names_the_versions() -> None:
    """The exporter's, as given, and Python's."""
    text = SelfMetrics("1.2.3").render(openmetrics=False).decode()
    assert 'version="1.2.3"} 1.0' in text
    assert 'kafka_exporter_build_info{pythonversion="3.' in text
