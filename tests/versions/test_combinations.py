"""Where `make test-versions` runs the tracing tests."""

from pathlib import Path

import pytest

from tests.versions.tracing import (
    Combination,
    InstallError,
    combinations,
    find,
    install,
    requirements,
)


def python_on_path(folder: Path, version: str, answer: str) -> None:
    """Put a python of that version on the PATH that ``folder`` is."""
    program = folder / f"python{version}"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}")
    return tmp_path


def test_a_python_is_found_by_its_name_on_path(path: Path) -> None:
    """It tells where it is itself: the name may be a link or a script."""
    python_on_path(path, "3.12", "echo /somewhere/python")

    assert find("3.12") == "/somewhere/python"


def test_a_name_that_does_not_run_is_no_python(path: Path) -> None:
    """Pyenv leaves names on PATH of versions that it does not have."""
    python_on_path(path, "3.13", "exit 127")

    assert find("3.13") is None
    assert find("3.14") is None


def test_each_python_gets_the_oldest_and_the_newest(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first one gets mixtures, too; one that is not installed is named, and left out."""
    python_on_path(path, "3.12", "echo /somewhere/python")
    python_on_path(path, "3.13", "echo /somewhere/else/python")

    found = [(c.python, c.client, c.api) for c in combinations(["3.11", "3.12", "3.13"])]

    assert found == [
        ("3.12", "oldest", "oldest"),
        ("3.12", "newest", "newest"),
        ("3.12", "oldest", "newest"),
        ("3.12", "newest", "oldest"),
        ("3.13", "oldest", "oldest"),
        ("3.13", "newest", "newest"),
    ]
    assert capsys.readouterr().err == "Python 3.11 is not on PATH: left out\n"


def test_the_oldest_are_the_ones_that_the_package_asks_for() -> None:
    """The range in the metadata is the one that is tested."""
    assert requirements() == (
        "confluent-kafka>=2.3",
        "opentelemetry-api>=1.20",
        "opentelemetry-instrumentation>=0.41b0",
        "wrapt>=1.14",
    )


def test_an_environment_that_cannot_be_made_is_told_in_uvs_words(tmp_path: Path) -> None:
    """No traceback: which command, and why."""
    nowhere = Combination("3.12", str(tmp_path / "no-python"), "oldest", "oldest")

    with pytest.raises(InstallError, match=r"uv venv .*no-python"):
        install(nowhere, tmp_path)
