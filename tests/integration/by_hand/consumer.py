"""A consumer that is traced by hand: the SDK, OTLP, and a telemetry of its own in its settings.

Arguments: bootstrap servers, topic, group, number of messages. Prints each message as a line of
JSON: key, value, headers without those of the context, and the tenant and the span in its `with`.
"""

import json
import sys

from opentelemetry import baggage, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from kafkascope_tracing import Consumer, KafkaTelemetry

bootstrap_servers, topic, group, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)

telemetry = KafkaTelemetry.builder().build()
consumer = Consumer(
    {
        "bootstrap.servers": bootstrap_servers,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        **telemetry.consumer_interceptor_config(),
    }
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
    with telemetry.process(message) as span:
        headers = dict(message.headers() or [])
        line = {
            "key": (message.key() or b"").decode(),
            "value": (message.value() or b"").decode(),
            "number": (headers["number"] or b"").decode(),
            "context": sorted(set(headers) - {"number"}),
            "tenant": baggage.get_baggage("tenant"),
            "span": f"{span.get_span_context().span_id:016x}",
        }
    sys.stdout.write(json.dumps(line) + "\n")
consumer.commit(message, asynchronous=False)
consumer.close()
provider.shutdown()
