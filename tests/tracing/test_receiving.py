from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Consumer as RawConsumer
from confluent_kafka import KafkaError, TopicPartition

from kafkascope_tracing import KafkaTelemetry, KafkaTelemetryBuilder
from kafkascope_tracing.attributes import ClientAttributes
from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.interceptors import Chain
from kafkascope_tracing.receiving import Receiving
from tests.tracing.clients import Cluster, consume, poll
from tests.tracing.messages import Message
from tests.tracing.recorder import Recorder, SeenLink

OFFSET = "messaging.kafka.offset"
PARTITION_ID = "messaging.destination.partition.id"


def with_receive_spans(recorder: Recorder) -> KafkaTelemetryBuilder:
    """Begin a telemetry with poll spans."""
    return recorder.builder().set_messaging_receive_telemetry_enabled(True)


def traced(number: int, **parts: Any) -> Message:  # noqa: ANN401 - of a Message
    """Make a message whose creation context has this span id."""
    headers = [("traceparent", b"00-%032x-%016x-01" % (99, number))]
    return Message(**{"headers": headers, "offset": number, **parts})


def receive(telemetry: KafkaTelemetry, messages: list[Message]) -> list[Any]:
    """Receive messages as from one consume()."""
    config = {"group.id": "g", "client.id": "app"}
    receiving = Receiving(telemetry, config, Chain(()), ClusterId(None))
    return list(receiving.consume(lambda: messages, (), {}))


def test_polls_have_no_spans_by_default(cluster: Cluster, recorder: Recorder) -> None:
    """Neither those with a message nor empty ones."""
    cluster.send(b"1")
    consumer = cluster.consumer(recorder.telemetry())
    poll(consumer)
    assert consumer.poll(0) is None
    assert recorder.spans() == []


def test_a_poll_span_lasts_as_long_as_the_poll_and_links_to_its_message(
    cluster: Cluster, recorder: Recorder
) -> None:
    """It is a client's, a trace of its own, and empty polls have none."""
    telemetry = with_receive_spans(recorder).build()
    producer, consumer = cluster.producer(telemetry), cluster.consumer(telemetry)
    assert consumer.poll(0) is None
    producer.produce(cluster.topic, b"v", key="k", partition=1)
    producer.flush(30)
    poll(consumer)

    send, received = recorder.spans()
    assert (received.name, received.kind) == (f"poll {cluster.topic}", "CLIENT")
    assert (received.parent, received.trace) == (None, 2)
    assert received.links == [SeenLink(send.span, {})]
    assert received.attributes[OFFSET] == 0
    assert received.attributes[PARTITION_ID] == "1"
    assert received.attributes["messaging.kafka.message.key"] == "k"
    assert received.attributes["messaging.operation.type"] == "receive"
    assert "messaging.batch.message_count" not in received.attributes
    span = recorder.ended()[-1]
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time > span.start_time


def test_links_of_a_batch_tell_what_the_span_cannot(recorder: Recorder) -> None:
    """Topic and partition are on the span where they are the same, else on the links."""
    telemetry = with_receive_spans(recorder).build()
    receive(telemetry, [traced(1), traced(2, key=b"k")])
    receive(telemetry, [traced(3), traced(4, partition=5)])
    receive(telemetry, [traced(5), traced(6, topic="bills", headers=None), traced(7)])

    same, partitions, topics = recorder.spans()
    assert same.attributes[PARTITION_ID] == "0"
    assert same.links == [
        SeenLink(1, {OFFSET: 1}),
        SeenLink(2, {OFFSET: 2, "messaging.kafka.message.key": "k"}),
    ]
    assert PARTITION_ID not in partitions.attributes
    assert partitions.links[1] == SeenLink(4, {OFFSET: 4, PARTITION_ID: "5"})
    assert (topics.name, "messaging.destination.name" in topics.attributes) == ("poll", False)
    assert topics.attributes["messaging.batch.message_count"] == 3
    assert [link.span for link in topics.links] == [5, 7]
    assert topics.links[0].attributes["messaging.destination.name"] == "orders"


def test_no_link_is_dropped_where_the_sdk_keeps_128(recorder: Recorder) -> None:
    """A poll of 500 becomes four spans; the others link to the first; the counts add up."""
    receive(with_receive_spans(recorder).build(), [traced(1000 + n) for n in range(500)])

    spans = recorder.spans()
    first = spans[0]
    assert [len(span.links) for span in spans] == [128, 128, 128, 119]
    assert all(span.links[0].span == first.span for span in spans[1:])
    linked = [link.span for span in spans for link in span.links if link.span != first.span]
    assert linked == [1000 + n for n in range(500)]
    assert [span.attributes["messaging.batch.message_count"] for span in spans] == [
        *(128, 127, 127),
        118,
    ]
    assert {(each.start_time, each.end_time) for each in recorder.ended()} == {
        (recorder.ended()[0].start_time, recorder.ended()[0].end_time)
    }


def test_a_higher_limit_is_used_where_it_is_told(recorder: Recorder) -> None:
    """Then it is one span; that SDK's limit must really be as high."""
    telemetry = with_receive_spans(recorder).set_link_limit(500).build()
    receive(telemetry, [traced(1 + n) for n in range(100)])

    assert [len(span.links) for span in recorder.spans()] == [100]
    with pytest.raises(ValueError, match="at least 1"):
        recorder.builder().set_link_limit(0)


@pytest.mark.parametrize("headers", [[("traceparent", b"\xff")], [("traceparent", None)], None])
def test_bad_headers_cost_no_message(
    recorder: Recorder,
    headers: Any,  # noqa: ANN401 - anything that may be in them
) -> None:
    """They come out as they are, without a link."""
    bad = traced(1, headers=headers)
    assert receive(with_receive_spans(recorder).build(), [bad, traced(2)])[0] is bad
    assert [link.span for link in recorder.spans()[0].links] == [2]


def test_error_messages_come_out_as_they_are(recorder: Recorder) -> None:
    """They are no received messages, and alone make no span."""
    end = Message(error=KafkaError(KafkaError._PARTITION_EOF))
    telemetry = with_receive_spans(recorder).build()
    assert receive(telemetry, [end]) == [end]
    assert recorder.spans() == []
    good = traced(1)
    assert receive(telemetry, [end, good]) == [end, good]
    assert recorder.spans()[0].attributes["messaging.batch.message_count"] == 1


def test_a_poll_that_raises_is_an_error_span(cluster: Cluster, recorder: Recorder) -> None:
    """Where poll spans are on; the client's own exception comes out."""
    consumer = cluster.consumer(with_receive_spans(recorder).build())
    consumer.close()
    cluster.forget()
    for call in (consumer.poll, consumer.consume):
        with pytest.raises(RuntimeError):
            call()

    assert [span.attributes["error.type"] for span in recorder.spans()] == ["RuntimeError"] * 2


@pytest.mark.parametrize(
    ("method", "args", "kwargs"),
    [
        ("poll", (None,), {}),
        ("poll", ("x",), {}),
        ("consume", (-1,), {}),
        ("consume", (), {"num_messages": 10**9}),
        ("commit", (), {"message": 5}),
        ("commit", (), {"offsets": 5}),
        ("store_offsets", (), {}),
        ("assign", (5,), {}),
        ("subscribe", ("t",), {}),
    ],
)
def test_arguments_that_the_client_refuses_are_refused_in_the_same_way(
    cluster: Cluster,
    recorder: Recorder,
    method: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    """The same exception with and without us."""
    raised = []
    raw = RawConsumer(cluster.consumer_config())
    for consumer in (raw, cluster.consumer(recorder.telemetry())):
        with pytest.raises(Exception) as error:  # noqa: PT011 - compared below
            getattr(consumer, method)(*args, **kwargs)
        raised.append((type(error.value), str(error.value)))
    raw.close()

    assert raised[0] == raised[1]


def test_nothing_is_traced_where_tracing_is_disabled(cluster: Cluster, recorder: Recorder) -> None:
    """The clients are then confluent_kafka's own in all that they do."""
    telemetry = recorder.builder().set_enabled(False).set_process_spans("implicit").build()
    producer, consumer = cluster.producer(telemetry), cluster.consumer(telemetry)
    with recorder.tracer.start_as_current_span("request"):
        producer.produce(cluster.topic, b"v")
    producer.flush(30)
    message = poll(consumer)
    with telemetry.process(message):
        pass
    consumer.commit(message=message, asynchronous=False)

    assert message.headers() is None
    assert [span.name for span in recorder.spans()] == ["request"]


def test_consumers_learn_the_clusters_id_without_waiting(
    cluster: Cluster, recorder: Recorder
) -> None:
    """It is on the first span after a message came, where the client can tell it."""
    cluster.send(b"1")
    consumer = cluster.consumer(with_receive_spans(recorder).build())
    poll(consumer)
    expected = consumer.cluster_id(5) if hasattr(consumer, "cluster_id") else None

    assert recorder.spans()[0].attributes.get("messaging.kafka.cluster.id") == expected


def test_a_cluster_id_is_asked_for_ever_more_seldom() -> None:
    """The 1st, 2nd, 4th and 8th time; what the client raises is nothing to us."""

    class Client:
        asked = 0

        def cluster_id(self, timeout: float) -> str:
            assert timeout == 0
            self.asked += 1
            if self.asked < 4:
                raise RuntimeError("not known yet")
            return "the-id"

    client = Client()
    cluster_id, attributes = ClusterId(client), ClientAttributes({}, role="producer")
    asked = []
    for _ in range(9):
        cluster_id.learn(attributes)
        asked.append(client.asked)

    assert asked == [1, 2, 2, 3, 3, 3, 3, 4, 4]
    assert attributes.cluster_id == "the-id"


def test_consume_gives_what_poll_gives(cluster: Cluster, recorder: Recorder) -> None:
    """Every message of the topic, in order, with poll spans on."""
    values = [str(n).encode() for n in range(300)]
    cluster.send(*values, partition=0)
    consumer = cluster.consumer(with_receive_spans(recorder).build())
    got = [message.value() for message in consume(consumer, 300)]
    consumer.assign([TopicPartition(cluster.topic, 0, 0)])
    again = [poll(consumer).value() for _ in range(300)]

    assert got == again == values
