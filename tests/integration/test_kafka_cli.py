"""The commands of docs/kafka-cli.md do what that page says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from kafkascope_demo.localkafka import LocalKafka

PAGE: Final = Path(__file__).parents[2] / "docs" / "kafka-cli.md"
SECTION: Final = re.compile(r"^## \d+\. (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK: Final = re.compile(r"^```sh\n# (\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def steps() -> dict[str, dict[str, str]]:
    """The page's commands, by the step's heading and the form's name."""
    text = PAGE.read_text(encoding="utf-8")
    return {heading: dict(BLOCK.findall(body)) for heading, body in SECTION.findall(text)}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A home for the cluster that the page's commands start; it is down after the test."""
    yield tmp_path
    LocalKafka(tmp_path / "kafkascope" / "kafka").down()


def run(line: str, state: Path) -> str:
    """Run one command line of the page as it stands, and give what it printed."""
    program = f'kafkascope-demo() {{ "{sys.executable}" -m kafkascope_demo "$@"; }}\n'
    found = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        ["bash", "-c", program + line],
        env=os.environ | {"XDG_STATE_HOME": str(state), "PYTHONPATH": found},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}{done.stdout}{done.stderr}"
    return done.stdout


def test_every_step_after_the_start_has_the_talks_form_ours_and_that_for_kubernetes() -> None:
    """In this order; starting and stopping is the chart's business on Kubernetes."""
    forms = {heading: list(of) for heading, of in steps().items()}
    assert forms.pop("Start Kafka") == ["talk", "here"]
    assert forms.pop("Stop Kafka") == ["here"]
    assert set(map(tuple, forms.values())) == {("talk", "here", "Kubernetes")}
    assert len(forms) == 5


@pytest.mark.timeout(240)
def test_the_walk_through_runs_as_it_is_written(state: Path) -> None:
    """From nothing, through every step, to a cluster that is gone; only the ports are free ones."""
    printed = {
        heading: run(of["here"].replace("kafka up", "kafka up --first-port 0"), state)
        for heading, of in steps().items()
    }
    assert "Created topic quickstart-events." in printed["Create a topic"]
    assert "PartitionCount: 1\tReplicationFactor: 3" in printed["Describe it"]
    assert printed["Read them from the beginning"].split() == ["first", "second", "third", "fourth"]
    assert printed["Read from a partition and an offset"].split() == ["third", "fourth"]
    assert not LocalKafka(state / "kafkascope" / "kafka").status()
