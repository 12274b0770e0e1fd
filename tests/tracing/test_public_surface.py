"""What `import kafkascope_tracing` offers."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import kafkascope_tracing
from kafkascope_tracing import auto
from kafkascope_tracing.tracer import scope_version


def test_the_public_names_are_sorted_and_there() -> None:
    """`dir()` and `import *` agree with `__all__`."""
    names = kafkascope_tracing.__all__

    assert names == sorted(set(names))
    assert set(names) <= set(dir(kafkascope_tracing))
    assert auto.__all__ == ["KafkaInstrumentor"]


@pytest.mark.parametrize("name", [*kafkascope_tracing.__all__, "KafkaInstrumentor"])
def test_every_public_name_is_described(name: str) -> None:
    """With every public method and property that it has itself."""
    found = getattr(auto if name == "KafkaInstrumentor" else kafkascope_tracing, name)

    assert inspect.getdoc(found)
    own = {
        method: value
        for method, value in vars(found).items()
        if not method.startswith("_") and (callable(value) or isinstance(value, property))
    }
    assert [method for method, value in own.items() if not inspect.getdoc(value)] == []


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match="no attribute 'KafkaScope'"):
        kafkascope_tracing.KafkaScope  # noqa: B018 - reading it is the test


def test_importing_the_package_loads_no_kafka_client() -> None:
    """Only the classes of a client do."""
    code = (
        "import sys, kafkascope_tracing\n"
        "assert kafkascope_tracing.KafkaTelemetry\n"
        "assert 'confluent_kafka' not in sys.modules\n"
        "assert kafkascope_tracing.Producer\n"
        "assert 'confluent_kafka' in sys.modules\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_class_that_the_installed_client_lacks_says_which_one_has_it(tmp_path: Path) -> None:
    """With the oldest client the package imports, and offers what there is."""
    metadata = tmp_path / "confluent_kafka-2.3.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: confluent-kafka\nVersion: 2.3.0\n")
    code = (
        "import sys\n"
        "sys.modules['confluent_kafka.aio'] = sys.modules['confluent_kafka.experimental'] = None\n"
        "import kafkascope_tracing\n"
        "assert 'AIOProducer' not in kafkascope_tracing.__all__\n"
        "assert 'Producer' in kafkascope_tracing.__all__\n"
        "kafkascope_tracing.AIOProducer\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    told = done.stderr.strip().splitlines()[-1]
    assert told == "ImportError: AIOProducer needs confluent-kafka 2.12 or later"


def test_which_client_is_installed_is_read_from_its_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without loading it; none where there is none."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert kafkascope_tracing._installed() == ()

    metadata = tmp_path / "confluent_kafka-2.15.0rc1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Name: confluent-kafka\nVersion: 2.15.0rc1\n")
    assert kafkascope_tracing._installed() == (2, 15)


@pytest.mark.parametrize(
    ("name", "module", "told"),
    [
        ("ShareConsumer", "share", "ShareConsumer needs confluent-kafka 2.15 or later"),
        ("Producer", "producer", r"import of kafkascope_tracing\.producer halted"),
    ],
)
def test_an_import_that_fails_says_why(
    name: str, module: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is too old, or else what Python itself says of a broken installation."""
    monkeypatch.delitem(vars(kafkascope_tracing), name, raising=False)
    monkeypatch.setitem(sys.modules, f"kafkascope_tracing.{module}", None)

    with pytest.raises(ImportError, match=told):
        getattr(kafkascope_tracing, name)


def test_a_source_tree_that_is_not_installed_has_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spans and metrics come all the same, from a scope without one."""
    assert scope_version() != ""

    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert scope_version() == ""
