"""What `import kafkascope_tracing` offers."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import kafkascope_tracing
from kafkascope_tracing import auto


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
