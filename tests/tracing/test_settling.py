from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Consumer as RawConsumer
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from kafkascope_tracing import KafkaTelemetry
from kafkascope_tracing.attributes import ClientAttributes
from kafkascope_tracing.metrics import OPERATION_DURATION
from kafkascope_tracing.processed import Processed
from kafkascope_tracing.settling import OpenCommits
from tests.tracing.clients import Cluster, poll, wait_for
from tests.tracing.collected import new_collector
from tests.tracing.recorder import Recorder


def test_a_commit_in_the_process_span_is_its_child(cluster: Cluster, recorder: Recorder) -> None:
    """A synchronous one ends when the client returns."""
    telemetry = recorder.telemetry()
    cluster.send(b"1", partition=0)
    consumer = cluster.consumer(telemetry)
    message = poll(consumer)
    with telemetry.process(message):
        committed = consumer.commit(message=message, asynchronous=False)

    process, commit = recorder.spans()
    assert committed[0].offset == 1
    assert (commit.name, commit.kind, commit.parent) == (
        f"commit {cluster.topic}",
        "CLIENT",
        process.span,
    )
    assert commit.attributes["messaging.operation.type"] == "settle"
    assert commit.attributes["messaging.kafka.offset"] == 1


def test_a_commit_after_several_partitions_links_to_what_processed_them(
    cluster: Cluster, recorder: Recorder
) -> None:
    """It has one parent only where it is about one partition."""
    telemetry = recorder.telemetry()
    for partition in (0, 1):
        cluster.send(b"1", partition=partition)
    consumer = cluster.consumer(telemetry)
    for _ in range(2):
        with telemetry.process(poll(consumer)):
            pass
    offsets = [TopicPartition(cluster.topic, partition, 1) for partition in (0, 1)]
    consumer.commit(offsets=offsets, asynchronous=False)
    consumer.commit(offsets=offsets[:1], asynchronous=False)

    both, one = recorder.spans("commit")
    processes = {span.span for span in recorder.spans("process")}
    assert both.parent is None
    assert {link.span for link in both.links} == processes
    assert one.parent in processes


@pytest.mark.skipif(
    not hasattr(RawConsumer, "__exit__"), reason="this confluent-kafka takes no None for a message"
)
def test_a_commit_by_position_tells_what_it_commits(cluster: Cluster, recorder: Recorder) -> None:
    """As one by keyword does."""
    consumer = cluster.consumer(recorder.telemetry())
    cluster.send(b"v", partition=2)
    consumer.commit(None, [TopicPartition(cluster.topic, 2, 5)], False)  # noqa: FBT003 - as the client's signature allows

    (commit,) = recorder.spans("commit")
    assert commit.attributes["messaging.destination.partition.id"] == "2"
    assert commit.attributes["messaging.kafka.offset"] == 5


def test_an_asynchronous_commit_ends_with_its_result(cluster: Cluster, recorder: Recorder) -> None:
    """Which a poll serves; the user's own on_commit runs as well."""
    results: list[Any] = []
    cluster.send(b"1", partition=0)
    consumer = cluster.consumer(
        recorder.telemetry(), on_commit=lambda *result: results.append(result)
    )
    message = poll(consumer)
    consumer.commit(message=message)
    assert recorder.spans() == []
    wait_for(lambda: consumer.poll(0.1) is None and results, "the commit's result")

    (commit,) = recorder.spans()
    assert not commit.error
    error, partitions = results[0]
    assert (error, [each.offset for each in partitions]) == (None, [1])


def test_a_commit_of_nothing_is_the_clients_own_error(cluster: Cluster, recorder: Recorder) -> None:
    """It raises as it does without us."""
    consumer = cluster.consumer(recorder.telemetry())
    with pytest.raises(KafkaException) as raised:
        consumer.commit(asynchronous=False)

    assert raised.value.args[0].code() == KafkaError._NO_OFFSET
    (span,) = recorder.ended()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "_NO_OFFSET"


def test_automatic_commits_have_spans_of_their_own(cluster: Cluster, recorder: Recorder) -> None:
    """Children of what processed the message; store_offsets decides what is committed."""
    telemetry = recorder.telemetry()
    cluster.send(b"1", b"2", partition=0)
    consumer = cluster.consumer(
        telemetry,
        enable_auto_commit=True,
        enable_auto_offset_store=False,
        auto_commit_interval_ms=50,
    )
    message = poll(consumer)
    with telemetry.process(message):
        consumer.store_offsets(message=message)
    wait_for(lambda: consumer.poll(0.1) is None and recorder.spans("commit"), "a commit")

    (process,) = recorder.spans("process")
    commit = recorder.spans("commit")[0]
    assert (commit.parent, commit.attributes["messaging.kafka.offset"]) == (process.span, 1)


def test_settle_spans_can_be_switched_off(cluster: Cluster, recorder: Recorder) -> None:
    """Then the client has no callback of ours either."""
    telemetry = recorder.builder().set_settle_spans_enabled(False).build()
    cluster.send(b"1", partition=0)
    consumer = cluster.consumer(telemetry)
    consumer.commit(message=poll(consumer), asynchronous=False)

    assert recorder.spans() == []


def test_results_find_their_commits(recorder: Recorder) -> None:
    """By the offsets; one that names none takes the first result, and close ends the rest."""
    attributes = ClientAttributes({"group.id": "g"}, role="consumer")
    commits = OpenCommits(recorder.telemetry(), attributes)
    parts = [[TopicPartition("t", 0, offset)] for offset in (1, 2, 3)]
    for each in (parts[0], parts[1], None):
        commits.await_result(commits.start(each))
    commits.conclude(None, parts[1])
    commits.conclude(KafkaError(KafkaError._TIMED_OUT), parts[2])
    commits.conclude(KafkaError(KafkaError._NO_OFFSET), [TopicPartition("t", 0)])
    commits.close()

    assert [
        (span.span, span.attributes.get("messaging.kafka.offset"), span.error)
        for span in recorder.spans()
    ] == [(1, 1, False), (2, 2, False), (3, 3, True)]


def test_an_automatic_commit_behind_what_is_processed_makes_no_trace_of_its_own(
    recorder: Recorder,
) -> None:
    """One that fails does, and so does each commit of the application's own."""
    telemetry = recorder.telemetry()
    with recorder.tracer.start_as_current_span("process t") as span:
        telemetry.processed.note("t", 0, 7, span)
    commits = OpenCommits(telemetry, ClientAttributes({"group.id": "g"}, role="consumer"))
    behind = [TopicPartition("t", 0, 5)]
    commits.conclude(None, behind)
    commits.conclude(None, [TopicPartition("t", 0, 8)])
    commits.conclude(KafkaError(KafkaError._TIMED_OUT), behind)
    commits.start(behind).end(None)

    process, settled, failed, asked = recorder.spans()
    assert (settled.parent, settled.attributes["messaging.kafka.offset"]) == (process.span, 8)
    assert (failed.parent, failed.attributes["error.type"]) == (None, "_TIMED_OUT")
    assert (asked.parent, asked.attributes["messaging.kafka.offset"]) == (None, 5)


def test_nobody_measures_how_long_an_automatic_commit_took(recorder: Recorder) -> None:
    """Its result is all that is known of it."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(recorder.provider, collector.provider).build()
    commits = OpenCommits(telemetry, ClientAttributes({}, role="consumer"))
    commits.conclude(KafkaError(KafkaError._TIMED_OUT), [TopicPartition("t", 0, 5)])

    assert len(recorder.spans("commit")) == 1
    assert collector.histograms(OPERATION_DURATION) == {}


def test_commits_without_results_do_not_pile_up(recorder: Recorder) -> None:
    """A client that is never polled again keeps a thousand."""
    commits = OpenCommits(recorder.telemetry(), ClientAttributes({}, role="consumer"))
    for offset in range(1005):
        commits.await_result(commits.start([TopicPartition("t", 0, offset)]))

    assert len(recorder.spans()) == 5
    commits.close()
    assert len(recorder.spans()) == 1005


def test_a_partitions_own_error_is_the_commits(recorder: Recorder) -> None:
    """The call succeeds, but not for that partition."""
    commits = OpenCommits(recorder.telemetry(), ClientAttributes({}, role="consumer"))

    class Refused:
        topic, partition, offset = "t", 0, 5
        error = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)

    commits.start([Refused]).run(lambda: [Refused])
    assert recorder.spans()[0].attributes["error.type"] == "UNKNOWN_TOPIC_OR_PARTITION"


def test_only_spans_before_the_committed_offset_count(recorder: Recorder) -> None:
    """A commit of an older offset is not about the last message."""
    processed = Processed()
    with recorder.tracer.start_as_current_span("process") as span:
        processed.note("t", 0, 7, span)

    assert processed.before("t", 0, 8) == span.get_span_context()
    assert processed.before("t", 0, 7) is None
    assert processed.before("t", 1, 8) is None


def test_what_another_group_processed_does_not_count(recorder: Recorder) -> None:
    """What was processed for an unknown group does, where it is newer; who has none sees all."""
    processed = Processed()
    spans = [recorder.tracer.start_span(name) for name in ("bar", "kitchen", "unknown")]
    bar, kitchen, unknown = (span.get_span_context() for span in spans)
    processed.note("t", 0, 7, spans[0], "bar")
    processed.note("t", 0, 8, spans[1], "kitchen")
    assert processed.before("t", 0, 9, "bar") == bar
    assert processed.before("t", 0, 9, "others") is None
    assert processed.before("t", 0, 9) == kitchen

    processed.note("t", 0, 9, spans[2])
    assert processed.before("t", 0, 9, "bar") == bar
    assert processed.before("t", 0, 10, "bar") == unknown
    assert processed.at("t", 0, 9, "kitchen") == unknown
    assert processed.at("t", 0, 7, "kitchen") is None
    for span in spans:
        span.end()
