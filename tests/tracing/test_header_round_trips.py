"""Whatever the headers are: through Kafka they come out as without us, and with the context."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, Final

import pytest
from confluent_kafka import Producer as RawProducer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry import baggage, context
from opentelemetry.trace import get_current_span

import kafkascope_tracing
from tests.tracing.aioclients import run
from tests.tracing.clients import Cluster, consume
from tests.tracing.mockcluster import mock_cluster
from tests.tracing.recorder import Recorder

CONTEXT: Final = ("traceparent", "tracestate", "baggage")
# Long and short, any text but the zero byte, at which the client ends a name.
names = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    st.sampled_from([*CONTEXT, "b3", "Traceparent", ""]),
)
values = st.one_of(
    st.none(),
    st.binary(max_size=40),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(
        ["00-" + "a" * 32 + "-" + "b" * 16 + "-01", b"\xff\xfe", b"", "a=1,b=2;c", "=,;", b"00-"]
    ),
)
lists = st.lists(st.tuples(names, values), max_size=8)
headers_of_messages = st.lists(
    st.one_of(st.none(), lists, st.dictionaries(names, values, max_size=8)),
    min_size=1,
    max_size=10,
)
topics = count(1)

Send = Callable[[str, str, Any, list[Any]], None]
"""Sends messages with the headers to partition 0; servers, topic, telemetry, headers."""


def send_one_by_one(servers: str, topic: str, telemetry: Any, all_headers: list[Any]) -> None:  # noqa: ANN401 - a KafkaTelemetry
    """Send by ``produce``."""
    producer = Cluster(servers, topic).producer(telemetry)
    for number, headers in enumerate(all_headers):
        producer.produce(topic, b"%d" % number, partition=0, headers=headers)
    assert producer.flush(30) == 0


def send_batch(servers: str, topic: str, telemetry: Any, all_headers: list[Any]) -> None:  # noqa: ANN401 - a KafkaTelemetry
    """Send by ``produce_batch``."""
    producer = Cluster(servers, topic).producer(telemetry)
    messages = [
        {"value": b"%d" % number, "headers": headers} for number, headers in enumerate(all_headers)
    ]
    assert producer.produce_batch(topic, messages, partition=0) == len(messages)
    assert producer.flush(30) == 0


def send_asyncio(servers: str, topic: str, telemetry: Any, all_headers: list[Any]) -> None:  # noqa: ANN401 - a KafkaTelemetry
    """Send by an asyncio producer."""

    async def program() -> None:
        config = {**Cluster(servers, topic).config(), "kafkascope.telemetry": telemetry}
        producer = kafkascope_tracing.AIOProducer(config, max_workers=1, buffer_timeout=0)
        for number, headers in enumerate(all_headers):
            await producer.produce(topic, b"%d" % number, partition=0, headers=headers)
        await producer.flush()
        await producer.close()

    run(program)


WAYS: Final[list[Send]] = [
    send_one_by_one,
    *([send_batch] if hasattr(RawProducer, "produce_batch") else []),
    *([send_asyncio] if "AIOProducer" in kafkascope_tracing.__all__ else []),
]


@pytest.fixture(scope="module")
def servers() -> Any:  # noqa: ANN401 - an iterator
    """Run a mock cluster for many topics."""
    with mock_cluster() as found:
        yield found


def received(cluster: Cluster, expected: int) -> list[Any]:
    """Receive all messages of partition 0, and close."""
    consumer = cluster.consumer(None)
    found = consume(consumer, expected)
    cluster.close()
    return found


def pairs(headers: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - of a message
    """Return headers but those of the context."""
    return [each for each in headers or [] if each[0] not in CONTEXT]


@pytest.mark.parametrize("send", WAYS, ids=lambda each: each.__name__)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(all_headers=headers_of_messages)
def test_headers_are_those_of_the_raw_client_and_the_context_is_ours(
    servers: str, send: Send, all_headers: list[Any]
) -> None:
    """In order, with repetitions, for lists, dicts and none; what is given stays as it is."""
    recorder = Recorder()
    telemetry = recorder.telemetry()
    given_headers = [
        headers.copy() if isinstance(headers, list | dict) else headers for headers in all_headers
    ]
    cluster = Cluster(servers, f"topic-{next(topics)}")
    raw = Cluster(servers, f"topic-{next(topics)}")
    producer = RawProducer(raw.config())
    for headers in all_headers:
        producer.produce(raw.topic, b"v", partition=0, headers=headers)
    assert producer.flush(30) == 0

    token = context.attach(baggage.set_baggage("owner", "us"))
    send(servers, cluster.topic, telemetry, all_headers)
    context.detach(token)

    assert all_headers == given_headers
    found, expected = received(cluster, len(all_headers)), received(raw, len(all_headers))
    assert [message.value() for message in found] == [b"%d" % n for n in range(len(found))]
    assert [pairs(each.headers()) for each in found] == [pairs(each.headers()) for each in expected]
    creators = {span.span for span in recorder.spans("send") + recorder.spans("create")}
    for message in found:
        written = [name for name, _ in message.headers()]
        assert [written.count(name) for name in CONTEXT] == [1, 0, 1]
        carried = telemetry.extract(message)
        assert get_current_span(carried).get_span_context().span_id in creators
        assert baggage.get_all(carried) == {"owner": "us"}
