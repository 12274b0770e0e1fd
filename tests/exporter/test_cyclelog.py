"""What an operator reads of collection cycles."""

import logging
from dataclasses import replace

import pytest

from kafkascope_exporter.cyclelog import CycleLog
from kafkascope_exporter.logs import LineFormatter
from kafkascope_exporter.model import CycleReport, Failure

SIZES = {"brokers": 3, "topics": 2, "partitions": 12, "groups": 1}
GOOD = CycleReport(
    started_at=1000.0,
    duration=0.1,
    succeeded=True,
    overran=False,
    durations={"metadata": 0.0512},
    cpu={},
    requests={},
    failures=(),
    missing={},
    held={},
    sizes=SIZES,
)
AWAY = replace(GOOD, succeeded=False, unreachable="broker1:9092: Connection refused", sizes={})
SILENT = replace(GOOD, failures=(Failure("ListOffsets", "3", "TIMED_OUT", 12),))


def told(caplog: pytest.LogCaptureFixture, *reports: CycleReport, level: str = "INFO") -> list[str]:
    """The lines of some cycles after a first good one, without time and logger."""
    log = CycleLog()
    log.add(GOOD)
    caplog.clear()
    with caplog.at_level(level):
        for report in reports:
            log.add(report)
    lines = (LineFormatter("logfmt").format(record) for record in caplog.records)
    return [line.split(" logger=kafkascope_exporter.cyclelog ")[1] for line in lines]


def test_a_failure_is_logged_when_it_begins_and_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not in every cycle."""
    assert told(caplog, SILENT, SILENT, SILENT, GOOD, GOOD) == [
        'msg="a call fails" api=ListOffsets broker=3 code=TIMED_OUT count=12',
        'msg="a call works again" api=ListOffsets broker=3 code=TIMED_OUT',
    ]


def test_a_cluster_that_is_away_is_one_line_until_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The failures of single calls neither end nor begin anew meanwhile."""
    back = replace(SILENT, started_at=1042.0)
    connect = replace(AWAY, failures=(Failure("Connect", "", "NETWORK_EXCEPTION"),))
    assert told(caplog, SILENT, AWAY, connect, AWAY, back) == [
        'msg="a call fails" api=ListOffsets broker=3 code=TIMED_OUT count=12',
        'msg="cannot collect: broker1:9092: Connection refused"',
        'msg="collecting again" after_seconds=42',
    ]


def test_a_new_reason_is_a_new_line(caplog: pytest.LogCaptureFixture) -> None:
    """Bootstrap servers and known brokers are tried in turns: each says its own, once."""
    refused = replace(AWAY, unreachable="broker1:9092: Authentication failed")
    assert told(caplog, AWAY, refused, AWAY, refused) == [
        'msg="cannot collect: broker1:9092: Connection refused"',
        'msg="cannot collect: broker1:9092: Authentication failed"',
    ]


def test_the_first_success_says_what_there_is(caplog: pytest.LogCaptureFixture) -> None:
    """So that a start that works is seen to work."""
    with caplog.at_level(logging.INFO):
        CycleLog().add(GOOD)
    assert caplog.messages == ["collected for the first time"]
    line = LineFormatter("logfmt").format(caplog.records[0])
    assert line.endswith("brokers=3 topics=2 partitions=12 groups=1")


def test_a_cluster_without_visible_topics_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Mostly the principal lacks DESCRIBE."""
    CycleLog().add(replace(GOOD, sizes=SIZES | {"topics": 0, "partitions": 0}))
    assert ["no topic is visible" in message for message in caplog.messages] == [True]


def test_the_debug_log_tells_the_phases(caplog: pytest.LogCaptureFixture) -> None:
    """In seconds, to the millisecond."""
    assert told(caplog, GOOD, level="DEBUG") == ['msg="cycle over" seconds=0.100 metadata=0.051']
