"""Whether one trace goes from an HTTP request over Kafka to the consumer, with its baggage."""

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.tracestores import Link, Span, open_store
from kafkascope_demo.verify.eventflow import event
from kafkascope_demo.verify.report import Check, Outcome

_NAME: Final = "one trace goes from the HTTP request over Kafka to the consumer"
_BAGGAGE: Final = "baggage of the HTTP request is in the consumer's span"
_EXPORTED_S: Final = 40.0
_FIX: Final = (
    "see that TRACING is not off, that the sampler is parent-based, and that "
    "kafkascope_demo_otlp_export_failures_total does not rise"
)


@dataclass(frozen=True, slots=True)
class Hop:
    """The spans of one trace on both sides of Kafka; each None when it is not there."""

    server: Span | None
    send: Span | None
    process: Span | None

    @classmethod
    def of(cls, spans: Sequence[Span], root: str) -> "Hop":
        """Find the hop below a root.

        Args:
            spans: A trace's spans.
            root: Span id that the HTTP request named as its parent.
        """
        server = next((s for s in spans if s.kind == "server" and s.parent_span_id == root), None)
        send = next(
            (s for s in spans if s.kind == "producer" and server and _below(s, server, spans)), None
        )
        process = next(
            (
                s
                for s in spans
                if s.kind == "consumer"
                and s.name.startswith("process")
                and send
                and _below(s, send, spans)
            ),
            None,
        )
        return cls(server, send, process)

    def broken(self) -> str | None:
        """Say what is missing; None when nothing is."""
        if self.server is None:
            return "no server span is a child of the request's"
        if self.send is None:
            return f"no producer span is below {self.server.name!r} of {self.server.service}"
        if self.process is None:
            return f"no consumer span that processes is below {self.send.name!r}"
        if self.process.service == self.send.service:
            return f"both sides call themselves {self.send.service}"
        if Link(self.send.trace_id, self.send.span_id) not in self.process.links:
            return f"{self.process.name!r} has no link to {self.send.name!r}"
        return None


def _below(span: Span, ancestor: Span, spans: Sequence[Span]) -> bool:
    by_id = {found.span_id: found for found in spans}
    for _ in spans:
        if span.parent_span_id == ancestor.span_id:
            return True
        if span.parent_span_id not in by_id:
            return False
        span = by_id[span.parent_span_id]
    return False


def _run(addresses: Addresses) -> Iterator[Outcome]:
    trace_id, root, mark = secrets.token_hex(16), secrets.token_hex(8), secrets.token_hex(8)
    headers = {
        "traceparent": f"00-{trace_id}-{root}-01",
        "baggage": f"kafkascope.verify={mark}",
    }
    url = f"{addresses.producer}/kafka/produce"
    web.request("POST", url, json=event(f"trace-{mark}"), headers=headers, timeout_s=30)
    store = open_store(addresses.traces)
    ends_at = time.monotonic() + _EXPORTED_S
    while True:
        spans = store.trace(trace_id)
        hop = Hop.of(spans, root)
        if hop.broken() is None or time.monotonic() >= ends_at:
            break
        time.sleep(0.5)
    yield _connected(hop, len(spans), store.page(trace_id))
    yield _with_baggage(hop, mark)


def _connected(hop: Hop, spans: int, page: str) -> Outcome:
    broken = hop.broken()
    if broken is not None:
        told = f"{broken} ({spans} spans within {_EXPORTED_S:.0f} s): {page}"
        return Outcome(_NAME, passed=False, evidence=told, fix=_FIX)
    path = " → ".join(
        f"{span.name} ({span.service})" for span in (hop.server, hop.send, hop.process) if span
    )
    return Outcome(_NAME, passed=True, evidence=f"{path}, with a link back: {page}")


def _with_baggage(hop: Hop, mark: str) -> Outcome:
    attributes = hop.process.attributes if hop.process else {}
    held = [name for name, value in attributes.items() if "baggage" in name and mark in str(value)]
    return Outcome(
        _BAGGAGE,
        passed=bool(held),
        evidence=f"{held[0]} has it" if held else "no attribute of the consumer's span holds it",
        fix="OTEL_PROPAGATORS must name baggage at both services, and the consumer needs "
        "OTEL_INSTRUMENTATION_MESSAGING_EXPERIMENTAL_HEADERS_INCLUDED=baggage",
    )


CHECK = Check(_NAME, _run, _FIX)
