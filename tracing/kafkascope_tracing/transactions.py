"""A producer's transactions: one span from the begin to the commit or abort."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.context import get_current

from kafkascope_tracing.attributes import TRANSACTION, TRANSACTION_OUTCOME
from kafkascope_tracing.errors import error_type
from kafkascope_tracing.sending import Sending
from kafkascope_tracing.tracer import is_suppressed


def begin(sending: Sending, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the client returns
    """Begin a transaction and its span; messages sent in it are its children or link to it.

    Raises:
        Exception: Whatever the client raises; there is no span then.
    """
    result = call()
    begun(sending)
    return result


def begun(sending: Sending) -> None:
    """Start the span of a transaction that has begun."""
    end(sending, "abandoned")
    telemetry = sending.telemetry
    context = get_current()
    wanted = telemetry.settings.enabled and telemetry.settings.transaction_spans
    if wanted and telemetry.spans.is_active() and not is_suppressed(context):
        base = sending.attributes.span_base(TRANSACTION, None)
        sending.transaction = telemetry.spans.start(base, context, base.attributes)


def conclude(sending: Sending, outcome: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - as above
    """Commit or abort, and end the span with it.

    Args:
        sending: Of the producer.
        outcome: ``commit`` or ``abort``.
        call: The client's own method with its arguments.

    Raises:
        Exception: Whatever the client raises.
    """
    with concluding(sending, outcome):
        return call()


@contextmanager
def concluding(sending: Sending, outcome: str) -> Iterator[None]:
    """End the span with the commit or abort in the ``with`` block.

    A failed commit leaves the span open when the application can still try again or abort.
    """
    try:
        yield
    except Exception as error:
        inner = error.args[0] if error.args else None
        if getattr(inner, "fatal", bool)():
            end(sending, outcome, error)
        raise
    end(sending, outcome)


def end(sending: Sending, outcome: str, error: BaseException | None = None) -> None:
    """End the span of the open transaction, if there is one."""
    span, sending.transaction = sending.transaction, None
    if span is not None:
        sending.telemetry.spans.end(
            span,
            {TRANSACTION_OUTCOME: outcome},
            "" if error is None else error_type(error),
            None if error is None else str(error),
        )
