import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.assets.repository import ROOT

LOCK = ROOT / "requirements" / "dev.txt"


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it printed, errors included in ``stdout``."""
    return subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=cwd,
    )


class Environment:
    """An empty virtual environment, filled by this interpreter's pip."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.bin = folder / "bin"
        # Pins without their hashes: pip would demand one of our own, freshly built files too.
        self.constraints = folder / "constraints.txt"
        pins = [line.rstrip(" \\") for line in LOCK.read_text().splitlines() if "==" in line]
        self.constraints.write_text("\n".join(pins))

    def pip(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run pip on this environment."""
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input")
        return run(*pip, "--python", self.bin / "python", *arguments)

    def install(self, what: str | Path) -> None:
        """Install something alone, with its dependencies at the versions that we lock."""
        done = self.pip("install", "--constraint", self.constraints, what)
        assert done.returncode == 0, done.stdout


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An environment of the test's own."""
    return Environment(tmp_path / "venv")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make dist` builds."""
    folder = tmp_path_factory.mktemp("dist")
    done = run("make", "dist", f"DIST={folder}")
    assert done.returncode == 0, done.stdout
    return folder


pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("distributions")]


def test_make_dist_builds_sdist_and_wheel_of_what_is_published(built: Path) -> None:
    """The exporter and tracing are published; the demo is not."""
    assert sorted(path.name for path in built.iterdir() if path.name != ".gitignore") == [
        "kafkascope_exporter-0.1.0-py3-none-any.whl",
        "kafkascope_exporter-0.1.0.tar.gz",
        "kafkascope_tracing-0.1.0-py3-none-any.whl",
        "kafkascope_tracing-0.1.0.tar.gz",
    ]


def test_the_exporters_wheel_runs_alone(built: Path, environment: Environment) -> None:
    """Its dependencies are complete: the command starts where nothing else is installed."""
    environment.install(next(built.glob("kafkascope_exporter-*.whl")))

    said = run(environment.bin / "kafkascope-exporter", "--version", cwd=built)

    assert (said.returncode, "0.1.0" in said.stdout) == (0, True), said.stdout
    assert environment.pip("check").returncode == 0


def test_tracings_wheel_imports_alone(built: Path, environment: Environment) -> None:
    """It needs neither the exporter nor an SDK."""
    environment.install(next(built.glob("kafkascope_tracing-*.whl")))

    done = run(environment.bin / "python", "-W", "error", "-c", "import kafkascope_tracing")

    assert done.returncode == 0, done.stdout
    assert "opentelemetry-sdk" not in environment.pip("list").stdout


def test_the_exporter_installs_from_its_folder(environment: Environment) -> None:
    """`pip install ./exporter`, as the README says."""
    environment.install("./exporter")

    said = run(environment.bin / "kafkascope-exporter", "--help")

    assert said.returncode == 0, said.stdout
    assert "--kafka.server" in said.stdout


def test_the_root_says_what_to_install_instead(environment: Environment) -> None:
    """`pip install .` shows one line of ours, and no traceback."""
    done = environment.pip("install", ".")

    assert done.returncode != 0
    assert "[1 lines of output]" in done.stdout
    assert "Install the exporter with: pip install ./exporter" in done.stdout
    assert "Traceback" not in done.stdout
