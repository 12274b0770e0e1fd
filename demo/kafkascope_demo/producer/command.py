"""`kafkascope-demo producer`: runs the producer service."""

import argparse

from kafkascope_demo.services import add_service

_DESCRIPTION = """\
Takes events over HTTP and writes them to Kafka, as the producer of Oracle Japan's talk:

  curl -H 'Content-Type: application/json' http://localhost:8080/kafka/produce \\
      -d '{"title":"Shin Kafka","speaker":"Shuhei Kawamura","date":"2024-04-10 19:00"}'

Settings are environment variables (docs/demo.md):
  KAFKA_BOOTSTRAP_SERVERS   localhost:9092      KAFKA_PROPERTIES_FILE  librdkafka's TLS and SASL
  TOPIC                     ochacafe-event      PARTITIONS 3, REPLICATION_FACTOR 3,
  HOST, PORT                0.0.0.0, 8080       MIN_INSYNC_REPLICAS 2 when the topic is made
  ACK                       delivered|submitted DELIVERY_TIMEOUT_SECONDS  20
  PAYLOAD_FORMAT            json|java-tostring  KEY       none|title|speaker
  TRACING                   auto|interceptor|wrap|off     OTEL_*  of OpenTelemetry
  FAULTS                    off|on              HTTP_THREADS  64
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``producer``."""
    add_service(commands, "producer", "run the producer service", _DESCRIPTION)
