"""min.insync.replicas: asked for seldom, in parts, and what a topic without an answer gets."""

from dataclasses import replace
from types import SimpleNamespace
from uuid import UUID

from kafkascope_exporter.kafka.configs import MinInSyncReader
from kafkascope_exporter.kafka.wire import Call
from kafkascope_exporter.model import Failure, Topic, Topology
from tests.exporter.kafka.fakewire import FakeWire, Silence, told, topology

DENIED, TIMED_OUT, UNKNOWN_TOPIC = 29, 7, 3


class Configs(FakeWire):
    """Topics' values; a broker in ``silent`` says nothing, a topic in ``errors`` has one."""

    def __init__(self, supported: int = 4) -> None:
        super().__init__(self._respond, supported=supported)
        self.values: dict[str, str] = {}
        self.errors: dict[str, int] = {}
        self.silent: set[int] = set()

    def _respond(self, call: Call) -> SimpleNamespace:
        if call.broker in self.silent:
            raise Silence
        return told(results=[self._result(r.resource_name) for r in call.request.resources])

    def _result(self, name: str) -> SimpleNamespace:
        value = told(name="min.insync.replicas", value=self.values.get(name, "1"))
        return told(error_code=self.errors.get(name, 0), resource_name=name, configs=[value])

    def asked(self) -> list[list[str]]:
        """Take the topics of each request so far."""
        calls, self.calls = self.calls, []
        return [[r.resource_name for r in call.request.resources] for call in calls]


def topics(*names: str) -> Topology:
    """A cluster with these topics of one partition."""
    (partitions,) = (topic.partitions for topic in topology(1).topics.values())
    return replace(topology(1), topics={name: Topic(name, partitions) for name in names})


def test_a_value_is_asked_for_once_in_five_minutes() -> None:
    """By its key alone; a new topic is asked for at once."""
    configs = Configs()
    configs.values = {"a": "2", "b": "3"}
    reader = MinInSyncReader(configs)
    assert reader.read(topics("a"), 0, 100.0) == ({"a": 2}, [])
    (call,) = configs.calls
    assert call.request.resources[0].configuration_keys == ["min.insync.replicas"]
    assert configs.asked() == [["a"]]
    assert reader.read(topics("a", "b"), 0, 399.0) == ({"a": 2, "b": 3}, [])
    assert configs.asked() == [["b"]]
    configs.values["a"] = "1"
    assert reader.read(topics("a", "b"), 0, 400.0) == ({"a": 1, "b": 3}, [])
    assert configs.asked() == [["a"]]


def test_many_topics_are_asked_for_in_parts_of_all_brokers() -> None:
    """At most 2000 in a cycle, 200 in a request."""
    configs = Configs()
    reader = MinInSyncReader(configs)
    many = topics(*(f"t{number}" for number in range(2100)))
    known, _ = reader.read(many, 0, 0.0)
    assert len(known) == 2000
    assert {call.broker for call in configs.calls} == {1, 2, 3}
    assert [len(names) for names in configs.asked()] == [200] * 10
    known, _ = reader.read(many, 0, 15.0)
    assert len(known) == 2100
    assert [len(names) for names in configs.asked()] == [100]


def test_a_silent_broker_leaves_the_old_values_and_is_asked_again_in_a_minute() -> None:
    """The failure is counted; configurations do not grow old within minutes."""
    configs = Configs()
    reader = MinInSyncReader(configs)
    reader.read(topics("a"), 0, 0.0)
    configs.silent = {1, 2, 3}
    known, failures = reader.read(topics("a", "b"), 0, 300.0)
    assert known == {"a": 1}
    assert failures == [Failure("DescribeConfigs", "1", "TIMED_OUT")]
    configs.asked()
    reader.read(topics("a", "b"), 0, 359.0)
    assert configs.asked() == []
    configs.silent = set()
    assert reader.read(topics("a", "b"), 0, 360.0) == ({"a": 1, "b": 1}, [])


def test_without_the_right_there_is_no_value_and_no_failure() -> None:
    """DescribeConfigs is a right that need not be given; any other error is a failure."""
    configs = Configs()
    configs.errors = {"a": DENIED, "b": TIMED_OUT}
    known, failures = MinInSyncReader(configs).read(topics("a", "b", "c"), 0, 0.0)
    assert known == {"c": 1}
    assert failures == [Failure("DescribeConfigs", "1", "REQUEST_TIMED_OUT")]


def test_a_topic_that_a_broker_does_not_know_yet_is_asked_for_again_in_seconds() -> None:
    """It is as new as that; no failure."""
    configs = Configs()
    reader = MinInSyncReader(configs)
    configs.errors = {"a": UNKNOWN_TOPIC}
    assert reader.read(topics("a"), 0, 0.0) == ({}, [])
    configs.errors = {}
    assert reader.read(topics("a"), 0, 4.0) == ({}, [])
    assert reader.read(topics("a"), 0, 5.0) == ({"a": 1}, [])


def test_a_topic_that_was_created_anew_or_deleted_keeps_nothing() -> None:
    """Its name alone says nothing."""
    configs = Configs()
    reader = MinInSyncReader(configs)
    reader.read(topics("a"), 0, 0.0)
    reader.read(topics(), 0, 1.0)
    configs.values["a"] = "2"
    assert reader.read(topics("a"), 0, 2.0)[0] == {"a": 2}
    born_again = topics("a")
    topic = replace(born_again.topics["a"], uuid=UUID(int=2))
    configs.silent = {1, 2, 3}
    assert reader.read(replace(born_again, topics={"a": topic}), 0, 3.0)[0] == {}


def test_brokers_that_cannot_tell_are_not_asked() -> None:
    """Those before 1.1, and those that were never connected to."""
    configs = Configs(supported=0)
    assert MinInSyncReader(configs).read(topics("a"), 0, 0.0) == ({}, [])
    assert configs.calls == []
