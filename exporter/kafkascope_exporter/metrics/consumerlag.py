"""Consumer lag: how many messages each consumer group is behind, by partition and by topic."""

from collections.abc import Iterator

from kafkascope_exporter.lag import lag_sum, lags
from kafkascope_exporter.metrics.family import Family
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.model import Snapshot


def families(snapshot: Snapshot, labels: Labels) -> Iterator[Family]:
    """Give ``kafka_consumergroup_lag{consumergroup="billing",partition="0",topic="orders"} 2``."""
    samples: list[str] = []
    sums: list[str] = []
    for group in snapshot.groups.values():
        head = labels.group(group.id)
        for topic, commits in (group.commits or {}).items():
            tails = labels.partitions[topic]
            known = lags(commits, snapshot.end.get(topic, {}))
            samples += [
                f"kafka_consumergroup_lag{head}{tails[partition]}{lag}"
                for partition, lag in known.items()
            ]
            total = lag_sum(commits, known)
            if total is not None:
                sums.append(f"kafka_consumergroup_lag_sum{head}{labels.topics[topic]}{total}")
    yield Family(
        "kafka_consumergroup_lag",
        "Messages between the offset that a consumer group has committed and the end of the log.",
        samples,
    )
    yield Family(
        "kafka_consumergroup_lag_sum",
        "Sum of the lag of a consumer group over the partitions of a topic.",
        sums,
    )
