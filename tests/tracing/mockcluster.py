"""librdkafka's own mock cluster: the real wire protocol without a broker process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer


@contextmanager
def mock_cluster(brokers: int = 1) -> Iterator[str]:
    """Run a cluster that makes topics when they are first used, of four partitions each.

    Args:
        brokers: How many brokers it has.

    Yields:
        Its bootstrap servers.
    """
    # The cluster lives as long as this client.
    owner = Producer(
        {"bootstrap.servers": "mock", "test.mock.num.brokers": brokers, "log_level": 0}
    )
    found = owner.list_topics(timeout=20).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in found)
    del owner
