"""Traces of Jaeger 2, over its HTTP query API v3, which answers with OTLP in JSON."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from kafkascope_demo import web
from kafkascope_demo.tracestores.span import Link, Span

_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
"""By number, as in OTLP's ``Span.SpanKind``."""


class Jaeger:
    """Reads traces of a Jaeger 2 query service.

    Args:
        url: Its address, without a path; port 16686 as a rule.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def trace(self, trace_id: str) -> tuple[Span, ...]:
        """See ``TraceStore``."""
        try:
            found = web.get_json(f"{self._url}/api/v3/traces/{trace_id}")
        except web.WebError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return ()
            raise
        return tuple(_spans(found.get("result", {}).get("resourceSpans", ())))

    def page(self, trace_id: str) -> str:
        """See ``TraceStore``."""
        return f"{self._url}/trace/{trace_id}"


def _spans(resources: Iterable[dict[str, Any]]) -> Iterator[Span]:
    for resource in resources:
        of_resource = _attributes(resource.get("resource", {}).get("attributes", ()))
        service = str(of_resource.get("service.name", ""))
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                yield _span(span, service)


def _span(found: dict[str, Any], service: str) -> Span:
    links = (Link(link["traceId"], link["spanId"]) for link in found.get("links", ()))
    return Span(
        found["traceId"],
        found["spanId"],
        found.get("parentSpanId") or None,
        found["name"],
        _KINDS[found.get("kind", 0)],
        service,
        _attributes(found.get("attributes", ())),
        tuple(links),
    )


def _attributes(found: Iterable[dict[str, Any]]) -> dict[str, object]:
    """Give attributes by name; a list's value as it is written, which is enough to look into."""
    return {item["key"]: next(iter(item["value"].values()), None) for item in found}
