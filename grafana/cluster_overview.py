"""Cluster overview: brokers, controller, replication, and the groups with the most lag."""

from typing import Final

from grafana_foundation_sdk.models import units

from grafana import links
from grafana.frame import Frame
from grafana.panels import (
    MESSAGES,
    Column,
    Panels,
    Query,
    any_is_bad,
    lines,
    number,
    rows,
    stacked,
    steps,
)
from grafana.promql import (
    CLUSTER,
    each,
    growing,
    metric,
    most,
    over_partitions,
    total,
)
from grafana.variables import cluster


def _of(name: str) -> str:
    return f"{name}{{{CLUSTER}}}"


def counted(name: str) -> str:
    """Give how many partitions have a metric of 1; nothing where no partition has it."""
    return f"sum({over_partitions('', _of(name))})"


UNDER_REPLICATED: Final = counted("kafka_topic_partition_under_replicated_partition")
OFFLINE: Final = counted("kafka_topic_partition_offline")
UNDER_MIN_ISR: Final = counted("kafka_topic_partition_under_min_isr")
_PREFERRED: Final = _of("kafka_topic_partition_leader_is_preferred")
_LEADERS: Final = (
    f'max by (cluster, id) (count_values by (cluster, instance) ("id", '
    f"{_of('kafka_topic_partition_leader')}))"
)
_BROKERS: Final = metric("kafka_broker_info", "id, address", CLUSTER)
_EPOCH: Final = f"kafka_cluster_controller_epoch{{{CLUSTER}}}"


def _numbers() -> Panels:
    brokers = number(
        "Brokers now",
        "Brokers that are alive, as the newest metadata names them.",
        units.Short,
        f"sum({metric('kafka_brokers', '', CLUSTER)})",
    ).thresholds(steps((1, "green"), start="red"))
    controller = number(
        "Active controller",
        "Id of the active controller: the leader of the metadata quorum. Nothing here means that "
        "there is "
        "none, or that the exporter may not ask (it needs Describe on the cluster).",
        units.NoUnit,
        metric("kafka_cluster_controller_id", "", CLUSTER),
    ).thresholds(steps(start="blue"))
    elections = number(
        "Controller elections",
        "How often the active controller changed within the time shown.",
        units.Short,
        f"max(changes({_EPOCH}[$__range]))",
    ).thresholds(steps((1, "orange"), (5, "red")))
    return [brokers.span(3), controller.span(3), elections.span(3), *_troubles()]


def _troubles() -> Panels:
    return [
        number(
            "Offline partitions",
            "Partitions without a leader: nobody can write to them or read them.",
            units.Short,
            OFFLINE,
        ).thresholds(any_is_bad()),
        number(
            "Under min ISR now",
            "Partitions with fewer replicas in sync than min.insync.replicas: producers with "
            "acks=all "
            "are refused.",
            units.Short,
            UNDER_MIN_ISR,
        ).thresholds(any_is_bad()),
        number(
            "Under-replicated now",
            "Partitions with fewer replicas in sync than they should have.",
            units.Short,
            UNDER_REPLICATED,
        ).thresholds(steps((1, "orange"))),
        number(
            "Not on the preferred leader",
            "Partitions that another broker than the first of their replicas leads. After a "
            "restart of "
            "brokers it falls back to 0 within minutes (leader.imbalance.check.interval.seconds).",
            units.Short,
            f"sum({over_partitions('', f'1 - {_PREFERRED}')})",
        )
        .thresholds(steps((1, "yellow")))
        .span(3),
    ]


def _brokers() -> Panels:
    alive = lines(
        "Brokers",
        "Brokers that are alive, for each cluster.",
        units.Short,
        Query(metric("kafka_brokers", "", CLUSTER), "brokers {{cluster}}", colour="blue"),
    )
    leaders = stacked(
        lines(
            "Leaders by broker",
            "Partitions that each broker leads. Brokers should lead about equally many; one that "
            "leads "
            "none has just been started, or is left out by the preferred leaders.",
            units.Short,
            Query(_LEADERS, "broker {{id}} {{cluster}}"),
        )
    )
    table = rows(
        "Broker list",
        "Every broker with its address and the partitions that it leads.",
        Column("Alive", units.Short, _BROKERS),
        Column("Leads", units.Short, f"{_BROKERS} * on (cluster, id) group_left () {_LEADERS}"),
    ).height(7)
    controller = lines(
        "Controller",
        "Id of the active controller over time: a line that jumps is an election, one that changes "
        "often is a quorum that does not settle.",
        units.NoUnit,
        Query(metric("kafka_cluster_controller_id", "", CLUSTER), "controller {{cluster}}"),
    )
    imbalance = lines(
        "Leader imbalance",
        "Share of the partitions that are not led by their preferred leader.",
        units.PercentUnit,
        Query(f"1 - avg by (cluster) ({_PREFERRED})", "imbalance {{cluster}}", colour="yellow"),
    ).max(1)
    return [alive, leaders, controller.height(7), imbalance.height(7), table]


def _partitions() -> Panels:
    return [
        lines(
            "Partitions in trouble",
            "Offline, under min ISR, and under-replicated partitions. All three should be 0.",
            units.Short,
            Query(OFFLINE, "offline", colour="red"),
            Query(UNDER_MIN_ISR, "under min ISR", colour="orange"),
            Query(UNDER_REPLICATED, "under-replicated", colour="yellow"),
        ),
        lines(
            "Replicas",
            "Replicas that there should be, and those that are in sync. A gap is work for "
            "brokers, or "
            "one of them missing.",
            units.Short,
            Query(
                over_partitions("", _of("kafka_topic_partition_replicas")),
                "replicas {{cluster}}",
                colour="blue",
            ),
            Query(
                over_partitions("", _of("kafka_topic_partition_in_sync_replica")),
                "in sync {{cluster}}",
                colour="green",
            ),
        ),
    ]


def _traffic() -> Panels:
    written = over_partitions("", growing(_of("kafka_topic_partition_current_offset")))
    lag = each("consumergroup, topic", f"kafka_consumergroup_lag_sum{{{CLUSTER}}}")
    of_group = total("consumergroup", lag)
    return [
        lines(
            "Messages written",
            "Messages per second written to all topics, by the growth of the end offsets.",
            units.MessagesPerSecond,
            Query(written, "written {{cluster}}", colour="blue"),
        ),
        lines(
            "Groups with the most lag",
            "Lag in messages of the groups that had the most of it within the time shown. A "
            "series leads "
            "to its group.",
            MESSAGES,
            Query(
                most(of_group, "consumergroup", f"kafka_consumergroup_lag_sum{{{CLUSTER}}}"),
                "{{consumergroup}} {{cluster}}",
            ),
        ).data_links([links.group_of_series()]),
    ]


DASHBOARD: Final = Frame(
    uid=links.CLUSTER,
    title="Cluster overview",
    description="Whether brokers, controller and replication are well, and what the load is.",
    variables=[cluster()],
    rows={
        "Now": _numbers(),
        "Brokers": _brokers(),
        "Replication": _partitions(),
        "Traffic": _traffic(),
    },
)
