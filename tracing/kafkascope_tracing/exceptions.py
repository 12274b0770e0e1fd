"""Exceptions of messaging operations: as span events, log events, or both.

``OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN`` chooses; the log events are those of semconv v1.41,
``messaging.<operation>.exception``.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any, Final

from opentelemetry.context import get_current
from opentelemetry.trace import Span, set_span_in_context

from kafkascope_tracing.meters import SCHEMA_URL, SCOPE_NAME
from kafkascope_tracing.settings import Settings
from kafkascope_tracing.tracer import scope_version

_logger = logging.getLogger(__name__)

_WARN: Final = 13
_ERROR: Final = 17


class ExceptionRecorder:
    """Records exceptions as the settings say.

    Args:
        settings: Whether as span events, log events, or both.
        logger_provider: ``None`` for the global one.
    """

    __slots__ = ("_logger_provider", "_settings")

    def __init__(self, settings: Settings, logger_provider: Any) -> None:  # noqa: ANN401 - absent in old APIs
        self._settings = settings
        self._logger_provider = logger_provider

    def record(self, span: Span, operation: str, error: BaseException) -> None:
        """Record an exception of a span that has not ended.

        Args:
            span: Of the operation.
            operation: ``create``, ``send``, ``receive``, ``settle`` or ``process``.
            error: What was raised.
        """
        if self._settings.exception_events:
            span.record_exception(error)
        if self._settings.exception_logs:
            try:
                self._emit(span, operation, error)
            except Exception as failure:  # noqa: BLE001 - the API's logs are not stable
                _logger.warning("An exception could not be emitted as a log event: %r", failure)

    def _emit(self, span: Span, operation: str, error: BaseException) -> None:
        from opentelemetry._logs import LogRecord, SeverityNumber, get_logger  # noqa: PLC0415 - opt-in

        logger = get_logger(
            SCOPE_NAME, scope_version(), self._logger_provider, schema_url=SCHEMA_URL
        )
        kind = type(error)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        logger.emit(
            LogRecord(
                context=set_span_in_context(span, get_current()),
                severity_number=SeverityNumber(_ERROR if operation == "process" else _WARN),
                event_name=f"messaging.{operation}.exception",
                attributes={
                    "exception.type": f"{module}{kind.__qualname__}",
                    "exception.message": str(error),
                    "exception.stacktrace": "".join(traceback.format_exception(error)),
                },
            )
        )
