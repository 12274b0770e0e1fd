"""What a demo shows at one moment of a load, from Locust, the exporter and the consumers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kafkascope_demo import web
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.metricspage import MetricsPage

Buckets = Mapping[float, float]
"""How many took no longer, by upper bound in seconds."""

_TIMEOUT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment.

    Args:
        seconds: Since some moment that all samples have in common.
        stage: Number of the stage, from 1; 0 when there is none.
        users: How many there are.
        requests: Made so far.
        failures: Those of them that failed.
        durations: Of the requests.
        end: Of the topic: end offset by partition.
        committed: Of the group: committed offset by partition.
        end_to_end: From the record's timestamp to the end of processing, of the consumers' events.
    """

    seconds: float
    stage: int
    users: int
    requests: float
    failures: float
    durations: Buckets
    end: Mapping[str, float]
    committed: Mapping[str, float]
    end_to_end: Buckets

    @property
    def lag(self) -> float:
        """Messages in the topic that the group has not committed."""
        return sum(
            max(0.0, end - self.committed.get(partition, 0.0))
            for partition, end in self.end.items()
        )


def take_sample(addresses: Addresses, locust: str, seconds: float) -> Sample:
    """Ask a demo.

    Args:
        addresses: Of its parts.
        locust: Address of Locust.
        seconds: What the sample's time is to be.

    Raises:
        WebError: A part does not answer.
    """
    load = web.get_metrics(locust, _TIMEOUT_S)
    exporter = web.get_metrics(addresses.exporter, _TIMEOUT_S)
    consumers = [web.get_metrics(url, _TIMEOUT_S) for url in addresses.consumers]
    topic = {"topic": addresses.topic}
    ends = exporter.by("partition", "kafka_topic_partition_current_offset", **topic)
    committed = exporter.by(
        "partition",
        "kafka_consumergroup_current_offset",
        consumergroup=addresses.group,
        **topic,
    )
    return Sample(
        seconds=seconds,
        stage=int(load.total("locust_stage") or 0),
        users=int(load.total("locust_users") or 0),
        requests=load.total("locust_requests_total") or 0.0,
        failures=load.total("locust_failures_total") or 0.0,
        durations=_buckets([load], "locust_request_duration_seconds"),
        end=ends,
        committed=committed,
        end_to_end=_buckets(consumers, "kafkascope_demo_end_to_end_duration_seconds"),
    )


def _buckets(pages: list[MetricsPage], name: str) -> Buckets:
    found: dict[float, float] = {}
    for page in pages:
        for labels, value in page.select(f"{name}_bucket").items():
            bound = float(dict(labels)["le"])
            found[bound] = found.get(bound, 0.0) + value
    return found
