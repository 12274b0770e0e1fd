"""Flags of danielqsj/kafka_exporter that are accepted and have no effect."""

from kafkascope_exporter.flags.flag import RetiredFlag

_NO_ZOOKEEPER = "consumers have kept their offsets in Kafka since 0.9, and Kafka 4 has no ZooKeeper"

RETIRED_FLAGS = (
    RetiredFlag("kafka.version", "VERSION", "the protocol version is negotiated with each broker"),
    RetiredFlag(
        "kafka.allow-auto-topic-creation", "", "asking for metadata never creates a topic here"
    ),
    RetiredFlag("sasl.handshake", "", "the SASL handshake is always done, as every broker needs"),
    RetiredFlag(
        "sasl.disable-PA-FX-FAST", "", "the Kerberos library of the system decides on FAST"
    ),
    RetiredFlag("use.consumelag.zookeeper", "", _NO_ZOOKEEPER, refused=True),
    RetiredFlag("zookeeper.server", "HOST:PORT", "ZooKeeper is not used"),
    RetiredFlag("refresh.metadata", "DURATION", "metadata is read anew every --collect.interval"),
    RetiredFlag("concurrent.enable", "", "scrapes always share one collection"),
    RetiredFlag("topic.workers", "NUMBER", "requests are batched per broker, without workers"),
    RetiredFlag("group.workers", "NUMBER", "requests are batched per broker, without workers"),
    RetiredFlag(
        "group.metrics.timeout", "DURATION", "--collect.deadline bounds the whole collection"
    ),
    RetiredFlag(
        "log.enable-sarama", "", "there is no sarama here; --log.level=debug shows the clients' log"
    ),
)
