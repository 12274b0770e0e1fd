"""Where the parts of a running demo are, and what may be done to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class TraceBackend:
    """Where traces go, and can be read back.

    Args:
        kind: Which API it has.
        url: Its address without a path; for OpenObserve with ``/api/ORGANIZATION``.
        authorization: Value of the header ``Authorization`` that it wants; None for none.
    """

    kind: Literal["receiver", "jaeger", "openobserve"]
    url: str
    authorization: str | None = None


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each part of a demo is; addresses of HTTP parts are URLs without a trailing slash.

    Args:
        bootstrap_servers: Kafka's, comma-separated.
        exporter: kafkascope-exporter.
        producer: The producer service.
        consumers: The consumer services.
        locust: Locust's web page; None where the demo has none.
        prometheus: Prometheus; None where the demo has none.
        traces: The backend of traces.
        topic: Topic of the events.
        group: Group of the consumers.
        dead_letter_topic: Topic of what is no event.
        rules: Which values its Prometheus' alert rules have; None where it has no rules.
        load: Whether Locust has begun a load by itself.
        bridge: Strimzi's Kafka Bridge; None where the demo has none.
        kafka_properties: librdkafka's properties for a client besides the bootstrap servers.
    """

    bootstrap_servers: str
    exporter: str
    producer: str
    consumers: tuple[str, ...]
    locust: str | None
    prometheus: str | None
    traces: TraceBackend
    topic: str = "ochacafe-event"
    group: str = "ochacafe-group"
    dead_letter_topic: str = "ochacafe-event.dead-letter"
    rules: Literal["default", "test"] | None = None
    load: bool = False
    bridge: str | None = None
    kafka_properties: Mapping[str, str] = field(default_factory=dict)


class Parts(Protocol):
    """A running demo whose parts can be stopped and started by name: ``broker-1``, ``exporter``."""

    def addresses(self) -> Addresses:
        """Give where the parts are."""

    def names(self) -> tuple[str, ...]:
        """Give the names of all parts."""

    def stop(self, part: str) -> None:
        """Stop a part in order; it stays stopped until ``start``."""

    def start(self, part: str) -> None:
        """Start a stopped part, and wait until it works."""

    def kill(self, part: str) -> None:
        """End a part at once (SIGKILL); what keeps it up restarts it, but for a broker."""
