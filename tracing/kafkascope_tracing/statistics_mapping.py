"""Which of librdkafka's statistics is which metric of the Java client.

Names, kinds and attributes are those that OpenTelemetry's Java instrumentation gives to the
metrics of Kafka's Java clients (README of its library for kafka-clients 2.6), so that dashboards
for either fit both. As there, an instrument has no unit, values are floating-point, attributes
are strings, and only the finest granularity is reported. Java's metrics that librdkafka does not
count are absent: what is not known is not invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from kafkascope_tracing.statistics_readers import (
    MILLI,
    Reader,
    broker_sum,
    client_field,
    free_buffer,
    group_field,
    lag,
    largest,
    lead,
    mean,
    metadata_age,
    node_field,
    node_latency,
    of_assigned,
    of_brokers,
    of_topics,
    open_connections,
    request_sum,
    seconds_since_rebalance,
    topic_sum,
)

Role: TypeAlias = Literal["producer", "consumer"]


@dataclass(frozen=True, slots=True)
class StatisticsMetric:
    """One metric of the bridge.

    Attributes:
        name: Java's name without ``kafka.producer.`` or ``kafka.consumer.``.
        description: What is measured, with the unit where it is not a mere number.
        source: The fields of librdkafka's STATISTICS.md.
        read: Reads the points out of one document.
        attributes: Names beside ``client-id``, which every metric has.
        difference: How it differs from Java's metric of that name; empty where it does not.
    """

    name: str
    description: str
    source: str
    read: Reader
    attributes: tuple[str, ...] = ()
    difference: str = ""

    @property
    def is_counter(self) -> bool:
        """Whether this is a sum since the client's start; in Java's names these end so."""
        return self.name.endswith("_total")


_NODE: Final = ("node-id",)
_TOPIC: Final = ("topic",)
_PARTITION: Final = ("topic", "partition")
_LAST_INTERVAL: Final = "of the last statistics interval"
_ALL_REQUESTS: Final = "over requests of every kind, of the last statistics interval"

_BOTH: Final = (
    StatisticsMetric(
        "connection_count", "Open connections to brokers", "brokers.state", open_connections
    ),
    StatisticsMetric(
        "connection_close_total",
        "Connections closed",
        "brokers.disconnects",
        broker_sum("disconnects"),
    ),
    StatisticsMetric(
        "incoming_byte_total", "Bytes received", "brokers.rxbytes", node_field("rxbytes"), _NODE
    ),
    StatisticsMetric(
        "outgoing_byte_total", "Bytes sent", "brokers.txbytes", node_field("txbytes"), _NODE
    ),
    StatisticsMetric("request_total", "Requests sent", "brokers.tx", node_field("tx"), _NODE),
    StatisticsMetric("response_total", "Responses received", "brokers.rx", node_field("rx"), _NODE),
    StatisticsMetric(
        "request_latency_avg",
        "Mean time from request to response, in ms",
        "brokers.rtt",
        node_latency("avg"),
        _NODE,
        difference=_LAST_INTERVAL,
    ),
    StatisticsMetric(
        "request_latency_max",
        "Longest time from request to response, in ms",
        "brokers.rtt",
        node_latency("max"),
        _NODE,
        difference=_LAST_INTERVAL,
    ),
)

_CONSUMER: Final = (
    StatisticsMetric(
        "assigned_partitions",
        "Partitions assigned now",
        "cgrp.assignment_size",
        group_field("assignment_size"),
    ),
    StatisticsMetric(
        "records_lag",
        "Messages between position and end of the partition",
        "topics.partitions: app_offset, committed_offset, consumer_lag, ls_offset, hi_offset",
        of_assigned(lag),
        _PARTITION,
        difference="absent until the position is known",
    ),
    StatisticsMetric(
        "records_lead",
        "Messages between start of the partition and position",
        "topics.partitions: app_offset, lo_offset",
        of_assigned(lead),
        _PARTITION,
        difference="absent until a message was read",
    ),
    StatisticsMetric(
        "records_consumed_total",
        "Messages fetched",
        "topics.partitions.rxmsgs",
        topic_sum("rxmsgs"),
        _TOPIC,
        difference="counts prefetched messages before the application polls them",
    ),
    StatisticsMetric(
        "bytes_consumed_total",
        "Bytes of messages fetched",
        "topics.partitions.rxbytes",
        topic_sum("rxbytes"),
        _TOPIC,
        difference="counts prefetched messages before the application polls them",
    ),
    StatisticsMetric(
        "fetch_total", "Fetch requests sent", "brokers.req.Fetch", request_sum("Fetch")
    ),
    StatisticsMetric(
        "commit_total",
        "Commit requests sent",
        "brokers.req.OffsetCommit",
        request_sum("OffsetCommit"),
    ),
    StatisticsMetric(
        "heartbeat_total",
        "Heartbeats sent to the group coordinator",
        "brokers.req: Heartbeat, ConsumerGroupHeartbeat",
        request_sum("Heartbeat", "ConsumerGroupHeartbeat"),
    ),
    StatisticsMetric(
        "join_total",
        "Requests to join the group",
        "brokers.req.JoinGroup",
        request_sum("JoinGroup"),
        difference="counts requests, also those that failed",
    ),
    StatisticsMetric(
        "sync_total",
        "Requests to synchronize the group",
        "brokers.req.SyncGroup",
        request_sum("SyncGroup"),
        difference="counts requests, also those that failed",
    ),
    StatisticsMetric(
        "rebalance_total",
        "Changes of the assignment",
        "cgrp.rebalance_cnt",
        group_field("rebalance_cnt"),
        difference="counts an assignment and a revocation each",
    ),
    StatisticsMetric(
        "last_rebalance_seconds_ago",
        "Time since the assignment last changed, in s",
        "cgrp.rebalance_age",
        seconds_since_rebalance,
    ),
    StatisticsMetric(
        "fetch_throttle_time_avg",
        "Mean time that brokers throttled a request, in ms",
        "brokers.throttle",
        mean(of_brokers, "throttle"),
        difference=_ALL_REQUESTS,
    ),
    StatisticsMetric(
        "fetch_throttle_time_max",
        "Longest time that a broker throttled a request, in ms",
        "brokers.throttle",
        largest(of_brokers, "throttle"),
        difference=_ALL_REQUESTS,
    ),
)

_PRODUCER: Final = (
    StatisticsMetric(
        "record_send_total",
        "Messages sent to brokers",
        "topics.partitions.txmsgs",
        topic_sum("txmsgs"),
        _TOPIC,
        difference="counts a message again when it is sent again",
    ),
    StatisticsMetric(
        "byte_total",
        "Bytes of messages sent to brokers",
        "topics.partitions.txbytes",
        topic_sum("txbytes"),
        _TOPIC,
        difference="counts a message again when it is sent again",
    ),
    StatisticsMetric(
        "batch_size_avg",
        "Mean size of a batch, in bytes",
        "topics.batchsize",
        mean(of_topics, "batchsize"),
        difference=_LAST_INTERVAL,
    ),
    StatisticsMetric(
        "batch_size_max",
        "Largest size of a batch, in bytes",
        "topics.batchsize",
        largest(of_topics, "batchsize"),
        difference=_LAST_INTERVAL,
    ),
    StatisticsMetric(
        "records_per_request_avg",
        "Mean number of messages in a batch",
        "topics.batchcnt",
        mean(of_topics, "batchcnt"),
        difference="per batch, which librdkafka sends in a request of its own",
    ),
    StatisticsMetric(
        "record_queue_time_avg",
        "Mean time of a message in the send buffer, in ms",
        "brokers.int_latency",
        mean(of_brokers, "int_latency", MILLI),
        difference=_LAST_INTERVAL,
    ),
    StatisticsMetric(
        "record_queue_time_max",
        "Longest time of a message in the send buffer, in ms",
        "brokers.int_latency",
        largest(of_brokers, "int_latency", MILLI),
        difference=_LAST_INTERVAL,
    ),
    StatisticsMetric(
        "produce_throttle_time_avg",
        "Mean time that brokers throttled a request, in ms",
        "brokers.throttle",
        mean(of_brokers, "throttle"),
        difference=_ALL_REQUESTS,
    ),
    StatisticsMetric(
        "produce_throttle_time_max",
        "Longest time that a broker throttled a request, in ms",
        "brokers.throttle",
        largest(of_brokers, "throttle"),
        difference=_ALL_REQUESTS,
    ),
    StatisticsMetric(
        "requests_in_flight",
        "Requests that await a response",
        "brokers.waitresp_cnt",
        broker_sum("waitresp_cnt"),
    ),
    StatisticsMetric(
        "buffer_total_bytes",
        "Size of the send buffer, in bytes",
        "msg_size_max",
        client_field("msg_size_max"),
    ),
    StatisticsMetric(
        "buffer_available_bytes",
        "Free room in the send buffer, in bytes",
        "msg_size_max, msg_size",
        free_buffer,
    ),
    StatisticsMetric(
        "metadata_age",
        "Age of the oldest metadata of a topic in use, in s",
        "topics.metadata_age",
        metadata_age,
    ),
)

STATISTICS_METRICS: Final[dict[Role, tuple[StatisticsMetric, ...]]] = {
    "producer": (*_BOTH, *_PRODUCER),
    "consumer": (*_BOTH, *_CONSUMER),
}
"""Every metric of the bridge by role; its full name is ``kafka.<role>.<name>``."""
