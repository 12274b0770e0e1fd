import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kafkascope_exporter.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("15s", 15.0),
        ("300ms", 0.3),
        ("1h2m3.5s", 3723.5),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("-1.5h", -5400.0),
        ("+2m", 120.0),
        ("1us", 1e-6),
        ("1\N{MICRO SIGN}s", 1e-6),
        ("1\N{GREEK SMALL LETTER MU}s", 1e-6),
        ("0.3333333333333333333s", 0.333333333),
    ],
)
def test_a_go_duration_is_read_as_go_reads_it(text: str, seconds: float) -> None:
    """The examples are those of Go's time.ParseDuration."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "3 s",
        "s",
        ".s",
        "1d",
        "1e3s",
        "--1s",
        "1h-2m",
        "15s\n",
        "\N{ARABIC-INDIC DIGIT TWO}s",
    ],
)
def test_what_go_refuses_is_refused(text: str) -> None:
    """The message shows the text and how to write it."""
    with pytest.raises(ValueError, match="is not a duration: write it with its unit"):
        parse_duration(text)


def test_a_duration_beyond_go_is_refused() -> None:
    """Go holds nanoseconds in 64 bits."""
    with pytest.raises(ValueError, match="longer than a duration can be"):
        parse_duration("2562048h")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (90, "1m30s"), (3600, "1h"), (10.5, "10.5s"), (0.3, "300ms"), (-0.0015, "-1.5ms")],
)
def test_a_duration_is_written_as_a_person_would(seconds: float, text: str) -> None:
    """Without units that are zero."""
    assert format_duration(seconds) == text


@given(st.integers(min_value=-(2**53), max_value=2**53))
@example(4_503_599_627_370_491)
def test_a_written_duration_reads_back(nanoseconds: int) -> None:
    """format_duration and parse_duration are inverse for all that floats can tell apart."""
    seconds = nanoseconds / 1_000_000_000
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.text())
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    """Nothing else than ValueError leaves the parser."""
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert parse_duration(format_duration(seconds)) == seconds
