"""Series that well-known dashboards for danielqsj's kafka_exporter ask for, and by which labels.

Sources: grafana.com dashboard 7589 ("Kafka Exporter Overview"), and strimzi-kafka-exporter.json
among Strimzi's examples; besides these labels they use those of the target (``instance``, ``job``,
``namespace``).
"""

from typing import Final

_TOPIC: Final = frozenset({"topic"})
_PARTITION: Final = frozenset({"topic", "partition"})
_COMMIT: Final = frozenset({"consumergroup", "topic", "partition"})

GRAFANA_7589: Final = {
    "kafka_topic_partition_current_offset": _PARTITION,
    "kafka_topic_partitions": _TOPIC,
    "kafka_consumergroup_current_offset": _COMMIT,
    "kafka_consumergroup_lag": _COMMIT,
}

STRIMZI: Final = {
    "kafka_brokers": frozenset[str](),
    "kafka_topic_partitions": _TOPIC,
    "kafka_topic_partition_replicas": _PARTITION,
    "kafka_topic_partition_in_sync_replica": _PARTITION,
    "kafka_topic_partition_under_replicated_partition": _PARTITION,
    "kafka_topic_partition_leader_is_preferred": _PARTITION,
    "kafka_topic_partition_current_offset": _PARTITION,
    "kafka_topic_partition_oldest_offset": _PARTITION,
    "kafka_consumergroup_current_offset": _COMMIT,
    "kafka_consumergroup_lag": _COMMIT,
}

QUERIES: Final = (
    'sum(rate(kafka_topic_partition_current_offset{topic=~".*"}[1m])) by (topic)',
    'sum(kafka_consumergroup_lag{topic=~".*"}) by (consumergroup, topic)',
    "sum(delta(kafka_topic_partition_current_offset[5m])/5) by (topic)",
    "sum(delta(kafka_consumergroup_current_offset[5m])/5) by (consumergroup, topic)",
    "sum by (topic) (kafka_topic_partitions)",
    "count(kafka_topic_partitions)",
    "sum(kafka_topic_partition_replicas)",
    "sum(kafka_topic_partition_in_sync_replica)",
    "sum(kafka_topic_partition_under_replicated_partition)",
    "sum(kafka_topic_partition_leader_is_preferred)",
    "kafka_topic_partition_oldest_offset",
    "kafka_brokers",
)
"""What their panels ask, in short."""
