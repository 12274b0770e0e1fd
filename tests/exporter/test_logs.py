import asyncio
import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_exporter.logs import LineFormatter, fields, set_up

LOGFMT = re.compile(
    r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(?P<level>\S+) logger=(?P<logger>\S+)"
    r' msg=(?P<msg>"(?:[^"\\]|\\.)*")(?: exception=(?P<exception>"(?:[^"\\]|\\.)*"))?'
)


def record(message: str, level: int = logging.INFO, error: BaseException | None = None) -> str:
    """Format a record as logfmt."""
    return LineFormatter("logfmt").format(made(message, level, error))


def made(
    message: str, level: int = logging.INFO, error: BaseException | None = None
) -> logging.LogRecord:
    """Make a record."""
    info = (type(error), error, None) if error else None
    return logging.LogRecord("kafkascope.test", level, __file__, 1, "%s", (message,), info)


@given(st.text())
def test_whatever_the_message_it_is_one_line_of_logfmt(message: str) -> None:
    """A group id or a broker's error text cannot begin a line of its own or add a field."""
    line = record(message)
    found = LOGFMT.fullmatch(line)
    assert found
    assert json.loads(found["msg"]) == message
    assert len(line.splitlines()) == 1


@given(st.text())
def test_whatever_the_message_it_is_one_line_of_json(message: str) -> None:
    """Readable by any parser, in ASCII."""
    line = LineFormatter("json").format(made(message))
    assert json.loads(line)["msg"] == message
    assert len(line.splitlines()) == 1
    assert line.isascii()


@given(st.text())
def test_whatever_the_value_of_a_field_it_stays_one_field(value: str) -> None:
    """Plain values stand as they are, the others are quoted and escaped."""
    with_fields = made("said")
    vars(with_fields).update(fields(group=value, count=3))
    line = LineFormatter("logfmt").format(with_fields)
    found = re.search(r' msg="said" group=([\w.:+-]+|"(?:[^"\\]|\\.)*") count=3$', line, re.ASCII)
    assert found
    assert (json.loads(found[1]) if found[1].startswith('"') else found[1]) == value
    assert len(line.splitlines()) == 1
    assert json.loads(LineFormatter("json").format(with_fields))["group"] == value


@pytest.mark.parametrize(
    ("level", "name"),
    [
        (logging.DEBUG, "debug"),
        (logging.INFO, "info"),
        (logging.WARNING, "warn"),
        (logging.ERROR, "error"),
        (logging.CRITICAL, "error"),
    ],
)
def test_levels_have_the_names_that_the_flag_takes(level: int, name: str) -> None:
    """So that a line can be searched for by what the flag says."""
    found = LOGFMT.fullmatch(record("x", level))
    assert found
    assert found["level"] == name


def test_an_exception_stays_in_the_line() -> None:
    """Its traceback has many."""
    line = record("failed", logging.ERROR, ValueError("a\nb"))
    found = LOGFMT.fullmatch(line)
    assert found
    assert "ValueError: a\nb" in json.loads(found["exception"])


@pytest.fixture
def restored() -> Iterator[None]:
    """Give logging back as pytest had it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    uvicorn = logging.getLogger("uvicorn.error")
    filters = list(uvicorn.filters)
    root.handlers = []  # so that `force` closes none of pytest's
    yield
    root.handlers, uvicorn.filters = handlers, filters
    root.setLevel(level)
    for name in ("uvicorn", "asyncio"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("style", ["logfmt", "json"])
def test_the_level_decides_what_is_written_to_standard_error(
    capsys: pytest.CaptureFixture[str], style: Literal["logfmt", "json"]
) -> None:
    """What is less severe is left out, and standard output stays empty."""
    set_up("warn", style)
    logging.getLogger("test").info("unheard")
    logging.getLogger("test").warning("heard")
    written = capsys.readouterr()
    assert "unheard" not in written.err
    assert "heard" in written.err
    assert written.out == ""
    assert len(written.err.splitlines()) == 1


@pytest.mark.usefixtures("restored")
def test_what_clients_do_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """Malformed requests, and requests cut off at the end, are not news; defects are."""
    set_up("debug", "logfmt")
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.warning("Invalid HTTP request received.")
    for error in (asyncio.CancelledError(), ValueError("a defect")):
        try:
            raise error
        except type(error):
            uvicorn.error("Exception in ASGI application", exc_info=sys.exc_info())
    (line,) = capsys.readouterr().err.splitlines()
    assert "a defect" in line
