"""Traces of OpenObserve, over its HTTP API.

Written after its source (``SELECT *`` on the trace stream, whose columns are the span's fields, its
attributes and its resource's, each ``.`` of a name a ``_``); OpenObserve itself cannot be run where
Kafkascope is tested.
"""

import json
import time
from typing import Any, Final

from kafkascope_demo import web
from kafkascope_demo.tracestores.span import Link, Span

_LOOK_BACK_S: Final = 3600
_STREAM: Final = "default"
_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")


class OpenObserve:
    """Reads traces of an OpenObserve organization's stream ``default``.

    Args:
        url: Its address with the organization, as exporters have it: ``http://HOST:5080/api/default``.
        authorization: Value of the header ``Authorization``; None sends none.
    """

    def __init__(self, url: str, authorization: str | None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": authorization} if authorization else {}

    def trace(self, trace_id: str) -> tuple[Span, ...]:
        """See ``TraceStore``; what began within the last hour."""
        now = time.time()
        begin, end = (int(at * 1e6) for at in (now - _LOOK_BACK_S, now + 60))
        found = web.get_json(
            f"{self._url}/{_STREAM}/traces/{trace_id}/details?start_time={begin}&end_time={end}",
            self._headers,
        )
        return tuple(map(_span, found.get("hits", ())))

    def page(self, trace_id: str) -> str:
        """See ``TraceStore``."""
        root, _, organization = self._url.partition("/api/")
        return (
            f"{root}/web/traces/trace-details?stream={_STREAM}&trace_id={trace_id}"
            f"&org_identifier={organization}"
        )


def _span(hit: dict[str, Any]) -> Span:
    links = (link["context"] for link in json.loads(hit.get("links") or "[]"))
    return Span(
        hit["trace_id"],
        hit["span_id"],
        hit.get("reference_parent_span_id") or None,
        hit["operation_name"],
        _kind(hit.get("span_kind", 0)),
        hit["service_name"],
        hit,
        tuple(Link(link["traceId"], link["spanId"]) for link in links),
    )


def _kind(told: object) -> str:
    """Give the kind's name, which OpenObserve stores as its number or as its name by version."""
    text = str(told).lower().removeprefix("span_kind_")
    return _KINDS[int(text)] if text.isdigit() and int(text) < len(_KINDS) else text
