"""A producer process and a consumer process, each with the SDK and OTLP set up by its own code."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import LocalKafka
from tests.integration.otlp import OtlpReceiver, ReceivedSpan, otlp_receiver

COUNT = 10_000
SCRIPTS = Path(__file__).with_name("by_hand")

pytestmark = pytest.mark.timeout(300)


def run(receiver: OtlpReceiver, script: str, *arguments: str) -> str:
    """Run a script; its output. It must succeed in silence."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / f"{script}.py", *arguments],
        env={
            **os.environ,
            **receiver.environment,
            "OTEL_SERVICE_NAME": script,
            # Enough for all spans of the run: the SDK drops what its queue cannot hold.
            "OTEL_BSP_MAX_QUEUE_SIZE": str(4 * COUNT),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_one_trace_from_request_to_processing_across_two_processes(
    cluster: LocalKafka, topic: str, group: str, admin: AdminClient
) -> None:
    """10,000 messages: none lost or changed, parent and link of each right, baggage readable."""
    servers = cluster.bootstrap_servers
    with otlp_receiver() as receiver:
        run(receiver, "producer", servers, topic, str(COUNT))
        output = run(receiver, "consumer", servers, topic, group, str(COUNT))
        spans = receiver.spans

    lines = [json.loads(line) for line in output.splitlines()]
    assert [(line["key"], line["value"], line["number"]) for line in lines] == [
        (f"key {n}", f"value {n}", str(n)) for n in range(COUNT)
    ]
    assert {line["tenant"] for line in lines} == {"ochacafe"}
    assert {tuple(line["context"]) for line in lines} == {("baggage", "traceparent")}

    found = Counter((span.service, span.kind, span.name) for span in spans)
    assert found == {
        ("producer", "SERVER", "POST /kafka/produce"): 1,
        ("producer", "PRODUCER", f"send {topic}"): COUNT,
        ("consumer", "CONSUMER", f"process {topic}"): COUNT,
        ("consumer", "CLIENT", f"commit {topic}"): 1,
    }
    root, sends, processes = sorted_out(spans)
    assert root.parent_id == ""
    assert {span.trace_id for span in spans} == {root.trace_id}
    assert {send.parent_id for send in sends.values()} == {root.span_id}
    assert all(span.links == ((root.trace_id, span.parent_id),) for span in processes)
    assert [line["span"] for line in lines] == [process.span_id for process in processes]
    offsets = "messaging.kafka.offset"
    assert [sends[span.parent_id].attributes[offsets] for span in processes] == list(range(COUNT))
    (commit,) = (span for span in spans if span.kind == "CLIENT")
    assert commit.parent_id == processes[-1].span_id
    assert not any(span.error for span in spans)
    assert committed(admin, group, topic) == COUNT


def sorted_out(
    spans: list[ReceivedSpan],
) -> tuple[ReceivedSpan, dict[str, ReceivedSpan], list[ReceivedSpan]]:
    """The root, the send spans by id, and the process spans in the order of their offsets."""
    (root,) = (span for span in spans if span.kind == "SERVER")
    sends = {span.span_id: span for span in spans if span.kind == "PRODUCER"}
    processes = [span for span in spans if span.kind == "CONSUMER"]
    processes.sort(key=lambda span: int(span.attributes["messaging.kafka.offset"]))
    return root, sends, processes


def committed(admin: AdminClient, group: str, topic: str) -> int:
    """The group's committed offset of the topic's one partition, as the broker has it."""
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0)])
    told = admin.list_consumer_group_offsets([asked])[group].result(10)
    return int(told.topic_partitions[0].offset)
