"""Traces of our own OTLP receiver."""

from http import HTTPStatus
from typing import Any

from kafkascope_demo import web
from kafkascope_demo.tracestores.span import Link, Span


class Receiver:
    """Reads traces of `kafkascope-demo otlp-receiver`.

    Args:
        url: Its address, without a path.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def trace(self, trace_id: str) -> tuple[Span, ...]:
        """See ``TraceStore``."""
        try:
            found = web.get_json(f"{self._url}/api/traces/{trace_id}")
        except web.WebError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return ()
            raise
        return tuple(map(_span, found["spans"]))

    def page(self, trace_id: str) -> str:
        """See ``TraceStore``."""
        return f"{self._url}/traces/{trace_id}"


def _span(found: dict[str, Any]) -> Span:
    return Span(
        found["traceId"],
        found["spanId"],
        found["parentSpanId"],
        found["name"],
        str(found["kind"]).lower(),
        found["service"],
        found["attributes"],
        tuple(Link(link["traceId"], link["spanId"]) for link in found["links"]),
    )
