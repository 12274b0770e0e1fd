"""What a program sees under an instrumentation: ours, or OpenTelemetry's own of confluent_kafka.

Run by path with the Python of .venv (`ours`) or of .venv-peers (`otel`), so it imports nothing of
the tests. Prints a JSON object: the outcome of each probe by its name. The programs are the same
for both: they know of OpenTelemetry only what an application knows.
"""

import json
import logging
import sys
import threading
import uuid
from collections.abc import Mapping
from typing import Any

import confluent_kafka
from confluent_kafka import Producer as EarlyProducer
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

EARLY = EarlyProducer
RAW = [EarlyProducer]  # in a list, where no instrumentation finds it
TRACES = ("0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736")


def instrumentor(way: str) -> Any:  # noqa: ANN401 - of one package or the other
    """Make the instrumentation that is probed."""
    if way == "ours":
        from kafkascope_tracing.auto import KafkaInstrumentor

        return KafkaInstrumentor()
    from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor

    return ConfluentKafkaInstrumentor()


class Probes:
    """Programs, each with a topic of its own.

    Args:
        servers: Of a mock cluster.
        exporter: What the spans come to.
        under: The instrumentation.
    """

    def __init__(self, servers: str, exporter: InMemorySpanExporter, under: Any) -> None:  # noqa: ANN401
        self._servers = servers
        self._exporter = exporter
        self._under = under
        self._topic = ""

    def run(self) -> dict[str, object]:
        """Run all of them, each after the context and the spans of the last were dropped."""
        outcomes = {}
        for name in sorted(name for name in dir(self) if name.startswith("probe_")):
            self._topic = f"{name}-{uuid.uuid4().hex[:6]}"
            self._exporter.clear()
            token = context.attach(context.Context())
            try:
                outcomes[name.removeprefix("probe_")] = getattr(self, name)()
            except Exception as error:  # noqa: BLE001 - what a program sees may be an exception
                outcomes[name.removeprefix("probe_")] = type(error).__name__
            finally:
                context.detach(token)
        return outcomes

    def producer(self, **more: object) -> Any:  # noqa: ANN401 - a client
        """Make a producer."""
        return confluent_kafka.Producer({"bootstrap.servers": self._servers, **more})

    def consumer(self, **more: object) -> Any:  # noqa: ANN401 - a client
        """Make a consumer of the topic."""
        settings = {
            "bootstrap.servers": self._servers,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
        made = confluent_kafka.Consumer({**settings, **more})
        made.assign([confluent_kafka.TopicPartition(self._topic, 0, 0)])
        return made

    def send(self, *messages: Mapping[str, Any]) -> None:
        """Send messages without any instrumentation."""
        raw = RAW[0]({"bootstrap.servers": self._servers})
        for message in messages:
            raw.produce(self._topic, partition=0, **message)
        raw.flush(30)

    def spans(self, kind: str) -> list[ReadableSpan]:
        """Give the finished spans of a kind."""
        found = self._exporter.get_finished_spans()
        return [span for span in found if span.kind.name == kind]

    def received(self, count: int) -> list[Any]:
        """Poll until so many messages came, or nothing comes any more."""
        consumer = self.consumer()
        found = []
        for _ in range(count):
            message = consumer.poll(5)
            if message is None:
                break
            found.append(message)
        consumer.close()
        return found

    def probe_bad_traceparent(self) -> object:
        """What arrives when a header holds bytes that are no text."""
        self.send({"value": b"bad", "headers": [("traceparent", b"\xff")]}, {"value": b"good"})
        consumer = self.consumer()
        seen: list[str] = []
        for _ in range(2):
            try:
                message = consumer.poll(5)
            except UnicodeDecodeError as error:
                seen.append(type(error).__name__)
            else:
                seen.append(message.value().decode())
        consumer.close()
        return seen

    def probe_tombstones(self) -> object:
        """How many of a tombstone and an empty value have a consumer span."""
        self.send({"value": None, "key": b"k"}, {"value": b"", "key": b"k"})
        self.received(2)
        return len(self.spans("CONSUMER"))

    def probe_baggage(self) -> object:
        """What of the sender's baggage the consumer can read."""
        token = context.attach(baggage.set_baggage("tenant", "ochacafe"))
        producer = self.producer()
        producer.produce(self._topic, b"v", partition=0)
        producer.flush(30)
        context.detach(token)
        consumer = self.consumer()
        consumer.poll(5)
        found = baggage.get_baggage("tenant")
        consumer.close()
        return found

    def probe_with_block(self) -> object:
        """Whether a span is current after the consumer's ``with`` block."""
        self.send({"value": b"v"})
        with self.consumer() as consumer:
            consumer.poll(5)
        return trace.get_current_span().get_span_context().is_valid

    def probe_serializing_producer(self) -> object:
        """How many send spans a SerializingProducer's message has."""
        producer = confluent_kafka.SerializingProducer({"bootstrap.servers": self._servers})
        producer.produce(self._topic, value=b"v")
        producer.flush(30)
        return len(self.spans("PRODUCER"))

    def probe_positional_headers(self) -> object:
        """Whether a context is sent beside headers that are given by position."""
        producer = self.producer()
        headers = [("a", b"1")]
        producer.produce(self._topic, b"v", b"k", 0, lambda *_: None, None, 0, headers)
        producer.flush(30)
        (message,) = self.received(1)
        return "traceparent" in dict(message.headers())

    def probe_reused_headers(self) -> object:
        """How many headers the caller's own list has after it was used twice."""
        producer = self.producer()
        headers = [("a", b"1")]
        for _ in range(2):
            producer.produce(self._topic, b"v", headers=headers)
        producer.flush(30)
        return len(headers)

    def probe_stale_traceparent(self) -> object:
        """Which of two traceparents counts, by its place."""
        values = [f"00-{trace_id}-00f067aa0ba902b7-01".encode() for trace_id in TRACES]
        self.send({"value": b"v", "headers": [("traceparent", value) for value in values]})
        self.received(1)
        named = {
            f"{link.context.trace_id:032x}"
            for span in self.spans("CONSUMER")
            for link in span.links
        } | {f"{span.context.trace_id:032x}" for span in self.spans("CONSUMER")}
        return [place for place, trace_id in enumerate(TRACES) if trace_id in named]

    def probe_failed_delivery(self) -> object:
        """What the span of a message says that no broker took."""
        nowhere = {"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 300, "log_level": 0}
        producer = confluent_kafka.Producer(nowhere)
        producer.produce(self._topic, b"v")
        producer.flush(30)
        return [span.status.status_code.name for span in self.spans("PRODUCER")]

    def probe_suppressed(self) -> object:
        """How many spans there are where instrumentation is suppressed."""
        with suppress_instrumentation():
            producer = self.producer()
            producer.produce(self._topic, b"v")
            producer.flush(30)
        return len(self.spans("PRODUCER"))

    def probe_imported_early(self) -> object:
        """How many spans a class has that was imported before the instrumentation came."""
        producer = EARLY({"bootstrap.servers": self._servers})
        producer.produce(self._topic, b"v")
        producer.flush(30)
        return len(self.spans("PRODUCER"))

    def probe_other_thread(self) -> object:
        """What is logged when a consumer is polled in one thread and then in another."""
        self.send({"value": b"1"}, {"value": b"2"})
        records: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: records.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("opentelemetry.context").addHandler(handler)
        consumer = self.consumer()
        consumer.poll(5)
        thread = threading.Thread(target=consumer.poll, args=(5,))
        thread.start()
        thread.join()
        consumer.close()
        logging.getLogger("opentelemetry.context").removeHandler(handler)
        return sorted(set(records))

    def probe_end_of_partition(self) -> object:
        """How many consumer spans one message and the end of its partition have."""
        self.send({"value": b"v"})
        consumer = self.consumer(**{"enable.partition.eof": True})
        while not consumer.poll(5).error():
            pass
        consumer.close()
        return len(self.spans("CONSUMER"))

    def probe_produce_batch(self) -> object:
        """Whether a message of a batch carries a context."""
        producer = self.producer()
        producer.produce_batch(self._topic, [{"value": b"v"}], partition=0)
        producer.flush(30)
        (message,) = self.received(1)
        return "traceparent" in dict(message.headers() or [])

    def probe_instrumented_again(self) -> object:
        """How many process spans a consumed message has after a second instrumentation."""
        self._under.uninstrument()
        self._under.instrument()
        self.send({"value": b"v"})
        consumer = self.consumer()
        consumer.consume(1, 5)
        consumer.close()
        return len(self.spans("CONSUMER"))


def main() -> None:
    """Print the outcomes under the instrumentation that the argument names."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    mock = {"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0}
    owner = RAW[0](mock)
    brokers = owner.list_topics(timeout=20).brokers.values()
    servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    under = instrumentor(sys.argv[1])
    under.instrument()
    outcomes = Probes(servers, exporter, under).run()
    sys.stdout.write(json.dumps(outcomes))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
