"""Programs that know nothing of kafkascope-tracing, started by `opentelemetry-instrument`."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from kafkascope_demo.localkafka import LocalKafka
from tests.integration.otlp import OtlpReceiver, ReceivedSpan, otlp_receiver

COUNT = 10_000
SCRIPTS = Path(__file__).with_name("zero_code")
INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")

pytestmark = pytest.mark.timeout(300)


def run(receiver: OtlpReceiver, script: str, *arguments: str) -> str:
    """Run a script under `opentelemetry-instrument`; its output. It must succeed in silence."""
    done = subprocess.run(
        [INSTRUMENT, sys.executable, SCRIPTS / f"{script}.py", *arguments],
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


def test_one_trace_from_request_to_processing_without_a_change_in_the_code(
    cluster: LocalKafka, topic: str, group: str
) -> None:
    """10,000 messages: none lost or changed, each with its send and its process span.

    The consumer commits by itself: the commit when it closes belongs to the last message.
    """
    servers = cluster.bootstrap_servers
    with otlp_receiver() as receiver:
        run(receiver, "producer", servers, topic, str(COUNT))
        output = run(receiver, "consumer", servers, topic, group, str(COUNT))
        spans = receiver.spans

    lines = [json.loads(line) for line in output.splitlines()]
    expected = [(f"key {n}", f"value {n}") for n in range(COUNT)]
    assert [(line["key"], line["value"]) for line in lines] == expected
    assert {line["tenant"] for line in lines} == {"ochacafe"}
    assert {tuple(line["headers"]) for line in lines} == {("baggage", "traceparent")}

    commits = [span for span in spans if span.name == f"commit {topic}"]
    rest = [span for span in spans if span.name != f"commit {topic}"]
    root, sends, processes = sort_out(rest, topic)
    assert {span.trace_id for span in rest} == {root.trace_id}
    assert {send.parent_id for send in sends.values()} == {root.span_id}
    assert Counter(process.parent_id for process in processes) == Counter(sends.keys())
    assert all(span.links == ((root.trace_id, span.parent_id),) for span in processes)
    assert [line["span"] for line in lines] == [process.span_id for process in processes]
    assert commits[-1].attributes["messaging.kafka.offset"] == COUNT
    assert commits[-1].parent_id == processes[-1].span_id
    assert not any(span.error for span in spans)


def sort_out(
    spans: list[ReceivedSpan], topic: str
) -> tuple[ReceivedSpan, dict[str, ReceivedSpan], list[ReceivedSpan]]:
    """The root, the send spans by id, and the process spans in the order of their offsets."""
    found = Counter((span.service, span.kind, span.name) for span in spans)
    assert found == {
        ("producer", "SERVER", "POST /kafka/produce"): 1,
        ("producer", "PRODUCER", f"send {topic}"): COUNT,
        ("consumer", "CONSUMER", f"process {topic}"): COUNT,
    }
    (root,) = (span for span in spans if span.kind == "SERVER")
    sends = {span.span_id: span for span in spans if span.kind == "PRODUCER"}
    processes = [span for span in spans if span.kind == "CONSUMER"]
    processes.sort(key=lambda span: int(span.attributes["messaging.kafka.offset"]))
    return root, sends, processes
