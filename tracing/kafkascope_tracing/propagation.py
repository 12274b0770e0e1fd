"""The context in message headers, by the application's propagator.

OpenTelemetry's default (W3C trace context and baggage) is written and read here, 1 to 2 µs where
the general way takes 5 to 8; every other propagator is called as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, TypeGuard

from opentelemetry import baggage, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import (
    INVALID_SPAN,
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kafkascope_tracing.headers import (
    GETTER,
    SETTER,
    Header,
    HeaderValue,
    merged,
    pairs_of,
    text_of,
)
from kafkascope_tracing.scopes import with_span

_TRACEPARENT: Final = re.compile(
    r"[ \t]*([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?[ \t]*"
)
_FLAGS: Final = {f"{flags:02x}": TraceFlags(flags) for flags in range(256)}
_USUAL_LENGTH: Final = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
_HEXADECIMAL: Final = b"0123456789abcdef"
_DASH: Final = ord("-")
_B3: Final = frozenset(
    {
        "b3",
        *(f"x-b3-{part}" for part in ("traceid", "spanid", "parentspanid", "sampled", "flags")),
    }
)
"""B3's two formats: whoever reads one takes the other as well."""
_BAGGAGE: Final = W3CBaggagePropagator()
_EMPTY: Final = Context()


class Propagation:
    """Writes and reads contexts.

    Args:
        propagator: ``None`` for the global one, whichever that is at each message.
        keep_existing: Leave headers alone that hold a context already.
    """

    __slots__ = ("_fields", "_given", "_is_w3c", "_keep_existing", "_known")

    def __init__(self, propagator: TextMapPropagator | None, *, keep_existing: bool) -> None:
        self._given = propagator
        self._keep_existing = keep_existing
        self._known: TextMapPropagator | None = None
        self._fields: Collection[str] = ()
        self._is_w3c = False

    def _propagator(self) -> TextMapPropagator:
        propagator = self._given or propagate.get_global_textmap()
        if propagator is not self._known:
            self._is_w3c = _is_w3c(propagator)
            self._fields = _related(propagator.fields)
            self._known = propagator
        return propagator

    def existing(self, headers: object) -> SpanContext | None:
        """Return the context that is to be kept in the caller's headers, None when there is none.

        Raises:
            TypeError: The headers are not what a client takes.
        """
        if not self._keep_existing or not headers:
            return None
        found = self.creation_context(headers)
        return found if found.is_valid else None

    def injected(self, headers: object, span: Span, context: Context) -> object:
        """Return headers that carry the span and the context's baggage; what was given is kept.

        Args:
            headers: What the caller gave.
            span: The creation context; an invalid one is not written.
            context: Where the baggage is.

        Raises:
            TypeError: The headers are not what a client takes.
            Exception: Whatever the propagator raises.
        """
        if headers is not None and not isinstance(headers, dict | list):
            return headers  # the client refuses it, as it does without us
        propagator = self._propagator()
        added: list[Header] = []
        if self._is_w3c:
            _write_w3c(added, span.get_span_context(), context)
        else:
            propagator.inject(added, set_span_in_context(span, context), setter=SETTER)
        if not added:
            return headers
        return merged(headers, added, self._fields)

    def extracted(self, headers: object, context: Context) -> Context:
        """Return ``context`` with the span and baggage that the headers carry, if any.

        Args:
            headers: Of a message.
            context: What the result is derived from.

        Raises:
            TypeError: The headers are not what a client gives.
            Exception: Whatever the propagator raises.
        """
        return self.received(headers, context)[0]

    def received(self, headers: object, context: Context) -> tuple[Context, SpanContext | None]:
        """Return what `extracted` does, and the span context among it, None when there is none.

        Args:
            headers: Of a message.
            context: What the result is derived from.

        Raises:
            TypeError: The headers are not what a client gives.
            Exception: Whatever the propagator raises.
        """
        if not headers:
            return context, None
        propagator = self._propagator()
        pairs = headers if isinstance(headers, list) else pairs_of(headers)
        if self._is_w3c:
            found, lists = _read_w3c(pairs)
            if not lists:
                if found is None:
                    return context, None
                return with_span(NonRecordingSpan(found), context), found
        derived = propagator.extract(pairs, context, getter=GETTER)
        span = get_current_span(derived)
        created = span.get_span_context()
        is_carried = created.is_valid and span is not get_current_span(context)
        return derived, created if is_carried else None

    def creation_context(self, headers: object) -> SpanContext:
        """Return the span context that the headers carry, an invalid one if there is none.

        Raises:
            TypeError: The headers are not what a client gives.
            Exception: Whatever the propagator raises.
        """
        if not headers:
            return INVALID_SPAN_CONTEXT
        propagator = self._propagator()
        pairs = headers if isinstance(headers, list) else pairs_of(headers)
        if self._is_w3c:
            found, lists = _read_w3c(pairs)
            if "tracestate" not in lists:
                return found or INVALID_SPAN_CONTEXT
        # An invalid span, so that no propagator falls back to the current one.
        context = propagator.extract(
            pairs, set_span_in_context(INVALID_SPAN, _EMPTY), getter=GETTER
        )
        return get_current_span(context).get_span_context()


def _related(fields: Collection[str]) -> frozenset[str]:
    """Return the headers of a propagator with those that its readers take instead of them."""
    return frozenset(fields) | (_B3 if _B3.intersection(fields) else frozenset())


def _is_w3c(propagator: TextMapPropagator) -> bool:
    parts = getattr(propagator, "_propagators", ())
    return type(propagator) is CompositePropagator and [type(part) for part in parts] == [
        TraceContextTextMapPropagator,
        W3CBaggagePropagator,
    ]


def _write_w3c(added: list[Header], span_context: SpanContext, context: Context) -> None:
    if span_context.is_valid:
        traceparent = b"00-%032x-%016x-%02x" % (
            span_context.trace_id,
            span_context.span_id,
            span_context.trace_flags,
        )
        added.append(("traceparent", traceparent))
        if span_context.trace_state:
            added.append(("tracestate", span_context.trace_state.to_header().encode()))
    if context and baggage.get_all(context):
        _BAGGAGE.inject(added, context, setter=SETTER)


def _read_w3c(pairs: list[Header]) -> tuple[SpanContext | None, tuple[str, ...]]:
    """Return what headers carry in W3C's formats.

    Returns:
        The span context of the last traceparent that is text, read as OpenTelemetry's propagator
        does; and which of the other two headers there are, which only the propagators read.
    """
    found: SpanContext | None = None
    lists: tuple[str, ...] = ()
    for name, value in pairs:
        if name == "traceparent":
            if _is_usual(value):
                found = _span_context(value[3:35], value[36:52], value[53:].decode())
            else:
                text = text_of(value)
                found = found if text is None else _parsed(text)
        elif name == "baggage" or name == "tracestate":  # noqa: PLR1714 - half the time of a set
            lists += (name,)
    return found, lists


def _is_usual(value: HeaderValue) -> TypeGuard[bytes]:
    """Whether a traceparent is of version 00 and well-formed: 0.6 µs less than by the pattern."""
    return (
        type(value) is bytes
        and len(value) == _USUAL_LENGTH
        and value[:3] == b"00-"
        and value[35] == _DASH == value[52]
        and value.translate(None, _HEXADECIMAL) == b"---"
    )


def _parsed(traceparent: str) -> SpanContext | None:
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (rest and version == "00"):
        return None
    return _span_context(trace_id, span_id, flags)


def _span_context(trace_id: str | bytes, span_id: str | bytes, flags: str) -> SpanContext | None:
    found = SpanContext(int(trace_id, 16), int(span_id, 16), True, _FLAGS[flags])  # noqa: FBT003 - 0.2 µs less than by name
    return found if found.is_valid else None
