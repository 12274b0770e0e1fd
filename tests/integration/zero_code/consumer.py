"""A consumer as anybody writes it; what it knows of OpenTelemetry is how to read baggage.

Arguments: bootstrap servers, topic, group, number of messages. Prints each message as a line of
JSON: key, value, headers' names, and the tenant and the span that were current.
"""

import json
import sys

from confluent_kafka import Consumer
from opentelemetry import baggage, trace

bootstrap_servers, topic, group, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
consumer = Consumer(
    {"bootstrap.servers": bootstrap_servers, "group.id": group, "auto.offset.reset": "earliest"}
)
consumer.subscribe([topic])
seen = 0
while seen < count:
    message = consumer.poll(60)
    if message is None:
        sys.exit(f"only {seen} messages came")
    if message.error():
        sys.exit(str(message.error()))
    seen += 1
    line = {
        "key": (message.key() or b"").decode(),
        "value": (message.value() or b"").decode(),
        "headers": sorted(dict(message.headers() or [])),
        "tenant": baggage.get_baggage("tenant"),
        "span": f"{trace.get_current_span().get_span_context().span_id:016x}",
    }
    sys.stdout.write(json.dumps(line) + "\n")
consumer.close()
