"""When the verifier calls a trace connected across Kafka."""

from dataclasses import replace

import pytest

from kafkascope_demo.tracestores import Link, Span
from kafkascope_demo.verify.tracing import Hop

ROOT = "00000000000000aa"
TRACE = "0" * 31 + "1"
SERVER = Span(TRACE, "01", ROOT, "POST /kafka/produce", "server", "kafka-producer")
INNER = Span(TRACE, "02", "01", "validate", "internal", "kafka-producer")
SEND = Span(TRACE, "03", "02", "send t", "producer", "kafka-producer")
PROCESS = Span(
    TRACE, "04", "03", "process t", "consumer", "kafka-consumer", links=(Link(TRACE, "03"),)
)


def broken(*spans: Span) -> str | None:
    """What the verifier has against a trace."""
    return Hop.of(spans, ROOT).broken()


def test_a_trace_from_request_to_processing_is_connected() -> None:
    """In whatever order the spans come, and with spans between."""
    assert broken(PROCESS, SEND, INNER, SERVER) is None


@pytest.mark.parametrize(
    ("spans", "told"),
    [
        ((), "no server span is a child of the request's"),
        ((SERVER,), "no producer span is below 'POST /kafka/produce' of kafka-producer"),
        ((SERVER, replace(SEND, parent_span_id="77")), "no producer span is below"),
        ((SERVER, INNER, SEND), "no consumer span that processes is below 'send t'"),
        (
            (SERVER, INNER, SEND, replace(PROCESS, name="poll t")),
            "no consumer span that processes is below 'send t'",
        ),
        ((SERVER, INNER, SEND, replace(PROCESS, links=())), "'process t' has no link to 'send t'"),
        (
            (SERVER, INNER, SEND, replace(PROCESS, service="kafka-producer")),
            "both sides call themselves kafka-producer",
        ),
    ],
)
def test_what_is_missing_is_named(spans: tuple[Span, ...], told: str) -> None:
    """The first span of the path that is not there, or not as it should be."""
    assert told in (broken(*spans) or "")


def test_parents_that_form_a_ring_do_not_hang_the_verifier() -> None:
    """A backend may give anything."""
    one, two = replace(SEND, parent_span_id="09"), replace(INNER, span_id="09", parent_span_id="03")
    assert broken(SERVER, one, two) is not None
