"""A producer that is traced by hand: the SDK, OTLP, and kafkascope-tracing's drop-in class.

Arguments: bootstrap servers, topic, number of messages.
"""

import sys

from opentelemetry import baggage, context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from kafkascope_tracing import Producer

bootstrap_servers, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)

producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 5})
tracer = trace.get_tracer("web")
failures: list[object] = []


def delivered(error: object, _: object) -> None:
    """Note what was not stored."""
    if error is not None:
        failures.append(error)


context.attach(baggage.set_baggage("tenant", "ochacafe"))
with tracer.start_as_current_span("POST /kafka/produce", kind=trace.SpanKind.SERVER):
    for number in range(count):
        producer.produce(
            topic,
            f"value {number}".encode(),
            f"key {number}".encode(),
            headers=[("number", str(number).encode())],
            on_delivery=delivered,
        )
        producer.poll(0)
left = producer.flush(60)
provider.shutdown()
sys.exit(f"{left} left, {len(failures)} failed" if left or failures else 0)
