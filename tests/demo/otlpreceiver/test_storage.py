"""The database keeps what fits, sums traces up as they come, and refuses files of others."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from kafkascope_demo.otlpreceiver import reading
from kafkascope_demo.otlpreceiver.logs import read_logs
from kafkascope_demo.otlpreceiver.reading import TraceFilter, TraceSummary
from kafkascope_demo.otlpreceiver.records import Batch
from kafkascope_demo.otlpreceiver.storage import BatchTooLargeError, Storage, StorageError
from kafkascope_demo.otlpreceiver.traces import read_spans
from tests.demo.otlpreceiver.receivers import START, add_span, request_of, trace_id

MANY = TraceFilter(limit=1_000)


def listed(storage: Storage, wanted: TraceFilter = MANY) -> list[TraceSummary]:
    """List traces."""
    with storage.reading() as database:
        return reading.traces(database, wanted)


def batch_of(traces: range, filling: int = 0) -> Batch:
    """Give a batch with a trace of two spans for each number, each with an attribute that fills."""
    request = request_of()
    for number in traces:
        add_span(request, number, 1, start=START + number)
        child = add_span(request, number, 2, parent=1, start=START + number)
        child.attributes.add(key="filling").value.string_value = "x" * filling
    return read_spans(request)


def test_spans_of_a_trace_may_come_late_and_in_any_order(storage: Storage) -> None:
    """Its summary is that of all of them, whichever write brought them."""
    child = request_of("consumer")
    span = add_span(child, 1, 2, parent=1, name="process", start=START + 10, lasts=100)
    span.status.code = span.status.STATUS_CODE_ERROR
    storage.write(read_spans(child))
    assert [(trace.root, trace.spans) for trace in listed(storage)] == [("process", 1)]
    root = request_of("producer")
    add_span(root, 1, 1, name="POST", start=START, lasts=20)
    storage.write(read_spans(root))
    expected = TraceSummary(
        trace_id(1), "POST", ("consumer", "producer"), spans=2, start=START, duration=110, errors=1
    )
    assert listed(storage) == [expected]


def test_of_two_roots_the_earlier_names_the_trace(storage: Storage) -> None:
    """Some instrumentation starts a second root in a trace."""
    for number, (name, start) in enumerate([("second", 5), ("first", 1), ("third", 9)], 1):
        request = request_of()
        add_span(request, 1, number, name=name, start=START + start)
        storage.write(read_spans(request))
    assert [trace.root for trace in listed(storage)] == ["first"]


def test_spans_that_are_sent_again_are_kept_once(storage: Storage) -> None:
    """An exporter that got no answer sends the same again."""
    for _ in range(2):
        storage.write(batch_of(range(1, 4)))
    assert [trace.spans for trace in listed(storage)] == [2, 2, 2]


def test_traces_are_filtered(storage: Storage) -> None:
    """By services that took part, failed spans and duration; the newest come first."""
    request = request_of("slow")
    add_span(request, 1, 1, start=START, lasts=50_000_000)
    failed = add_span(request, 2, 1, start=START + 1)
    failed.status.code = failed.status.STATUS_CODE_ERROR
    storage.write(read_spans(request))
    other = request_of("other")
    add_span(other, 1, 2, parent=1)
    storage.write(read_spans(other))

    def found(wanted: TraceFilter) -> list[str]:
        return [trace.trace_id for trace in listed(storage, wanted)]

    assert found(TraceFilter()) == [trace_id(2), trace_id(1)]
    assert found(TraceFilter(limit=1)) == [trace_id(2)]
    assert found(TraceFilter(service="other")) == [trace_id(1)]
    assert found(TraceFilter(min_services=2)) == [trace_id(1)]
    assert found(TraceFilter(min_services=3)) == []
    assert found(TraceFilter(errors=True)) == [trace_id(2)]
    assert found(TraceFilter(min_duration_ms=50)) == [trace_id(1)]
    assert found(TraceFilter(min_duration_ms=50.001)) == []


def test_the_oldest_traces_make_room_for_new_ones(tmp_path: Path) -> None:
    """Ten times what fits is written: the file keeps its size, the newest traces stay whole."""
    max_bytes = 2**20
    path = tmp_path / "small.sqlite3"
    written, dropped = 0, 0
    with closing(Storage(path, max_bytes)) as storage:
        while written < 10 * max_bytes:
            first = written // 1_000 + 1
            dropped += storage.write(batch_of(range(first, first + 10), filling=1_000))["traces"]
            written += 10_000
            assert storage.used_bytes() <= max_bytes
        assert path.stat().st_size <= max_bytes
        assert storage.used_bytes() > max_bytes / 2
        kept = listed(storage)
        with storage.reading() as database:
            sizes = reading.sizes(database)
            spans = int(database.execute("SELECT count(*) FROM spans").fetchone()[0])
    newest = written // 1_000
    assert [trace.trace_id for trace in kept] == [
        trace_id(number) for number in range(newest, newest - len(kept), -1)
    ]
    assert {trace.spans for trace in kept} == {2}
    assert sizes["traces"] + dropped == newest
    assert spans == 2 * sizes["traces"]


def test_logs_and_traces_are_dropped_by_one_age(tmp_path: Path) -> None:
    """Many spans push old log records out, and not the newest."""
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add().body.string_value = "a line"
    with closing(Storage(tmp_path / "small.sqlite3", 2**20)) as storage:
        storage.write(read_logs(request))
        for number in range(0, 2_000, 10):
            storage.write(batch_of(range(number + 1, number + 11), filling=1_000))
        storage.write(read_logs(request))
        with storage.reading() as database:
            assert len(reading.logs(database, "", 10)) == 1
            assert len(listed(storage)) > 1


def test_a_batch_larger_than_the_database_is_refused(tmp_path: Path) -> None:
    """And costs nothing of what is kept."""
    with closing(Storage(tmp_path / "small.sqlite3", 2**20)) as storage:
        storage.write(batch_of(range(1, 2)))
        with pytest.raises(BatchTooLargeError, match="too many for a database"):
            storage.write(batch_of(range(2, 3), filling=2**20))
        assert len(listed(storage)) == 1


def test_a_smaller_bound_than_before_shrinks_the_file(tmp_path: Path) -> None:
    """The next write makes room."""
    path = tmp_path / "shrunk.sqlite3"
    with closing(Storage(path, 2**24)) as storage:
        for number in range(0, 3_000, 100):
            storage.write(batch_of(range(number + 1, number + 101), filling=1_000))
    assert path.stat().st_size > 2**21
    with closing(Storage(path, 2**20)) as storage:
        storage.write(batch_of(range(5_000, 5_001)))
        assert listed(storage)[0].trace_id == trace_id(5_000)
    assert path.stat().st_size <= 2**20


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    """And what comes then counts as newer."""
    path = tmp_path / "folder" / "kept.sqlite3"
    for number in (1, 2):
        with closing(Storage(path, 2**24)) as storage:
            storage.write(batch_of(range(number, number + 1)))
    with closing(sqlite3.connect(path)) as database:
        received = database.execute("SELECT received FROM traces ORDER BY trace_id").fetchall()
    assert received == [(1,), (2,)]


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """Whether it is a database or not; it stays as it is."""
    text, other = tmp_path / "text", tmp_path / "other.sqlite3"
    text.write_text("no database\n" * 100, encoding="utf-8")
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE theirs (a)")
    before = [path.read_bytes() for path in (text, other)]
    for path in (text, other, tmp_path):
        with pytest.raises(StorageError, match="give another --database"):
            Storage(path, 2**20)
    assert [path.read_bytes() for path in (text, other)] == before
