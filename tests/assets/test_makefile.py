import re
import subprocess

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
