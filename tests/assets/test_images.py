"""What images are made of, and what builds them."""

import re
from pathlib import Path

import pytest

from helm.images import IMAGES, ImageError, allowed, assemble, build_command
from tests.assets.repository import ROOT

PARTS = sorted(IMAGES)


def command(folder: Path, **chosen: object) -> list[str]:
    """The command that builds an image, with what a test chooses."""
    given = {"custom": "", "platform": "", "push": False} | chosen
    return build_command("kafkascope/exporter:1", folder, {"VERSION": "1"}, **given)  # type: ignore[arg-type]


def engine(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one engine on PATH, and nothing else."""
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize("part", PARTS)
def test_an_image_is_made_of_what_dockerignore_lets_in(part: str, tmp_path: Path) -> None:
    """And of its Dockerfile, at the top: a command that takes a folder needs no more."""
    assemble(part, tmp_path / "context")
    found = {path.relative_to(tmp_path / "context") for path in (tmp_path / "context").rglob("*")}
    assert {path.parts[0] for path in found} == {
        "Dockerfile",
        *(name.partition("/")[0] for name in allowed()),
    }
    assert Path(f"requirements/{part}.txt") in found
    assert Path("helm/kafkascope-exporter/files/rules.yaml") in found
    assert not [path for path in found if path.name == "__pycache__" or ".venv" in path.parts]


@pytest.mark.parametrize("part", PARTS)
def test_every_file_that_a_dockerfile_copies_is_let_in(part: str, tmp_path: Path) -> None:
    """By hand and in `make images` it is built from the same."""
    assemble(part, tmp_path / "context")
    dockerfile = (ROOT / IMAGES[part]).read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.MULTILINE)
    assert copied
    assert [source for source in copied if not (tmp_path / "context" / source).exists()] == []


def test_build_arguments_reach_a_command_that_takes_none(tmp_path: Path) -> None:
    """As defaults; what the image is made of has the same hash with any of them."""
    first = assemble("exporter", tmp_path / "a", {"PYTHON_IMAGE": "python:x", "VERSION": "9"})
    other = assemble("exporter", tmp_path / "b")
    lines = (tmp_path / "a" / "Dockerfile").read_text().splitlines()
    assert {"ARG PYTHON_IMAGE=python:x", "ARG VERSION=9"} <= set(lines)
    assert first == other
    assert first != assemble("demo", tmp_path / "c")


@pytest.mark.parametrize("part", PARTS)
def test_an_image_runs_as_a_numeric_user_and_needs_no_shell(part: str) -> None:
    """Kubernetes can tell that it is not root, and what starts is the program itself."""
    dockerfile = (ROOT / IMAGES[part]).read_text()
    assert "USER 10001:10001" in dockerfile
    assert re.findall(r"^USER (?!10001:10001$|0$).*", dockerfile, re.MULTILINE) == []
    assert re.findall(r"^(?:ENTRYPOINT|CMD) (?!\[)", dockerfile, re.MULTILINE) == []
    assert "ARG PYTHON_IMAGE=" in dockerfile
    assert "--require-hashes" in dockerfile


@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_the_engine_that_is_there_builds(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the version as a build argument."""
    engine(tmp_path, name, monkeypatch)
    assert command(Path("context")) == [
        *(name, "build", "--build-arg", "VERSION=1"),
        *("--tag", "kafkascope/exporter:1", "context"),
    ]


def test_a_command_of_ones_own_gets_name_and_folder() -> None:
    """As the issue's cluster has one."""
    assert command(Path("context"), custom="sudo ./image --quiet") == [
        *("sudo", "./image", "--quiet", "kafkascope/exporter:1", "context")
    ]


def test_without_any_engine_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And names the variable."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match="make images IMAGE_BUILD='COMMAND'"):
        command(Path("context"))


def test_images_for_several_platforms_need_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which builds and pushes them in one go."""
    engine(tmp_path, "podman", monkeypatch)
    with pytest.raises(ImageError, match="need docker with buildx; here is podman"):
        command(Path("context"), platform="linux/amd64,linux/arm64")
    with pytest.raises(ImageError, match="no PLATFORM, no PUSH"):
        command(Path("context"), custom="./image", push=True)
    engine(tmp_path, "docker", monkeypatch)
    asked = command(Path("context"), platform="linux/amd64,linux/arm64", push=True)
    assert asked[:3] == ["docker", "buildx", "build"]
    assert {"--platform=linux/amd64,linux/arm64", "--push"} <= set(asked)
