"""Logs of the services: on standard error, a line for each event, with the trace that it is of."""

import logging
import sys
from typing import Final

_FORMAT: Final = (
    "%(asctime)s %(levelname)s %(name)s trace_id=%(trace)s span_id=%(span)s %(message)s"
)
_LINE_BREAKS: Final = str.maketrans(
    {"\n": "\\n", "\r": "\\r", "\x0b": "\\v", "\x0c": "\\f", "\x85": "\\x85", "\x1b": "\\x1b"}
    | {"\u2028": "\\u2028", "\u2029": "\\u2029"}
)


class LineFormatter(logging.Formatter):
    """Formats a record as one line, whatever the text in it; "-" where it belongs to no trace.

    The ids are those that OpenTelemetry's instrumentation of ``logging`` puts into records.
    """

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        trace, span = getattr(record, "otelTraceID", "0"), getattr(record, "otelSpanID", "0")
        record.trace, record.span = ("-" if id_ == "0" else id_ for id_ in (trace, span))
        return super().format(record).translate(_LINE_BREAKS)


def start_logging() -> None:
    """Log from ``INFO`` on to standard error, in the place of what wrote there before.

    Handlers of other kinds stay, such as the one that sends logs by OTLP.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler) is logging.StreamHandler:
            root.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    root.addHandler(handler)
    root.setLevel(logging.INFO)
