"""`opentelemetry-instrument` and the Operator's way, in processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.assets.repository import ROOT
from tests.skips import PEERS_ABSENT

PROGRAM = """
import sys
before = "confluent_kafka" in sys.modules
import confluent_kafka
from confluent_kafka import Consumer, Producer, SerializingProducer

for make in (Producer, SerializingProducer):
    producer = make({"test.mock.num.brokers": 1, "log_level": 0})
    producer.produce("orders", value=b"v")
    assert producer.flush(30) == 0
assert not before, "the Kafka client was loaded before the program asked for it"
"""
NOTHING_OF_KAFKA = "import sys; sys.exit('confluent_kafka' in sys.modules)"
ENVIRONMENT = {
    "OTEL_TRACES_EXPORTER": "console",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
}
OURS_IN_FORCE = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "confluent_kafka"}
WARNING = "kafkascope-tracing steps aside"
PEERS = ROOT / f".venv-peers/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


def run(*command: str | Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program that must end well, with spans printed to its output."""
    done = subprocess.run(
        command,
        env={**os.environ, **ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done


def names(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The names of the spans that a program printed."""
    return re.findall(r'^    "name": "([^"]+)"', done.stdout, re.MULTILINE)


def instrument(code: str, environment: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """Run a program by `opentelemetry-instrument`."""
    command = Path(sys.executable).with_name("opentelemetry-instrument")
    return run(command, sys.executable, "-c", code, environment=environment)


def test_opentelemetry_instrument_traces_what_is_imported_later() -> None:
    """Serializing producers, too, with one span a message and not a word in the log."""
    done = instrument(PROGRAM)

    assert names(done) == ["send orders", "send orders"]
    assert done.stderr == ""


def test_a_program_without_kafka_does_not_load_the_client() -> None:
    """The Operator puts instrumentation into every Python program of a namespace."""
    assert instrument(NOTHING_OF_KAFKA).stderr == ""


def test_a_program_that_imports_our_own_classes_first_is_traced_once() -> None:
    """Their import is what loads the client, so the tracing is put in when it ends."""
    ours = "from kafkascope_tracing import Producer as Explicit\n"
    explicit = PROGRAM.replace("(Producer, ", "(Explicit, Producer, ")

    done = instrument(ours + explicit.replace("before = ", "before = 0 and "))

    assert names(done) == ["send orders"] * 3
    assert done.stderr == ""


def test_what_is_imported_after_uninstrumenting_stays_as_it_is() -> None:
    """The import hook is still there, but does nothing."""
    code = (
        "from kafkascope_tracing.auto import KafkaInstrumentor\n"
        "KafkaInstrumentor().instrument()\n"
        "KafkaInstrumentor().uninstrument()\n"
        "import confluent_kafka, sys\n"
        "from confluent_kafka import cimpl\n"
        "assert confluent_kafka.Producer.__mro__ == (cimpl.Producer, object)\n"
        "assert 'kafkascope_tracing.producer' not in sys.modules\n"
    )

    assert run(sys.executable, "-c", code, environment={}).stderr == ""


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "kafkascope"},
        {"OTEL_INSTRUMENTATION_KAFKA_ENABLED": "false"},
    ],
    ids=["OpenTelemetry's switch", "our switch"],
)
def test_it_can_be_switched_off(environment: dict[str, str]) -> None:
    """By OpenTelemetry's own way, and by the one that Java's instrumentation has."""
    assert names(instrument(PROGRAM, environment)) == []


@pytest.fixture(params=["the other one first", "ours first"])
def operator(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """PYTHONPATH as the Operator sets it: its image's packages go before the application's own.

    Which of two instrumentations is loaded first depends on the order of their folders.
    """
    if not PEERS.is_dir():
        pytest.skip(PEERS_ABSENT)
    path = [PEERS / "opentelemetry" / "instrumentation" / "auto_instrumentation", PEERS]
    if request.param == "ours first":
        about = distribution("kafkascope-tracing")
        folder = tmp_path / "kafkascope_tracing-0.1.0.dist-info"
        folder.mkdir()
        for name in ("METADATA", "entry_points.txt"):
            (folder / name).write_text(about.read_text(name) or "")
        path.insert(1, tmp_path)
    return {"PYTHONPATH": os.pathsep.join(map(str, path))}


def test_it_steps_aside_for_the_other_instrumentation(operator: dict[str, str]) -> None:
    """One warning, and each message is traced once, by the other (which misses serializers)."""
    # Instrumentation of logging takes warnings away from standard error where it is loaded first.
    environment = operator | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging"}
    program = PROGRAM.replace("before = ", "before = 0 and ")
    done = run(sys.executable, "-c", program, environment=environment)

    assert names(done) == ["orders send"]
    assert done.stderr.count(WARNING) == 1
    assert "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=confluent_kafka" in done.stderr


def test_it_is_in_force_where_the_other_one_is_switched_off(operator: dict[str, str]) -> None:
    """By the variable that the warning names."""
    done = run(sys.executable, "-c", PROGRAM, environment=operator | OURS_IN_FORCE)

    assert names(done) == ["send orders", "send orders"]
    assert done.stderr == ""
