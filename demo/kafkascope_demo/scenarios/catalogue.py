"""All fault scenarios, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kafkascope_demo.scenarios import conditions, consumers, outages, topics
from kafkascope_demo.scenarios.scenario import Scenario

_FLOODED: Final = 2000
_HOT: Final = 1000

_ALL: Final = (
    Scenario(
        "stuck-consumer",
        "both consumers go on polling, and neither process nor commit",
        "Consumer groups: Time since the commit moved",
        "KafkaConsumerGroupStuck",
        "the consumers' fault switch is set back to normal",
        consumers.stuck,
        conditions.group_stuck,
    ),
    Scenario(
        "slow-consumer",
        "both consumers take a second for each event",
        "Consumer groups: Lag",
        "KafkaConsumerGroupLagGrowing",
        "the consumers' fault switch is set back to normal",
        consumers.slow,
        conditions.lag_growing,
    ),
    Scenario(
        "dead-consumer",
        "the consumers are stopped while events keep arriving",
        "Consumer groups: Members",
        "KafkaConsumerGroupEmptyWithLag",
        "the consumers are started",
        consumers.dead,
        conditions.empty_with_lag,
    ),
    Scenario(
        "poison-pill",
        "a message that is no event is written to the topic every second",
        "Demo: Events by outcome",
        "KafkascopeDemoDeadLetters",
        "no more of them are written; what is in the dead-letter topic stays",
        consumers.poison,
        conditions.dead_letters,
    ),
    Scenario(
        "hot-partition",
        "a burst of events every few seconds, all to partition 0",
        "Topics and partitions: Messages per partition",
        "KafkaConsumerGroupLagGrowing",
        "the bursts end, and the consumers catch up",
        topics.hot,
        conditions.partition_hot(_HOT),
    ),
    Scenario(
        "flood",
        "a burst of events every few seconds, more than the consumers manage",
        "Consumer groups: Time to drain",
        "KafkaConsumerGroupDrainTimeHigh",
        "the bursts end, and the consumers catch up",
        topics.flood,
        conditions.lag_above(_FLOODED),
    ),
    Scenario(
        "rebalance-storm",
        "one more member joins the group and leaves it, again and again",
        "Consumer groups: State",
        "KafkaConsumerGroupRebalanceStorm",
        "the member stays away",
        consumers.storm,
        conditions.rebalancing,
    ),
    Scenario(
        "broker-down",
        "one broker is stopped",
        "Cluster overview: Brokers",
        "KafkaBrokerCountLow",
        "the broker is started, and catches up",
        outages.broker,
        conditions.broker_missing,
        brokers=3,
    ),
    Scenario(
        "under-min-isr",
        "one broker is stopped while a topic needs all three replicas in sync",
        "Topics and partitions: Under min ISR",
        "KafkaPartitionUnderMinIsr",
        "the broker is started, and the topic is removed",
        outages.under_min_isr,
        conditions.in_sync_below(outages.TOPIC, outages.REPLICAS),
        brokers=3,
    ),
    Scenario(
        "retention-overtakes",
        "records are deleted past what a group of its own has committed",
        "Consumer groups: Retention risk",
        "KafkaConsumerGroupPastRetention",
        "the group's offset is moved, then group and topic are removed",
        topics.retention,
        conditions.retention_overtook(topics.RETENTION_TOPIC, topics.RETENTION_GROUP),
    ),
    Scenario(
        "exporter-down",
        "the exporter is stopped",
        "Exporter health: Up",
        "KafkascopeExporterDown",
        "the exporter is started",
        outages.exporter,
        conditions.exporter_silent,
    ),
    Scenario(
        "otlp-down",
        "the OTLP backend is stopped",
        "Demo: OTLP exports failed",
        "KafkascopeOtlpExportFailing",
        "the backend is started",
        outages.otlp,
        conditions.exports_failing,
    ),
)

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType({one.name: one for one in _ALL})
"""Every scenario by its name, in the order of the documentation."""
