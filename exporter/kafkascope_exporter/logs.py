"""The exporter's own log: a line per event on standard error, as logfmt or JSON.

A message may hold what others chose (a group id, an error text of a broker), so it is always
quoted and escaped: nothing in it can begin a line of its own.
"""

import asyncio
import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from typing import Final, Literal

_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_PLAIN: Final = re.compile(r"[\w.:+-]+", re.ASCII)
_FIELDS: Final = "fields"
_NAMES: Final = {value: name for name, value in _LEVELS.items()} | {logging.CRITICAL: "error"}


def fields(**given: str | float) -> dict[str, dict[str, str | float]]:
    """Give ``extra`` of a log call: what stands in fields of its own beside ``msg``.

    Args:
        given: names of log fields, as they are to be written, and their values.
    """
    return {_FIELDS: given}


class LineFormatter(logging.Formatter):
    """Writes a record as one line.

    Args:
        style_: ``logfmt`` or ``json``.
    """

    def __init__(self, style_: Literal["logfmt", "json"]) -> None:
        super().__init__()
        self._json = style_ == "json"

    def format(self, record: logging.LogRecord) -> str:
        """Give the line for ``record``, without its end."""
        line = {
            "time": _rfc3339(record.created),
            "level": _NAMES.get(record.levelno, record.levelname.lower()),
            "logger": record.name,
            "msg": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line) if self._json else _logfmt(line)


def set_up(level: str, style: Literal["logfmt", "json"]) -> None:
    """Send everything that is logged to standard error.

    Args:
        level: the least severe level to write: ``debug``, ``info``, ``warn`` or ``error``.
        style: ``logfmt`` or ``json``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(style))
    logging.basicConfig(level=_LEVELS[level], handlers=[handler], force=True)
    # Whatever a client sends would fill the log: uvicorn warns of each malformed request.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
    logging.getLogger("asyncio").setLevel(logging.ERROR)


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Tell apart from defects the requests that the end of the process cuts off."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _rfc3339(created: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created))
    return f"{whole}.{int(created % 1 * 1000):03}Z"


def _logfmt(line: Mapping[str, str | float]) -> str:
    return " ".join(f"{name}={_value(name, str(value))}" for name, value in line.items())


def _value(name: str, value: str) -> str:
    plain = name not in {"msg", "exception"} and _PLAIN.fullmatch(value)
    return value if plain else json.dumps(value)
