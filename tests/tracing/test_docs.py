"""docs/tracing.md and tracing/README.md: the examples run, and nothing is left out."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kafkascope_tracing import KafkaTelemetryBuilder, attributes
from kafkascope_tracing.metrics import (
    CONSUMED_MESSAGES,
    OPERATION_DURATION,
    PROCESS_DURATION,
    SENT_MESSAGES,
)
from kafkascope_tracing.settings import SWITCHES
from tests.assets.repository import ROOT, code_blocks

DOCS = (ROOT / "docs" / "tracing.md").read_text(encoding="utf-8")
README = (ROOT / "tracing" / "README.md").read_text(encoding="utf-8")
SERVERS = "localhost:9092"

# Runs the program on its input against a mock cluster, with an SDK as a program has one.
HARNESS = """
import json, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.tracing.mockcluster import mock_cluster
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
with mock_cluster() as servers:
    exec(sys.stdin.read().replace("localhost:9092", servers))  # in __main__, as a program is
print(json.dumps(sorted(span.name for span in exporter.get_finished_spans())))
"""

SPANS = {
    "Zero code": ["commit orders", "process orders", "send orders"],
    "interceptor.classes": ["commit orders", "send orders"],
    "The subclasses": ["send orders"],
    "Other clients": ["process orders", "send orders"],
    "KafkaTelemetry.wrap": ["poll orders", "process orders", "send orders"],
    "Processing messages": ["commit orders", *["process orders"] * 3, *["send orders"] * 3],
    "Metrics": ["send orders"],
    "In the program": ["commit orders", "process orders", "send orders"],
}


def examples() -> dict[str, str]:
    """The first program under each heading that has one, but for the quick start."""
    found = {}
    for section in re.split(r"(?m)^## ", f"{DOCS}\n{README}")[1:]:
        heading, _, text = section.partition("\n")
        blocks = code_blocks(text, "python")
        if blocks and heading != "Quick start":
            (found[heading],) = blocks
    return found


def run(*command: str | Path, program: str = "", folder: Path = ROOT) -> str:
    """Run a command that must end well; its output."""
    done = subprocess.run(
        command,
        input=program,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=folder,
        env={**os.environ, "OTEL_LOGS_EXPORTER": "none"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run() -> None:
    """One that is added needs its expected spans."""
    assert list(examples()) == list(SPANS)


@pytest.mark.parametrize("heading", SPANS)
def test_an_example_works_as_pasted(heading: str) -> None:
    """And makes the spans that its section tells of."""
    if heading == "Other clients":
        pytest.importorskip("confluent_kafka.aio", reason="this confluent-kafka has no aio")

    output = run(sys.executable, "-c", HARNESS, program=examples()[heading])

    assert json.loads(output.splitlines()[-1]) == SPANS[heading]


def test_the_quick_start_works_as_pasted(bootstrap: str, tmp_path: Path) -> None:
    """Its program in a file, run by its command: one trace, as the text says."""
    (program,) = code_blocks(README.partition("\n## In the program")[0], "python")
    commands = code_blocks(README, "sh")[0].splitlines()
    (command,) = (line.split() for line in commands if line.startswith("opentelemetry-instrument"))
    (tmp_path / "app.py").write_text(program.replace(SERVERS, bootstrap))
    programs = Path(sys.executable).parent

    output = run(
        *(programs / part if (programs / part).exists() else part for part in command),
        folder=tmp_path,
    )

    assert "b'one latte'" in output
    names = re.findall(r'^    "name": "([^"]+)"', output, re.MULTILINE)
    assert sorted(names) == ["commit orders", "process orders", "send orders"]
    assert len(set(re.findall(r'^        "trace_id": "([^"]+)"', output, re.MULTILINE))) == 1


def test_the_quick_start_is_short() -> None:
    """Ten lines, and none of them is about tracing."""
    (program,) = code_blocks(README.partition("\n## In the program")[0], "python")

    assert len(program.splitlines()) <= 10
    assert "telemetry" not in program


def test_the_range_is_the_one_of_the_metadata() -> None:
    """In the docs and in the README, which is the page of the package."""
    metadata = tomllib.loads((ROOT / "tracing" / "pyproject.toml").read_text(encoding="utf-8"))
    ranges = dict(needed.split(">=") for needed in metadata["project"]["dependencies"])

    assert list(ranges) == ["confluent-kafka", "opentelemetry-api"]
    for name, oldest in ranges.items():
        for text in (DOCS, README):
            assert f"`{name}` {oldest} and\nlater" in text or f"`{name}` {oldest} and later" in text


def rows() -> dict[str, str]:
    """The rows of the table of switches, by the first name in it."""
    table = DOCS.partition("\n## Switches\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"(?m)^\| `([A-Z_]+)`(.*)$", table))


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.field)
def test_every_switch_has_its_row(switch: object) -> None:
    """With every name that it goes by."""
    first, *others = switch.variables  # type: ignore[attr-defined] # a Switch

    assert all(
        name.rpartition("EXPERIMENTAL_")[2].removesuffix("_ENABLED") in rows()[first]
        for name in others
    )


def test_the_table_of_switches_holds_nothing_else() -> None:
    """But for the variables of OpenTelemetry's own that are honoured."""
    ours = {switch.variables[0] for switch in SWITCHES}

    assert rows().keys() - ours == {
        "OTEL_SEMCONV_STABILITY_OPT_IN",
        "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        "OTEL_PROPAGATORS",
    }


def test_every_method_of_the_builder_is_described() -> None:
    """Beside the switch that it sets."""
    methods = [name for name, _ in inspect.getmembers(KafkaTelemetryBuilder, inspect.isfunction)]

    public = [name for name in methods if not name.startswith("_") and name != "build"]
    assert [name for name in public if f"`{name}`" not in DOCS] == []


def test_every_attribute_and_metric_is_described() -> None:
    """The names of v1.24 are in the conventions' own text."""
    named = {
        value
        for name, value in vars(attributes).items()
        if name.isupper()
        and isinstance(value, str)
        and "." in value
        and not name.startswith("OLD_")
    }
    metrics = {OPERATION_DURATION, SENT_MESSAGES, CONSUMED_MESSAGES, PROCESS_DURATION}

    assert len(named) > 15
    assert sorted(name for name in named | metrics if f"`{name}`" not in DOCS) == []
