"""Settings of the services come from the environment, and a bad one is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from kafkascope_demo.consumer.settings import ConsumerSettings
from kafkascope_demo.environment import Environment, SettingError
from kafkascope_demo.eventtopics import TopicShape
from kafkascope_demo.producer.settings import ProducerSettings

COMMAND = Path(sys.executable).with_name("kafkascope-demo")


def test_the_defaults_are_those_of_the_talk() -> None:
    """But for acknowledgement, which is after delivery, and the topic's two in-sync replicas."""
    producer, consumer = ProducerSettings.read({}), ConsumerSettings.read({})
    assert (producer.topic, producer.port, producer.host) == ("ochacafe-event", 8080, "0.0.0.0")  # noqa: S104
    assert (producer.ack, producer.payload_format, producer.key) == ("delivered", "json", "none")
    assert (producer.tracing, producer.faults) == ("auto", False)
    assert producer.shape == consumer.shape == TopicShape(3, 3, 2)
    assert producer.kafka == consumer.kafka == {"bootstrap.servers": "localhost:9092"}
    assert (consumer.topic, consumer.group) == ("ochacafe-event", "ochacafe-group")
    assert consumer.dead_letter_topic == "ochacafe-event.dead-letter"


def test_an_empty_variable_counts_as_none() -> None:
    """Charts set variables to nothing."""
    assert ProducerSettings.read({"PORT": "", "KEY": " "}) == ProducerSettings.read({})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ACK", "maybe", "expected one of delivered, submitted"),
        ("PAYLOAD_FORMAT", "avro", "expected one of json, java-tostring"),
        ("KEY", "date", "expected one of none, title, speaker"),
        ("TRACING", "on", "expected one of auto, interceptor, wrap, off"),
        ("FAULTS", "true", "expected one of on, off"),
        ("PORT", "80a", "expected a whole number from 0 to 65535"),
        ("PORT", "65536", "expected a whole number from 0 to 65535"),
        ("PORT", "-1", "expected a whole number from 0 to 65535"),
        ("REPLICATION_FACTOR", "0", "expected a whole number from 1 to 100"),
        ("KAFKA_PROPERTIES_FILE", "nowhere", "No such file or directory"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str, expected: str) -> None:
    """With what it takes."""
    with pytest.raises(SettingError) as raised:
        ProducerSettings.read({name: value})
    assert str(raised.value) == f"{name}={value}: {expected}"


@pytest.mark.parametrize("service", ["producer", "consumer"])
def test_a_service_with_a_bad_setting_says_so_in_one_line(service: str) -> None:
    """And ends with 2."""
    done = subprocess.run(
        [COMMAND, service],
        env={"TRACING": "sometimes"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    expected = "TRACING=sometimes: expected one of auto, interceptor, wrap, off"
    assert (done.returncode, done.stderr) == (2, f"kafkascope-demo {service}: {expected}\n")


def test_properties_of_a_file_are_read(tmp_path: Path) -> None:
    """The variable of the bootstrap servers counts more than the file."""
    path = tmp_path / "client.properties"
    path.write_text(
        "# TLS\nbootstrap.servers=kafka:9093\n\nsecurity.protocol = SSL\nsasl.password=a=b\n"
    )
    file = {"KAFKA_PROPERTIES_FILE": str(path)}
    assert Environment(file).kafka() == {
        "bootstrap.servers": "kafka:9093",
        "security.protocol": "SSL",
        "sasl.password": "a=b",
    }
    both = Environment({**file, "KAFKA_BOOTSTRAP_SERVERS": "other:9092"}).kafka()
    assert both["bootstrap.servers"] == "other:9092"


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    """By the number of its line."""
    path = tmp_path / "client.properties"
    path.write_text("security.protocol=SSL\nhello\n")
    with pytest.raises(SettingError, match=r"client.properties: line 2 is not name=value"):
        Environment({"KAFKA_PROPERTIES_FILE": str(path)}).kafka()
