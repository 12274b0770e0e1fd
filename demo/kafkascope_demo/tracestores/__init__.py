"""Where traces are read back: our own receiver, Jaeger, OpenObserve; one shape of span for all."""

from kafkascope_demo.addresses import TraceBackend
from kafkascope_demo.tracestores.jaeger import Jaeger
from kafkascope_demo.tracestores.openobserve import OpenObserve
from kafkascope_demo.tracestores.receiver import Receiver
from kafkascope_demo.tracestores.span import Link, Span, TraceStore

__all__ = ["Link", "Span", "TraceStore", "open_store"]


def open_store(backend: TraceBackend) -> TraceStore:
    """Give the reader of a backend's traces."""
    match backend.kind:
        case "receiver":
            return Receiver(backend.url)
        case "jaeger":
            return Jaeger(backend.url)
        case "openobserve":
            return OpenObserve(backend.url, backend.authorization)
