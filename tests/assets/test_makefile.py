import re
import shutil
import subprocess
from pathlib import Path

from kafkascope_demo.localkafka import ClusterSpec
from kafkascope_demo.localkafka.state import ClusterDirectory, ClusterState
from tests.assets.repository import ROOT, code_blocks


def make(*arguments: str) -> str:
    """Run make in the repository and return what it prints."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout


def make_commands(text: str) -> list[str]:
    """Give the lines that are a plain call of make."""
    return [line for line in text.splitlines() if line.startswith("make ")]


def test_make_alone_lists_every_target_with_one_line() -> None:
    """Nobody has to read the Makefile to find its doors."""
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    listed = dict(line.split(maxsplit=1) for line in make().splitlines())

    assert list(listed) == phony.split()
    assert all(listed.values())


def test_ci_runs_the_commands_of_the_readme() -> None:
    """What the README asks of a developer is what CI checks, in the same order."""
    development = (ROOT / "README.md").read_text().partition("## Development")[2]
    (block,) = code_blocks(development, "sh")

    assert make_commands(block) == ["make lint", "make test"]
    assert make_commands((ROOT / ".ci" / "run").read_text()) == make_commands(block)


def test_every_make_command_in_the_readme_is_a_target() -> None:
    """A reader can type what the README shows."""
    targets = {line.split()[0] for line in make().splitlines()}
    blocks = "\n".join(code_blocks((ROOT / "README.md").read_text(), "sh"))

    named = {command.split()[1] for command in make_commands(blocks)}

    assert {"run", "lint", "test"} <= named <= targets


def clean(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run `make clean` in a copy of the repository."""
    shutil.copy(ROOT / "Makefile", directory)
    return subprocess.run(
        ["make", "--no-print-directory", "clean"],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
    )


def test_clean_leaves_nothing_of_an_install_and_a_run(tmp_path: Path) -> None:
    """Logs of a run that has ended are remains too."""
    for left in (".venv/bin", ".kafkascope/demo/kafka/node-1", "dist"):
        (tmp_path / left).mkdir(parents=True)

    result = clean(tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    assert [entry.name for entry in tmp_path.iterdir()] == ["Makefile"]


def test_clean_does_not_take_the_files_from_under_running_brokers(tmp_path: Path) -> None:
    """Nor the command that stops them, which it names."""
    brokers = ClusterDirectory(tmp_path / ".kafkascope" / "demo" / "kafka")
    brokers.root.mkdir(parents=True)
    brokers.write_state(ClusterState.of(ClusterSpec()))
    (tmp_path / ".venv").mkdir()

    result = clean(tmp_path)

    assert result.returncode != 0
    assert "kafkascope-demo kafka down --directory .kafkascope/demo/kafka" in result.stderr
    assert brokers.read_state() is not None
    assert (tmp_path / ".venv").exists()
