"""The demo's event, and the two formats that it has in Kafka: JSON, and Java's ``toString()``."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Final, Literal

PayloadFormat = Literal["json", "java-tostring"]
FIELDS: Final = ("title", "speaker", "date")

_JAVA: Final = re.compile(r"Event \[title=(.*?), speaker=(.*?), date=(.*)\]", re.DOTALL)


class NoEventError(ValueError):
    """Something is no event.

    Args:
        reason: One of few words, fit for a label: ``empty``, ``not_utf8``, ``not_json``,
            ``not_an_event``.
        detail: What is wrong with it, for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Event:
    """An announcement of a talk.

    Args:
        title: Of the talk.
        speaker: Who gives it.
        date: When, as text; the demo does not look into it.
    """

    title: str
    speaker: str
    date: str

    def encode(self, payload_format: PayloadFormat) -> bytes:
        """Give the value of the record that carries this event."""
        return self.to_json() if payload_format == "json" else self.to_java().encode()

    def to_json(self) -> bytes:
        """Give the event as compact JSON in UTF-8."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode()

    def to_java(self) -> str:
        """Give the event as the ``toString()`` of the talk's Java class does."""
        return f"Event [title={self.title}, speaker={self.speaker}, date={self.date}]"


def read_json(data: bytes) -> Event:
    """Read an event from JSON; fields that are not the event's are left out.

    Args:
        data: JSON in UTF-8.

    Raises:
        NoEventError: This is no JSON, no object, or a field is missing or no string.
    """
    try:
        found = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NoEventError("not_utf8", f"this is not UTF-8: {error.reason}") from error
    except RecursionError as error:
        raise NoEventError("not_json", "this JSON is nested too deeply") from error
    except ValueError as error:
        raise NoEventError("not_json", f"this is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise NoEventError("not_an_event", "an event is a JSON object")
    return Event(*(_field(found, name) for name in FIELDS))


def read(data: bytes | None) -> Event:
    """Read an event from the value of a record, whichever of the two formats it has.

    Java's text is ambiguous where a title holds ``, speaker=``: the title then ends at the first.

    Args:
        data: The value; None is a tombstone.

    Raises:
        NoEventError: It is no event.
    """
    if not data:
        raise NoEventError("empty", "there is no value")
    if data.startswith(b"Event ["):
        return _read_java(data)
    return read_json(data)


def _read_java(data: bytes) -> Event:
    try:
        found = _JAVA.fullmatch(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NoEventError("not_utf8", f"this is not UTF-8: {error.reason}") from error
    if found is None:
        raise NoEventError("not_an_event", "this does not end like Event [title=…, speaker=…, …]")
    return Event(*found.groups())


def _field(found: dict[str, object], name: str) -> str:
    if name not in found:
        raise NoEventError("not_an_event", f"the field {name} is missing")
    value = found[name]
    if not isinstance(value, str):
        raise NoEventError("not_an_event", f"the field {name} is not a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NoEventError(
            "not_an_event", f"the field {name} has half a surrogate pair, which no text has"
        ) from error
    return value
