import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kafkascope_exporter.accept import wants_gzip, wants_openmetrics

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_2_WITH_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,"
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
CURL = "*/*"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PROMETHEUS_2, True),
        (PROMETHEUS_2_WITH_PROTOBUF, True),
        (PROMETHEUS_3, True),
        (CURL, False),
        (BROWSER, False),
        ("", False),
        ("text/plain;version=0.0.4", False),
        ("application/openmetrics-text", True),
        ("APPLICATION/OpenMetrics-Text ; Version=1.0.0", True),
        ('application/openmetrics-text;version="1.0.0"', True),
        ("application/openmetrics-text;version=2.0.0", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=0.000,text/plain", False),
        ("application/openmetrics-text;q=0.4,text/plain;q=0.5", False),
        ("application/openmetrics-text;q=0.5,text/plain;q=0.5", True),
        ("application/openmetrics-text;q=lots", False),
        ("application/openmetrics-text;q=-1", False),
        ("application/openmetrics-text;q=nan", False),
        (",,;;,=;q,", False),
    ],
)
def test_openmetrics_is_given_to_who_prefers_it_to_text(accept: str, expected: bool) -> None:  # noqa: FBT001 - the expected answer
    """Prometheus prefers it; curl, browsers and whoever does not know its version get text."""
    assert wants_openmetrics(accept) is expected


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("gzip, deflate, br", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip;q=0.001", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=maybe", False),
        ("identity, gzip;q=0.5", False),
        ("identity;q=0.5, gzip", True),
        ("identity;q=0.5, *;q=0.5", True),
        (";q=1,gzi p", False),
    ],
)
def test_gzip_is_given_to_who_takes_it(accept_encoding: str, expected: bool) -> None:  # noqa: FBT001 - the expected answer
    """A quality of 0 refuses it, and what names gzip goes before the asterisk."""
    assert wants_gzip(accept_encoding) is expected


@given(st.text() | st.text(alphabet='gzip*;,q=0.1 "'))
@example("gzip;q=1e999")
@example("gzip;q=" + "9" * 5000)
def test_no_header_is_too_strange_to_answer(header: str) -> None:
    """Whatever the header, there is an answer."""
    assert wants_gzip(header) in {True, False}
    assert wants_openmetrics(header) in {True, False}
