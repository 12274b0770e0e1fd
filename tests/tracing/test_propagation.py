from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kafkascope_tracing import KafkaTelemetry
from kafkascope_tracing.headers import GETTER, SETTER, Header, captured, merged, pairs_of, text_of
from kafkascope_tracing.propagation import Propagation
from tests.tracing.clients import Cluster, poll
from tests.tracing.recorder import Recorder

EMPTY: Final = Context()
PROPAGATORS: Final[dict[str, TextMapPropagator]] = {
    "w3c": CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()]),
    "w3c without baggage": TraceContextTextMapPropagator(),
    "b3": B3SingleFormat(),
    "b3multi": B3MultiFormat(),
    "jaeger": JaegerPropagator(),
    "all": CompositePropagator(
        [TraceContextTextMapPropagator(), W3CBaggagePropagator(), B3MultiFormat()]
    ),
}

ids = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.just(True),  # noqa: FBT003 - a strategy's value
    st.sampled_from([TraceFlags(0), TraceFlags(1)]),
)
states = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True),
    max_size=3,
).map(lambda entries: TraceState(list(entries.items())))
entries_of_baggage = st.dictionaries(
    st.text("abc", min_size=1), st.text("xyz1", min_size=1), max_size=3
)
values = st.one_of(st.none(), st.binary(max_size=20), st.text(max_size=10))
names = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        ["traceparent", "tracestate", "baggage", "b3", "uber-trace-id", "x-b3-traceid"]
    ),
)
pairs = st.lists(st.tuples(names, values), max_size=6)


def propagation(name: str = "w3c", *, keep: bool = False) -> Propagation:
    """Make one that uses this propagator."""
    return Propagation(PROPAGATORS[name], keep_existing=keep)


@pytest.mark.parametrize("name", PROPAGATORS)
@given(context=ids, headers=pairs)
def test_what_is_written_is_read_again_whatever_the_headers_were(
    name: str, context: SpanContext, headers: list[Header]
) -> None:
    """By every propagator; the headers before stay, but for those of an older context."""
    before = list(headers)
    written: Any = propagation(name).injected(headers, NonRecordingSpan(context), EMPTY)
    found = get_current_span(propagation(name).extracted(written, EMPTY)).get_span_context()

    assert headers == before
    assert (found.trace_id, found.span_id) == (context.trace_id, context.span_id)
    assert found.trace_flags.sampled == context.trace_flags.sampled
    fields = PROPAGATORS[name].fields - {"baggage"}
    kept = [each for each in headers if each[0] not in fields and "b3" not in each[0]]
    assert [each for each in written if each in kept] == kept
    assert propagation(name).creation_context(written).span_id == context.span_id


@given(context=ids, state=states, entries=entries_of_baggage)
def test_our_own_writing_of_w3c_is_that_of_opentelemetrys(
    context: SpanContext, state: TraceState, entries: dict[str, str]
) -> None:
    """Byte for byte, with trace state and baggage."""
    span = NonRecordingSpan(
        SpanContext(context.trace_id, context.span_id, False, context.trace_flags, state)  # noqa: FBT003 - as it is called
    )
    current = EMPTY
    for name, value in entries.items():
        current = baggage.set_baggage(name, value, current)
    theirs: list[Header] = []
    PROPAGATORS["w3c"].inject(theirs, set_span_in_context(span, current), setter=SETTER)

    assert propagation().injected(None, span, current) == theirs
    assert dict(baggage.get_all(propagation().extracted(theirs, EMPTY))) == entries


traceparents = st.one_of(
    st.from_regex(rb"[ ]?[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-x)?", fullmatch=True),
    st.from_regex(rb"00-0{32}-[0-9a-f]{16}-01|00-[0-9a-f]{32}-0{16}-01", fullmatch=True),
    st.binary(max_size=60),
)


@given(st.lists(traceparents, min_size=1, max_size=3))
def test_our_own_reading_of_w3c_is_that_of_opentelemetrys(found: list[bytes]) -> None:
    """Valid, malformed, of another version, or no text at all."""
    headers: list[Header] = [("traceparent", value) for value in found]
    theirs = get_current_span(PROPAGATORS["w3c"].extract(headers, EMPTY, getter=GETTER))

    ours = propagation().creation_context(headers)
    assert ours == theirs.get_span_context()
    assert get_current_span(propagation().extracted(headers, EMPTY)).get_span_context() == ours


w3c_headers = st.lists(
    st.one_of(
        st.tuples(st.just("traceparent"), traceparents),
        st.tuples(st.just("tracestate"), st.from_regex(rb"[a-c]=[x-z]", fullmatch=True)),
        st.tuples(st.just("baggage"), st.from_regex(rb"[a-c]=[x-z](;p)?", fullmatch=True)),
        st.tuples(st.sampled_from(["tracestate", "baggage", "own"]), st.binary(max_size=4)),
    ),
    max_size=6,
)


@given(headers=w3c_headers)
def test_the_last_traceparent_counts_and_lists_are_joined(headers: list[Header]) -> None:
    """As one message that has each header once, in any order; what is no text counts as absent."""
    once: dict[str, str] = {}
    for name, value in headers:
        text = text_of(value)
        if text is not None:
            joins = name in once and name != "traceparent"
            once[name] = f"{once[name]},{text}" if joins else text

    ours = propagation().extracted(headers, EMPTY)
    theirs = PROPAGATORS["w3c"].extract(once, EMPTY)

    assert get_current_span(ours).get_span_context() == get_current_span(theirs).get_span_context()
    assert baggage.get_all(ours) == baggage.get_all(theirs)


@pytest.mark.parametrize("name", PROPAGATORS)
@given(headers=pairs)
def test_no_header_bytes_raise(name: str, headers: list[Header]) -> None:
    """Whatever somebody put into them."""
    found = propagation(name).extracted(headers, EMPTY)
    assert isinstance(found, Context)
    created = propagation(name).creation_context(headers)
    assert isinstance(created, SpanContext)


def test_a_message_without_headers_changes_no_context() -> None:
    """Not even into an equal one."""
    assert propagation().extracted(None, EMPTY) is EMPTY
    assert propagation().extracted([], EMPTY) is EMPTY
    assert propagation().extracted([("a", b"b")], EMPTY) is EMPTY
    assert not propagation().creation_context(None).is_valid


def test_nothing_is_written_where_there_is_nothing() -> None:
    """The caller's own object is then used as it is."""
    headers = {"a": b"b"}
    for name in PROPAGATORS:
        if not name.startswith("b3"):  # B3 writes an invalid span's id as well
            assert propagation(name).injected(headers, INVALID_SPAN, EMPTY) is headers


def test_a_kept_context_is_one_that_can_be_read() -> None:
    """Only with that option."""
    valid = [("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")]
    assert propagation().existing(valid) is None
    found = propagation(keep=True).existing(dict(valid))
    assert found is not None
    assert found.is_valid
    assert propagation(keep=True).existing([("traceparent", b"x")]) is None
    assert propagation(keep=True).existing(None) is None


def test_the_callers_baggage_header_goes_only_for_another() -> None:
    """It may be the application's own; what belongs to the stale trace goes."""
    headers: list[Header] = [("baggage", b"a=1"), ("tracestate", b"x=1"), ("traceparent", b"old")]
    fields = {"traceparent", "tracestate", "baggage"}
    assert merged(headers, [("traceparent", b"new")], fields) == [
        ("baggage", b"a=1"),
        ("traceparent", b"new"),
    ]
    assert merged(headers, [("baggage", b"b=2")], fields) == [*headers[1:], ("baggage", b"b=2")]


def test_headers_are_pairs() -> None:
    """Of a dict, a list or a tuple; else it is said what they are."""
    assert pairs_of({"a": b"1"}) == pairs_of([("a", b"1")]) == pairs_of((("a", b"1"),))
    assert pairs_of(None) == []
    with pytest.raises(TypeError, match="not int"):
        pairs_of(5)
    assert captured([("a", b"1"), ("a", "2"), ("b", b"3"), ("a", None)], "a".__eq__) == {
        "messaging.header.a": ["1", "2"]
    }


@pytest.mark.parametrize("name", ["b3", "b3multi", "jaeger"])
def test_other_propagators_carry_a_trace_through_kafka(
    cluster: Cluster, recorder: Recorder, name: str
) -> None:
    """The application's global one is used, whichever it is by then."""
    telemetry = recorder.telemetry()
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(PROPAGATORS[name])
    try:
        producer, consumer = cluster.producer(telemetry), cluster.consumer(telemetry)
        producer.produce(cluster.topic, b"v")
        producer.flush(30)
        with telemetry.process(poll(consumer)):
            pass
    finally:
        propagate.set_global_textmap(before)

    send, process = recorder.spans()
    assert (process.trace, process.parent) == (send.trace, send.span)


class Failing(TextMapPropagator):
    """A propagator that cannot."""

    @property
    def fields(self) -> set[str]:
        """Return none."""
        return set()

    def inject(self, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401 - whatever comes
        """Fail."""
        raise RuntimeError("cannot write")

    def extract(self, *_args: Any, **_kwargs: Any) -> Context:  # noqa: ANN401 - whatever comes
        """Fail."""
        raise RuntimeError("cannot read")


def test_a_propagator_that_fails_costs_no_message(
    cluster: Cluster, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """Messages come through without a context, spans are made, and one line is logged."""
    telemetry = (
        KafkaTelemetry.builder(recorder.provider, propagator=Failing())
        .set_messaging_receive_telemetry_enabled(True)
        .build()
    )
    producer, consumer = cluster.producer(telemetry), cluster.consumer(telemetry)
    producer.produce(cluster.topic, b"v", headers={"a": b"b"})
    producer.produce(cluster.topic, b"w", headers={"a": b"b"})
    producer.flush(30)
    for _ in range(2):
        message = poll(consumer)
        with telemetry.process(message):
            pass
        assert message.headers() == [("a", b"b")]
        assert telemetry.extract(message) == {}

    assert {span.name.split()[0] for span in recorder.spans()} >= {"send", "poll", "process"}
    assert len(caplog.messages) == 1
