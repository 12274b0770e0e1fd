"""Settings of the consumer service, from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass

from kafkascope_demo.environment import Environment
from kafkascope_demo.eventtopics import TopicShape, read_shape
from kafkascope_demo.telemetry import TRACINGS, Tracing


@dataclass(frozen=True, slots=True)
class ConsumerSettings:
    """What the consumer service does; each field is the variable of its name.

    Args:
        kafka: librdkafka's properties to connect with.
        topic: Where events come from.
        group: The group it is a member of (``GROUP_ID``).
        dead_letter_topic: Where goes what is no event.
        host: Address to listen on.
        port: Port to listen on.
        stuck_after_s: Seconds without progress, with records to read, until it counts as stuck
            (``STUCK_AFTER_SECONDS``).
        tracing: How messages are traced.
        faults: Whether faults can be switched on over HTTP.
        shape: Of the topics, when they are made.
    """

    kafka: Mapping[str, str]
    topic: str
    group: str
    dead_letter_topic: str
    host: str
    port: int
    stuck_after_s: int
    tracing: Tracing
    faults: bool
    shape: TopicShape

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "ConsumerSettings":
        """Read the settings.

        Raises:
            SettingError: One of them is not what it can be.
        """
        environment = Environment(variables)
        topic = environment.text("TOPIC", "ochacafe-event")
        return cls(
            kafka=environment.kafka(),
            topic=topic,
            group=environment.text("GROUP_ID", "ochacafe-group"),
            dead_letter_topic=environment.text("DEAD_LETTER_TOPIC", f"{topic}.dead-letter"),
            host=environment.text("HOST", "0.0.0.0"),  # noqa: S104 - as in the talk, for containers
            port=environment.whole("PORT", 8080, least=0, most=65535),
            stuck_after_s=environment.whole("STUCK_AFTER_SECONDS", 30, least=1, most=3600),
            tracing=environment.choice("TRACING", TRACINGS, "auto"),
            faults=environment.switch("FAULTS", default=False),
            shape=read_shape(environment),
        )
