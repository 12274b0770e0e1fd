"""A producer as anybody writes it; what it knows of OpenTelemetry is a server's span and baggage.

Arguments: bootstrap servers, topic, number of messages.
"""

import sys

from confluent_kafka import Producer
from opentelemetry import baggage, context, trace

bootstrap_servers, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 5})

# What instrumentation of a web framework does for a request.
tracer = trace.get_tracer("web")
context.attach(baggage.set_baggage("tenant", "ochacafe"))
with tracer.start_as_current_span("POST /kafka/produce", kind=trace.SpanKind.SERVER):
    for number in range(count):
        producer.produce(topic, f"value {number}".encode(), f"key {number}".encode())
        producer.poll(0)
left = producer.flush(60)
sys.exit(f"{left} messages were not delivered" if left else 0)
