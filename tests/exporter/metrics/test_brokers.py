from kafkascope_exporter.metrics import brokers
from kafkascope_exporter.metrics.rendering import Rendering
from tests.exporter.exposed import exposed
from tests.exporter.snapshots import healthy, under_replicated


def test_live_brokers_are_counted() -> None:
    """A broker that left the metadata is not counted any more."""
    assert exposed(brokers.families, healthy())["kafka_brokers"] == [" 3"]
    assert exposed(brokers.families, under_replicated())["kafka_brokers"] == [" 2"]


def test_each_broker_has_its_id_and_advertised_address() -> None:
    """The labels are those of danielqsj, in the order that his exporter prints."""
    assert exposed(brokers.families, healthy())["kafka_broker_info"] == [
        '{address="kafka-1.example:9092",id="1"} 1',
        '{address="kafka-2.example:9092",id="2"} 1',
        '{address="kafka-3.example:9092",id="3"} 1',
    ]


def test_constant_labels_are_on_both() -> None:
    """A metric without labels of its own has the constant ones alone."""
    shown = exposed(brokers.families, healthy(), Rendering(constant_labels={"env": "x"}))
    assert shown["kafka_brokers"] == ['{env="x"} 3']
    assert shown["kafka_broker_info"][0] == '{address="kafka-1.example:9092",env="x",id="1"} 1'
