"""Real Kafka for tests: one shared cluster, one to break, and secured ones of one broker."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import ClusterSpec, LocalKafka, LocalKafkaError
from kafkascope_demo.localkafka.distribution import exclusive
from kafkascope_demo.localkafka.provision import download
from kafkascope_demo.localkafka.spec import DEFAULT_VERSION
from kafkascope_demo.stack.local import LocalParts, down, up
from tests.integration.healing import heal
from tests.integration.shared_cluster import SharedCluster
from tests.integration.topics import create_topic, delete_topics
from tests.integration.traced import Traced, tracing

BREAKABLE: Final = "breakable_kafka"
DEMO: Final = "demo"

# A frozen broker's leaders move after the session timeout; six seconds instead of nine save tests
# time and leave a busy machine enough.
_BREAKABLE_PROPERTIES: Final = {
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "1000",
}


class MakeTopic(Protocol):
    """Creates topics that are deleted after the test."""

    def __call__(
        self,
        name: str | None = None,
        *,
        partitions: int = 1,
        replication: int = 1,
        config: Mapping[str, str] | None = None,
    ) -> str:
        """Create a topic (with a name of its own when none is given) and return its name."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests that break a cluster, or use the demo, in one worker, one after the other.

    First of all such hooks: xdist's own reads the marks.
    """
    for item in items:
        if BREAKABLE in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(BREAKABLE))
        if DEMO in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(DEMO))


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A temporary directory that is the same for all workers of this run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def pytest_collection_finish(session: pytest.Session) -> None:
    """Download Kafka before the first test: no test's time limit is meant for that."""
    wanted = {"kafka", "unhealed_kafka", "secured_kafka", DEMO}
    used = any(wanted & set(getattr(item, "fixturenames", ())) for item in session.items)
    if used and not session.config.option.collectonly:
        with contextlib.suppress(LocalKafkaError):  # the fixture that needs it tells
            download(released(ClusterSpec()).version, lambda *_: None)


def released(spec: ClusterSpec) -> ClusterSpec:
    """The specification in the Kafka release that this run is for.

    ``KAFKASCOPE_TEST_KAFKA`` names another one than ours: ``3.9.1``, or ``3.7.0-zookeeper``.
    """
    release = os.environ.get("KAFKASCOPE_TEST_KAFKA", DEFAULT_VERSION)
    version, _, mode = release.partition("-")
    return dataclasses.replace(spec, version=version, mode=mode or "kraft")


@pytest.fixture(scope="session")
def kafka(shared_directory: Path) -> Iterator[LocalKafka]:
    """Three brokers, shared by all workers: for tests that harm nothing."""
    cluster = SharedCluster(shared_directory / "kafka", released(ClusterSpec(nodes=3)))
    try:
        yield cluster.acquire()
    finally:
        cluster.release()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalParts]:
    """The whole local demo on free ports, healthy, with a load only where a test begins one."""
    directory = tmp_path_factory.mktemp("demo")
    try:
        yield up(directory, lambda *_: None, its_own_ports=False, load=False, rules="test")
    finally:
        down(directory)


@pytest.fixture(scope="session")
def unhealed_kafka(shared_directory: Path) -> Iterator[LocalKafka]:
    """The cluster behind ``breakable_kafka``; tests ask for that one."""
    spec = ClusterSpec(nodes=3, properties=_BREAKABLE_PROPERTIES)
    cluster = SharedCluster(shared_directory / BREAKABLE, released(spec))
    try:
        yield cluster.acquire()
    finally:
        cluster.release()


@pytest.fixture
def breakable_kafka(unhealed_kafka: LocalKafka) -> Iterator[LocalKafka]:
    """Three brokers to stop, freeze or reconfigure; whole and in sync again after each test."""
    with exclusive(unhealed_kafka.directory.with_name("test.lock")):
        yield unhealed_kafka
        heal(unhealed_kafka)


@pytest.fixture(scope="session")
def secured_kafka(shared_directory: Path) -> Iterator[Callable[[ClusterSpec], LocalKafka]]:
    """Clusters by specification, each started at its first use and shared by all workers."""
    clusters: dict[str, tuple[SharedCluster, LocalKafka]] = {}

    def start(spec: ClusterSpec) -> LocalKafka:
        text = json.dumps(spec.to_json(), sort_keys=True)
        name = f"kafka-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        if name not in clusters:
            cluster = SharedCluster(shared_directory / name, released(spec))
            clusters[name] = (cluster, cluster.acquire())
        return clusters[name][1]

    try:
        yield start
    finally:
        for cluster, _ in clusters.values():
            cluster.release()


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> LocalKafka:
    """The cluster of the test: ``breakable_kafka`` if the test asks for that, else ``kafka``."""
    name = BREAKABLE if BREAKABLE in request.fixturenames else "kafka"
    found: LocalKafka = request.getfixturevalue(name)
    return found


@pytest.fixture
def admin(cluster: LocalKafka) -> AdminClient:
    """An admin client of the test's cluster."""
    return AdminClient({**cluster.client_properties()})


@pytest.fixture
def unique_name(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes names that begin with the test's name and that no other test has."""
    readable = re.sub(r"[^a-zA-Z0-9_.-]", "-", request.node.name)[:60]
    return lambda: f"{readable}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def make_topic(admin: AdminClient, unique_name: Callable[[], str]) -> Iterator[MakeTopic]:
    """Creates topics on the test's cluster; see ``MakeTopic``."""
    made: list[str] = []

    def make(
        name: str | None = None,
        *,
        partitions: int = 1,
        replication: int = 1,
        config: Mapping[str, str] | None = None,
    ) -> str:
        topic = name or unique_name()
        made.append(topic)
        return create_topic(
            admin, topic, partitions=partitions, replication=replication, config=config
        )

    yield make
    delete_topics(admin, list(dict.fromkeys(made)))


@pytest.fixture
def topic(make_topic: MakeTopic) -> str:
    """A topic of one partition."""
    return make_topic()


@pytest.fixture
def group(unique_name: Callable[[], str]) -> str:
    """A consumer group id that no other test has."""
    return unique_name()


@pytest.fixture
def producer(cluster: LocalKafka) -> Iterator[Producer]:
    """A producer on the test's cluster, flushed after the test."""
    made = Producer({**cluster.client_properties(), "linger.ms": 0})
    yield made
    made.flush(30)


@pytest.fixture
def traced(cluster: LocalKafka, caplog: pytest.LogCaptureFixture) -> Iterator[Traced]:
    """Traced clients of the test's cluster."""
    with tracing(cluster, caplog) as found:
        yield found
