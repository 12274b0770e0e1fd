"""`kafkascope-demo consumer`: runs the consumer service."""

import argparse

from kafkascope_demo.services import add_service

_DESCRIPTION = """\
Reads events from Kafka as a member of a group and logs them, as the consumer of Oracle Japan's
talk. What is no event goes to the dead-letter topic. Start it several times, each with a PORT of
its own, for several members.

Settings are environment variables (docs/demo.md):
  KAFKA_BOOTSTRAP_SERVERS   localhost:9092      KAFKA_PROPERTIES_FILE  librdkafka's TLS and SASL
  TOPIC                     ochacafe-event      PARTITIONS 3, REPLICATION_FACTOR 3,
  DEAD_LETTER_TOPIC         TOPIC.dead-letter   MIN_INSYNC_REPLICAS 2 when topics are made
  GROUP_ID                  ochacafe-group      STUCK_AFTER_SECONDS  30
  HOST, PORT                0.0.0.0, 8080       FAULTS   off|on
  TRACING                   auto|interceptor|wrap|off     OTEL_*  of OpenTelemetry
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``consumer``."""
    add_service(commands, "consumer", "run the consumer service", _DESCRIPTION)
