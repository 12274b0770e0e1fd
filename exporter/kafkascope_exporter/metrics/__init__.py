"""Metric groups: each turns a `kafkascope_exporter.model.Snapshot` into lines of exposition."""

from typing import Final

from kafkascope_exporter.metrics import (
    brokers,
    commits,
    consumerlag,
    controller,
    groups,
    partitions,
    topics,
)
from kafkascope_exporter.metrics.family import MetricGroup

METRICS: Final = (
    MetricGroup("brokers", brokers.families),
    MetricGroup("controller", controller.families),
    MetricGroup("topics", topics.families),
    MetricGroup("partitions", partitions.families),
    MetricGroup("groups", groups.families),
    MetricGroup("commits", commits.families),
    MetricGroup("consumerlag", consumerlag.families),
)
"""Every metric group about Kafka, in the order of the page. The exporter's own are in `self`."""
