"""Settings of the producer service, from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from kafkascope_demo.environment import Environment
from kafkascope_demo.events import PayloadFormat
from kafkascope_demo.eventtopics import TopicShape, read_shape
from kafkascope_demo.telemetry import TRACINGS, Tracing

Ack = Literal["delivered", "submitted"]
Key = Literal["none", "title", "speaker"]

_ACKS: Final[tuple[Ack, ...]] = ("delivered", "submitted")
_FORMATS: Final[tuple[PayloadFormat, ...]] = ("json", "java-tostring")
_KEYS: Final[tuple[Key, ...]] = ("none", "title", "speaker")
_MOST_THREADS: Final = 1000
_LONGEST_S: Final = 600


@dataclass(frozen=True, slots=True)
class ProducerSettings:
    """What the producer service does; each field is the variable of its name.

    Args:
        kafka: librdkafka's properties to connect with.
        topic: Where events go.
        host: Address to listen on.
        port: Port to listen on.
        threads: How many requests are worked on at a time (``HTTP_THREADS``).
        ack: Answer when the brokers have an event, or when the client has taken it.
        payload_format: What an event looks like in Kafka.
        key: Which field is the record's key.
        delivery_timeout_s: How long the brokers may take (``DELIVERY_TIMEOUT_SECONDS``).
        tracing: How requests and messages are traced.
        faults: Whether faults can be switched on over HTTP.
        shape: Of the topic, when it is made.
    """

    kafka: Mapping[str, str]
    topic: str
    host: str
    port: int
    threads: int
    ack: Ack
    payload_format: PayloadFormat
    key: Key
    delivery_timeout_s: int
    tracing: Tracing
    faults: bool
    shape: TopicShape

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "ProducerSettings":
        """Read the settings.

        Raises:
            SettingError: One of them is not what it can be.
        """
        environment = Environment(variables)
        return cls(
            kafka=environment.kafka(),
            topic=environment.text("TOPIC", "ochacafe-event"),
            host=environment.text("HOST", "0.0.0.0"),  # noqa: S104 - as in the talk, for containers
            port=environment.whole("PORT", 8080, least=0, most=65535),
            threads=environment.whole("HTTP_THREADS", 64, least=1, most=_MOST_THREADS),
            ack=environment.choice("ACK", _ACKS, "delivered"),
            payload_format=environment.choice("PAYLOAD_FORMAT", _FORMATS, "json"),
            key=environment.choice("KEY", _KEYS, "none"),
            delivery_timeout_s=environment.whole(
                "DELIVERY_TIMEOUT_SECONDS", 20, least=1, most=_LONGEST_S
            ),
            tracing=environment.choice("TRACING", TRACINGS, "auto"),
            faults=environment.switch("FAULTS", default=False),
            shape=read_shape(environment),
        )
