"""``/metrics`` of the services, with exemplars that name the trace of an observation."""

from flask import Blueprint, Response, request
from opentelemetry.trace import get_current_span
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder


def metrics_page(registry: CollectorRegistry) -> Blueprint:
    """Make the resource ``/metrics``: OpenMetrics where it is asked for, else Prometheus' text.

    Exemplars are in OpenMetrics only.

    Args:
        registry: What it exposes.
    """
    page = Blueprint("metrics", __name__)

    @page.get("/metrics")
    def get_metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type)

    return page


def exemplar() -> dict[str, str] | None:
    """Name the current span, for an observation in it; None where none is current and sampled."""
    context = get_current_span().get_span_context()
    if not context.is_valid or not context.trace_flags.sampled:
        return None
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
