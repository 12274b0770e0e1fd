"""The demo's event, in both formats."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_demo.events import Event, NoEventError, PayloadFormat, read, read_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SHIN_KAFKA = Event("シン・Kafka", "Shuhei Kawamura", "2024-04-10 19:00")


@given(st.builds(Event, TEXTS, TEXTS, TEXTS))
def test_json_comes_back_as_it_was(event: Event) -> None:
    """Whatever characters it has."""
    assert read(event.encode("json")) == event


@given(st.builds(Event, TEXTS, TEXTS, TEXTS))
def test_java_text_is_read_again_and_means_the_same_text(event: Event) -> None:
    """Fields may be cut elsewhere where they hold the text between them; nothing is lost."""
    again = read(event.encode("java-tostring"))
    assert again.to_java() == event.to_java()
    if ", speaker=" not in event.title:
        assert again.title == event.title


def test_the_formats_are_those_of_the_talk() -> None:
    """Java's is `Event.toString()`; JSON has the three fields and nothing else."""
    java = "Event [title=シン・Kafka, speaker=Shuhei Kawamura, date=2024-04-10 19:00]"
    assert SHIN_KAFKA.encode("java-tostring").decode() == java
    assert json.loads(SHIN_KAFKA.encode("json")) == {
        "title": "シン・Kafka",
        "speaker": "Shuhei Kawamura",
        "date": "2024-04-10 19:00",
    }


@pytest.mark.parametrize("payload_format", ["json", "java-tostring"])
def test_the_reader_tells_the_formats_apart(payload_format: PayloadFormat) -> None:
    """A topic may hold both, after the setting was changed."""
    assert read(SHIN_KAFKA.encode(payload_format)) == SHIN_KAFKA


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (None, "empty", "there is no value"),
        (b"", "empty", "there is no value"),
        (b"\xff not an event", "not_utf8", "this is not UTF-8: invalid start byte"),
        (b"Event [title=\xff]", "not_utf8", "this is not UTF-8: invalid start byte"),
        (b"hello", "not_json", "this is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"[" * 100_000, "not_json", "this JSON is nested too deeply"),
        (b"[]", "not_an_event", "an event is a JSON object"),
        (b'{"title":"a","speaker":"b"}', "not_an_event", "the field date is missing"),
        (b'{"title":1,"speaker":"b","date":"c"}', "not_an_event", "the field title is not a str"),
        (b'{"title":"\\ud800","speaker":"","date":""}', "not_an_event", "half a surrogate pair"),
        (b"Event [title=a]", "not_an_event", "does not end like Event"),
    ],
)
def test_what_is_no_event_has_a_reason(value: bytes | None, reason: str, detail: str) -> None:
    """A word for a label, and a sentence for people."""
    with pytest.raises(NoEventError, match=r".*") as raised:
        read(value)
    assert raised.value.reason == reason
    assert detail in str(raised.value)


def test_fields_that_are_not_the_events_are_left_out() -> None:
    """As Java's JSON-B does."""
    assert read_json(b'{"title":"a","speaker":"b","date":"c","more":[1]}') == Event("a", "b", "c")


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(value: bytes) -> None:
    """They are an event, or they have a reason."""
    reason = None
    try:
        read(value)
    except NoEventError as error:
        reason = error.reason
    assert reason in {None, "empty", "not_utf8", "not_json", "not_an_event"}
