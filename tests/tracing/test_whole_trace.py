from __future__ import annotations

from opentelemetry import baggage, context

from tests.tracing.clients import Cluster, poll
from tests.tracing.recorder import Recorder, Seen, SeenLink


def test_a_message_is_one_trace_from_the_request_to_what_its_processing_does(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Request, send, process, what the application does in it, and the commit: one literal."""
    telemetry = recorder.telemetry()
    producer, consumer = cluster.producer(telemetry), cluster.consumer(telemetry)
    with recorder.tracer.start_as_current_span("request"):
        token = context.attach(baggage.set_baggage("tenant", "a b"))
        producer.produce(cluster.topic, b"hello", key="k", partition=0)
        context.detach(token)
    assert producer.flush(30) == 0

    message = poll(consumer)
    with telemetry.process(message), recorder.tracer.start_as_current_span("work"):
        tenant = baggage.get_baggage("tenant")
    consumer.commit(message=message, asynchronous=False)

    assert (message.value(), message.key(), tenant) == (b"hello", b"k", "a b")
    cluster_id = (
        {"messaging.kafka.cluster.id": consumer.cluster_id(1)}
        if hasattr(consumer, "cluster_id")
        else {}
    )
    topic, group = cluster.topic, f"group-of-{cluster.topic}"
    client = {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": "0",
        "messaging.client.id": "app",
        "server.address": "127.0.0.1",
        "server.port": cluster.port,
    }
    consuming = {
        **client,
        "messaging.consumer.group.name": group,
        **cluster_id,
    }
    key_and_offset = {"messaging.kafka.message.key": "k", "messaging.kafka.offset": 0}
    assert recorder.spans() == [
        Seen("request", "INTERNAL", 1, 1, None, [], {}),
        Seen(
            f"send {topic}",
            "PRODUCER",
            1,
            2,
            1,
            [],
            {
                **client,
                **key_and_offset,
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
            },
        ),
        Seen(
            f"process {topic}",
            "CONSUMER",
            1,
            3,
            2,
            [SeenLink(2, {})],
            {
                **consuming,
                **key_and_offset,
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
            },
        ),
        Seen("work", "INTERNAL", 1, 4, 3, [], {}),
        Seen(
            f"commit {topic}",
            "CLIENT",
            1,
            5,
            3,
            [],
            {
                **consuming,
                "messaging.kafka.offset": 1,
                "messaging.operation.name": "commit",
                "messaging.operation.type": "settle",
            },
        ),
    ]
