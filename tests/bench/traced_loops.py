"""One measurement of the tracing bench: a way of tracing, an operation, one process.

Run by path with the Python of .venv or of .venv-peers, so it imports nothing of the repository's
tests. Prints the CPU seconds that the calling thread (with asyncio: the process) used per message,
and for ``--retained`` the bytes of Python's memory that each message left behind.
"""

import argparse
import asyncio
import json
import time
import tracemalloc
import uuid
from collections.abc import Callable
from typing import Any

VALUE = b"x" * 100
BATCH = 500
_WARM_UP = 1000


def _provide_sdk(way: str) -> None:
    """Set a global SDK whose span processor does nothing."""
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

    provider = TracerProvider(sampler=ALWAYS_OFF if way.endswith("sampled-out") else ALWAYS_ON)
    provider.add_span_processor(SpanProcessor())
    trace.set_tracer_provider(provider)
    if way.endswith("metrics"):
        metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))


def _ddtrace() -> None:
    import ddtrace
    from ddtrace.trace import TraceFilter, tracer

    class Nothing(TraceFilter):  # type: ignore[misc] # only in .venv-peers
        def process_trace(self, trace: object) -> None:
            """Drop it."""

    tracer.configure(trace_processors=[Nothing()])
    ddtrace.patch(kafka=True)


def _prepare(way: str) -> None:
    if way.endswith(("sampled", "sampled-out", "metrics")):
        _provide_sdk(way)
    if way.startswith("otel"):
        from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor

        ConfluentKafkaInstrumentor().instrument()
    if way == "ddtrace":
        _ddtrace()


def _clients(way: str) -> Any:  # noqa: ANN401 - a module
    if way.startswith("ours"):
        import kafkascope_tracing

        return kafkascope_tracing
    import confluent_kafka

    return confluent_kafka


def _produce(way: str, servers: str, count: int) -> Callable[[], int]:
    topic = f"produced-{uuid.uuid4()}"
    producer = _clients(way).Producer(
        {"bootstrap.servers": servers, "queue.buffering.max.messages": 10_000_000}
    )

    def run() -> int:
        for _ in range(count):
            producer.produce(topic, VALUE)
            producer.poll(0)
        producer.flush(60)
        return count

    return run


def _consumer(way: str, servers: str, topic: str, **more: object) -> Any:  # noqa: ANN401 - a client
    from confluent_kafka import TopicPartition

    configuration: dict[str, object] = {"bootstrap.servers": servers, **more}
    configuration |= {"group.id": str(uuid.uuid4()), "enable.auto.commit": False}
    consumer = _clients(way).Consumer(configuration)
    consumer.assign([TopicPartition(topic, 0, 0)])
    return consumer


def _telemetry(*, receive: bool) -> Any:  # noqa: ANN401 - absent in .venv-peers
    from kafkascope_tracing import KafkaTelemetry

    return KafkaTelemetry.builder().set_messaging_receive_telemetry_enabled(receive).build()


def _poll(way: str, servers: str, topic: str, count: int, *, process: bool) -> Callable[[], int]:
    consumer = _consumer(way, servers, topic)
    ours = _telemetry(receive=False).process if way.startswith("ours") and process else None

    def run() -> int:
        got = 0
        while got < count:
            message = consumer.poll(1)
            if message is None or message.error():
                continue
            got += 1
            if ours is not None:
                with ours(message):
                    pass
        return got

    return run


def _consume(way: str, servers: str, topic: str, count: int) -> Callable[[], int]:
    ours = _telemetry(receive=True).consumer_interceptor_config() if way.startswith("ours") else {}
    consumer = _consumer(way, servers, topic, **ours)

    def run() -> int:
        got = 0
        while got < count:
            got += len(consumer.consume(BATCH, 1))
        return got

    return run


def _aio(way: str, servers: str, count: int) -> Callable[[], int]:
    if way.startswith("ours"):
        from kafkascope_tracing import AIOProducer as Client
    else:
        from confluent_kafka.aio import AIOProducer as Client  # type: ignore[assignment] # ours is one
    topic = f"produced-{uuid.uuid4()}"

    async def send() -> None:
        producer = Client({"bootstrap.servers": servers})
        reports = [await producer.produce(topic, VALUE) for _ in range(count)]
        await producer.flush()
        await asyncio.gather(*reports)
        await producer.close()

    def run() -> int:
        asyncio.run(send())
        return count

    return run


def _loop(operation: str, way: str, servers: str, topic: str, count: int) -> Callable[[], int]:
    if operation == "produce":
        return _produce(way, servers, count)
    if operation == "consume":
        return _consume(way, servers, topic, count)
    if operation == "aio":
        return _aio(way, servers, count)
    return _poll(way, servers, topic, count, process=operation == "process")


def _retained(loop: Callable[[], int]) -> float:
    tracemalloc.start()
    loop()
    before = tracemalloc.get_traced_memory()[0]
    count = loop()
    return (tracemalloc.get_traced_memory()[0] - before) / count


def main() -> None:
    """Measure once and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way")
    parser.add_argument("operation", choices=["produce", "poll", "process", "consume", "aio"])
    parser.add_argument("servers")
    parser.add_argument("topic")
    parser.add_argument("count", type=int)
    parser.add_argument("--retained", action="store_true")
    given = parser.parse_args()
    _prepare(given.way)
    what = (given.operation, given.way, given.servers, given.topic)
    if given.retained:
        print(json.dumps(_retained(_loop(*what, given.count))))
        return
    _loop(*what, _WARM_UP)()
    loop = _loop(*what, given.count)
    clock = time.process_time if given.operation == "aio" else time.thread_time
    began = clock()
    count = loop()
    print(json.dumps((clock() - began) / count))


if __name__ == "__main__":
    main()
