"""Parts of a demo in Kubernetes, stopped and started."""

import pytest

from kafkascope_demo.addresses import Addresses, TraceBackend
from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.kubernetes.parts import REPLICAS, KubernetesParts
from tests.demo.kubernetes.fakes import FakeApi, workload

ADDRESSES = Addresses(
    "a:1", "http://e", "http://p", ("http://c",), None, None, TraceBackend("jaeger", "http://j")
)


def brokers(count: int = 3) -> dict[str, object]:
    """A StatefulSet of brokers."""
    found = workload("kafka", "StatefulSet", readyReplicas=count)
    found["spec"]["replicas"] = count
    return found


def parts(api: FakeApi) -> KubernetesParts:
    """The parts that a pod of the release sees."""
    return KubernetesParts(api, "kafkascope", ["kafkascope"], lambda: ADDRESSES)


def test_parts_have_the_names_that_scenarios_know() -> None:
    """Each broker is one, and the trace backend is the OTLP receiver, whatever it is."""
    api = FakeApi(brokers(), workload("consumer"), workload("exporter"), workload("jaeger"))
    assert parts(api).names() == (
        *("broker-1", "broker-2", "broker-3"),
        *("consumer", "exporter", "otlp-receiver"),
    )


def test_a_stopped_part_has_as_many_pods_again_when_it_is_started() -> None:
    """The number is kept on the object: another process can undo what a killed one did."""
    consumer = workload("consumer")
    api = FakeApi(consumer)
    parts(api).stop("consumer")
    assert consumer["spec"]["replicas"] == 0
    assert consumer["metadata"]["annotations"] == {REPLICAS: "2"}
    parts(api).stop("consumer")
    parts(api).start("consumer")
    assert consumer["spec"]["replicas"] == 2
    assert consumer["metadata"]["annotations"] == {}


def test_the_last_broker_can_be_stopped_alone_and_the_others_cannot() -> None:
    """A StatefulSet counts from below; a stopped broker keeps its name."""
    kafka = brokers()
    running = parts(FakeApi(kafka))
    with pytest.raises(DemoError, match="broker-1: only the last broker"):
        running.stop("broker-1")
    running.stop("broker-3")
    assert kafka["spec"] == {"replicas": 2}
    assert "broker-3" in running.names()
    running.start("broker-3")
    assert kafka["spec"] == {"replicas": 3}


def test_a_killed_part_loses_its_pods_at_once() -> None:
    """Of a broker that pod alone; whatever makes the pods makes others."""
    api = FakeApi(brokers(), workload("producer"))
    parts(api).kill("broker-2")
    parts(api).kill("producer")
    assert api.deleted == [
        ("kafkascope-kafka-2", 0),
        ("kafkascope-producer-1", 0),
        ("kafkascope-producer-2", 0),
    ]


def test_a_part_that_is_not_there_is_refused_with_those_that_are() -> None:
    """Instead of a traceback."""
    with pytest.raises(DemoError, match="there is no part prometheus; parts: producer"):
        parts(FakeApi(workload("producer"))).stop("prometheus")
