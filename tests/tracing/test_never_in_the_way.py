from __future__ import annotations

import gc
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from opentelemetry.trace import get_current_span

from kafkascope_tracing import Consumer, KafkaTelemetry, Producer
from kafkascope_tracing.attributes import ClientAttributes
from kafkascope_tracing.cluster import ClusterId
from kafkascope_tracing.delivery import Delivery
from kafkascope_tracing.interceptors import Chain
from kafkascope_tracing.metrics import PROCESS_DURATION, SENT_MESSAGES
from kafkascope_tracing.processing import BatchScope
from kafkascope_tracing.receiving import Receiving
from kafkascope_tracing.sending import Sending
from tests.tracing.clients import Cluster, block, poll
from tests.tracing.collected import new_collector
from tests.tracing.messages import Message
from tests.tracing.recorder import Recorder


class Strange:
    """A message of some other client, or one that changed under our hands."""

    def __init__(self, **answers: object) -> None:
        self._answers: dict[str, object] = {"error": None, "headers": None, **answers}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method
        if name not in self._answers:
            raise AttributeError(name)
        return lambda: self._answers[name]


def good(number: int = 1) -> Message:
    """Make a message."""
    return Message(offset=number)


def receiving(telemetry: KafkaTelemetry, *interceptors: Any) -> Receiving:  # noqa: ANN401 - any interceptor
    """Make what a consumer has."""
    return Receiving(telemetry, {"group.id": "g"}, Chain(interceptors), ClusterId(None))


def test_a_message_that_cannot_be_read_is_processed_without_a_span(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """One line is logged, and nothing stays current."""
    telemetry = recorder.telemetry()
    with telemetry.process(Strange(topic="t")) as span:
        assert not span.is_recording()
    with BatchScopeOf(telemetry, [Strange(topic="t"), good()]):
        pass

    assert not get_current_span().is_recording()
    assert len(caplog.messages) == 1


class BatchScopeOf:
    """A batch scope as a with block."""

    def __init__(self, telemetry: KafkaTelemetry, messages: list[Any]) -> None:
        attributes = ClientAttributes({}, role="consumer")
        self._scope = BatchScope(telemetry, messages, attributes)

    def __enter__(self) -> BatchScope:
        self._scope.__enter__()
        return self._scope

    def __exit__(self, *_: object) -> None:
        self._scope.close()


def test_a_message_that_fails_while_it_is_processed_costs_only_its_span(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """What the application raises goes on, whatever we meet."""
    answers: dict[str, object] = {
        "topic": "t",
        "partition": 0,
        "offset": 1,
        "key": None,
        "value": b"",
    }
    message = Strange(**answers)

    @recorder.telemetry().handler
    def fail(each: Strange) -> None:
        each._answers.pop("topic")
        raise LookupError("the application's own")

    with pytest.raises(LookupError):
        fail(message)

    assert len(caplog.messages) == 1
    assert not get_current_span().is_recording()


def test_received_messages_reach_the_application_even_if_they_cannot_be_reported(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """As they are."""
    strange = [Strange(topic="t")]
    telemetry = recorder.builder().set_messaging_receive_telemetry_enabled(True).build()
    consumer = receiving(telemetry)
    assert consumer.consume(lambda: strange, (), {}) is strange
    assert len(caplog.messages) == 1


def test_interceptors_do_not_see_error_messages() -> None:
    """These stay in their place, and behind the others where some are left out."""
    end = Message(error=KafkaError(KafkaError._PARTITION_EOF))
    first, second = good(1), good(2)

    class Dropping:
        drops = False

        def on_consume(self, messages: list[Message]) -> list[Message]:
            assert end not in messages
            return messages[1:] if self.drops else list(messages)

    interceptor = Dropping()
    consumer = receiving(KafkaTelemetry.builder().build(), interceptor)
    assert consumer.consume(lambda: [end], (), {}) == [end]
    assert consumer.consume(lambda: [first, end, second], (), {}) == [first, end, second]
    interceptor.drops = True
    assert consumer.consume(lambda: [first, end, second], (), {}) == [second, end]
    assert consumer.poll(lambda: first, (), {}) is None


def test_a_batch_is_processed_without_a_current_span_where_nobody_listens() -> None:
    """Without an SDK, and with process spans off."""
    with BatchScopeOf(KafkaTelemetry.builder().build(), [good(1), good(2)]):
        assert not get_current_span().get_span_context().is_valid


def test_the_processing_of_a_batch_is_measured_and_may_fail(recorder: Recorder) -> None:
    """Once, with the error's type."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(recorder.provider, collector.provider).build()
    scope = BatchScope(telemetry, [good(1), good(2)], ClientAttributes({}, role="consumer"))
    assert scope.__enter__().is_recording()
    scope.close(ValueError("no"))
    scope.close()

    assert [span.error for span in recorder.spans()] == [True]
    ((attributes, point),) = collector.histograms(PROCESS_DURATION).items()
    assert (dict(attributes)["error.type"], point.count) == ("ValueError", 1)


def test_a_delivery_that_cannot_be_reported_still_calls_the_user(
    recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """The span is lost, the callback is not."""
    called: list[object] = []
    telemetry = recorder.telemetry()
    sending = Sending(telemetry, {}, Chain(()), Chain(()), ClusterId(None))
    with recorder.tracer.start_as_current_span("send") as span:
        delivery = Delivery(sending, span, {}, "t", lambda *report: called.append(report))  # type: ignore[arg-type]  # an empty context
        delivery(None, Strange())
        delivery(None, Strange())

    assert len(called) == 2
    assert len(caplog.messages) == 1


def test_disabled_tracing_leaves_every_method_to_the_client(
    cluster: Cluster, recorder: Recorder
) -> None:
    """Transactions, batches, commits, with blocks and closing."""
    telemetry = recorder.builder().set_enabled(False).build()
    token = {"kafkascope.telemetry": telemetry, "transactional.id": cluster.topic}
    with block(Producer({**cluster.config(), **token})) as producer:
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(cluster.topic, b"1", partition=0)
        if hasattr(producer, "produce_batch"):
            assert producer.produce_batch(cluster.topic, [{"value": b"2"}]) == 1
        producer.poll(0)
        producer.commit_transaction(30)
        producer.begin_transaction()
        with pytest.raises((KafkaException, TypeError)):
            producer.send_offsets_to_transaction([], None, 1)
        producer.abort_transaction(30)
    config = {**cluster.consumer_config(), "kafkascope.telemetry": telemetry}
    with block(Consumer(config)) as consumer:
        consumer.assign([TopicPartition(cluster.topic, 0, 0)])
        message = poll(consumer)
        assert consumer.commit(message=message, asynchronous=False)[0].offset == 1
        assert isinstance(consumer.consume(1, 0.1), list)
        consumer.unassign()
        consumer.unsubscribe()
    other = Consumer(config)
    other.close()

    assert message.value() == b"1"
    assert recorder.spans() == []


def test_a_producer_let_go_of_unflushed_disturbs_nothing(
    cluster: Cluster, recorder: Recorder
) -> None:
    """The client drops what it had queued, as it does without us."""
    producer = cluster.producer(recorder.telemetry(), linger_ms=60_000)
    producer.produce(cluster.topic, b"v")
    del producer
    gc.collect()

    assert not get_current_span().is_recording()


def test_a_callback_may_send_again(cluster: Cluster, recorder: Recorder) -> None:
    """As retries do; the second message's span is a root, because none was current."""
    collector = new_collector()
    telemetry = KafkaTelemetry.builder(recorder.provider, collector.provider).build()
    producer = cluster.producer(telemetry)
    left = [b"2", b"3"]

    def again(_error: object, _message: object) -> None:
        if left:
            producer.produce(cluster.topic, left.pop(0), on_delivery=again)

    producer.produce(cluster.topic, b"1", on_delivery=again)
    while producer.flush(30):
        pass

    assert [span.parent for span in recorder.spans()] == [None] * 3
    assert sum(collector.numbers(SENT_MESSAGES).values()) == 3
