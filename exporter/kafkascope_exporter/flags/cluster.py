"""Flags: which cluster, and what the exporter says of itself there."""

from kafkascope_exporter.flags.flag import Flag

HEADING = "Kafka cluster"

FLAGS = (
    Flag(
        "kafka.server",
        "clusters[0].servers",
        "HOST:PORT",
        "kafka:9092",
        "Bootstrap server. Repeat the flag or separate with commas. Without a port: 9092."
        " The default is danielqsj/kafka_exporter's, a host that is called kafka.",
        shape="list",
    ),
    Flag(
        "kafka.labels",
        "clusters[0].labels",
        "K=V,...",
        "",
        "Constant labels on every Kafka series, such as cluster=main,env=prod.",
        shape="map",
    ),
    Flag(
        "kafka.client-id",
        "clusters[0].client_id",
        "ID",
        "kafkascope-exporter",
        "Client id that the brokers see in their logs, metrics and quotas.",
    ),
    Flag(
        "kafka.property",
        "clusters[0].properties",
        "KEY=VALUE",
        "",
        "Any other librdkafka property. Repeat the flag for more; in the environment, one a line.",
        shape="lines",
    ),
)
