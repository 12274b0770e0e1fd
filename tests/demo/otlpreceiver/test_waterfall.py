"""Each span of a trace is drawn once, below its parent, where its time is."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from kafkascope_demo.otlpreceiver.reading import IncomingLink
from kafkascope_demo.otlpreceiver.waterfall import MOST_ROWS, waterfall
from kafkascope_demo.otlpreceiver.wording import duration_text, time_text

TRACE = f"{1:032x}"


def span(
    number: int, parent: int | None = None, start: int = 0, end: int = 100, service: str = "a"
) -> dict[str, Any]:
    """Give a span as the API does, reduced to what is drawn."""
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        "parentSpanId": None if parent is None else f"{parent:016x}",
        "name": f"span {number}",
        "service": service,
        "startTimeUnixNano": start,
        "endTimeUnixNano": end,
        "links": [],
        "status": {"code": "UNSET", "message": ""},
    }


NUMBERS = some.integers(1, 30)
SPANS = some.lists(
    some.builds(
        span,
        NUMBERS,
        some.none() | NUMBERS,
        some.integers(0, 2**63 - 1),
        some.integers(0, 2**63 - 1),
    ),
    min_size=1,
    unique_by=lambda one: one["spanId"],
)


@given(SPANS)
def test_every_span_has_one_row_whatever_their_parents_are(spans: list[dict[str, Any]]) -> None:
    """Also rings, spans that are their own parent, missing parents, and clocks that disagree."""
    drawn = waterfall(spans)
    ids = [row.span["spanId"] for row in drawn.rows]
    assert sorted(ids) == sorted(span["spanId"] for span in spans)
    for row in drawn.rows:
        assert 0 <= row.left <= 100
        assert 0 < row.width <= 100
        assert row.duration >= 0
        if row.depth:
            parent = drawn.rows[ids.index(row.span["parentSpanId"])]
            assert parent.depth == row.depth - 1
            assert ids.index(row.span["parentSpanId"]) < ids.index(row.span["spanId"])


def test_bars_are_where_the_time_was() -> None:
    """In percent of the trace."""
    drawn = waterfall([span(1, start=1_000, end=2_000), span(2, 1, start=1_250, end=1_750)])
    assert [(row.depth, row.left, row.width) for row in drawn.rows] == [(0, 0, 100), (1, 25, 50)]
    assert drawn.ticks == (0, 250, 500, 750, 1000)


def test_a_span_whose_parent_has_not_come_says_so() -> None:
    """It stands where a root does."""
    (row,) = waterfall([span(2, 1)]).rows
    assert (row.depth, row.orphan) == (0, True)


def test_links_are_known_at_both_ends() -> None:
    """Within the trace by service and name, and from other traces."""
    sent, processed = span(1, service="producer"), span(2, start=50, service="consumer")
    processed["links"] = [
        {"traceId": TRACE, "spanId": sent["spanId"]},
        {"traceId": "f" * 32, "spanId": "e" * 16},
    ]
    incoming = [
        IncomingLink(sent["spanId"], TRACE, processed["spanId"], "span 2", "consumer"),
        IncomingLink(sent["spanId"], "d" * 32, "c" * 16, "elsewhere", "batch"),
    ]
    first, second = waterfall([sent, processed], incoming).rows
    assert [(link.label, link.here) for link in second.links] == [
        ("producer: span 1", True),
        ("e" * 16, False),
    ]
    assert [(link.label, link.here) for link in first.linked_from] == [
        ("consumer: span 2", True),
        ("batch: elsewhere", False),
    ]


def test_a_huge_trace_is_drawn_in_part() -> None:
    """A chain deeper than Python's recursion too; the count stays that of all."""
    drawn = waterfall([span(number, number - 1 or None) for number in range(1, MOST_ROWS + 500)])
    assert (len(drawn.rows), drawn.spans) == (MOST_ROWS, MOST_ROWS + 499)
    assert drawn.rows[-1].depth == MOST_ROWS - 1


def test_durations_and_times_are_worded_for_people() -> None:
    """Three digits and a unit; UTC."""
    words = [duration_text(number) for number in (0, 999, 1_500, 12_345_678, 123_456_789_000)]
    assert words == ["0 ns", "999 ns", "1.5 µs", "12.3 ms", "123 s"]
    assert time_text(1_780_000_000_123_456_789) == "2026-05-28 20:26:40.123"
    assert time_text(2**63 - 1).startswith("2262-04-11")
