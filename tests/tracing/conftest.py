from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

import pytest

import kafkascope_tracing
from kafkascope_tracing import KafkaTelemetry
from tests.tracing.clients import Cluster
from tests.tracing.mockcluster import mock_cluster
from tests.tracing.recorder import Recorder
from tests.tracing.shareclients import Open, make_ready, subscribe

_TOPICS: Final = count(1)


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[str]:
    """Run one mock cluster for all tests of a process."""
    with mock_cluster() as servers:
        yield servers


@pytest.fixture
def cluster(bootstrap: str) -> Iterator[Cluster]:
    """Give a test a topic of its own, and close its clients."""
    found = Cluster(bootstrap, f"topic-{next(_TOPICS)}")
    yield found
    found.close()


@pytest.fixture
def recorder() -> Recorder:
    """Give a test an SDK of its own."""
    return Recorder()


@pytest.fixture
def open_consumer(cluster: Cluster, recorder: Recorder) -> Iterator[Open]:
    """Open share consumers of the test's topic, and close them after it."""
    opened: list[Any] = []

    def make(
        telemetry: KafkaTelemetry | None,
        name: str = "ShareConsumer",
        mode: str = "explicit",
        **more: object,
    ) -> Any:  # noqa: ANN401 - a consumer
        own = {key.replace("_", "."): value for key, value in more.items()}
        config = cluster.config(group_id=f"group-of-{cluster.topic}", **own)
        config["share.acknowledgement.mode"] = mode
        extra = {} if telemetry is None else telemetry.consumer_interceptor_config()
        made = getattr(kafkascope_tracing, name)({**config, **extra})
        opened.append(made)
        subscribe(made, cluster)
        make_ready(made, cluster, explicit=mode == "explicit")
        recorder.exporter.clear()
        return made

    yield make
    for consumer in opened:
        consumer.close()
