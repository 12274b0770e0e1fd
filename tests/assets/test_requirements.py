import re
import subprocess
import sys

import pytest
from packaging.tags import Tag

from requirements.check import PLATFORMS, PYTHONS, accepted_tags, environment, wheel_tags
from requirements.environment import refusal
from tests.assets.repository import ROOT

LOCKED = sorted(path.name for path in (ROOT / "requirements").glob("*.txt"))


def pins(name: str) -> dict[str, str]:
    """Give the text of each pin of a requirements file, hashes included, by package and version."""
    text = (ROOT / "requirements" / name).read_text()
    entries = re.split(r"\n(?=[a-z])", re.sub(r"(?m)^ *#.*\n?", "", text).strip())
    return {entry.split(" ")[0]: entry for entry in entries}


def wheel(name: str) -> dict[str, object]:
    """A pinned package with one wheel, as uv lists it."""
    return {"name": "a", "version": "1", "wheels": [{"url": f"https://mirror.test/x/{name}"}]}


def test_each_source_has_its_lock() -> None:
    """`make lock` has been run since the last .in file was added."""
    sources = sorted(path.stem for path in (ROOT / "requirements").glob("*.in"))

    assert [name.removesuffix(".txt") for name in LOCKED] == sources
    assert sources == ["build", "demo", "dev", "exporter", "peers"]


@pytest.mark.parametrize("name", LOCKED)
def test_each_pin_is_exact_and_hashed(name: str) -> None:
    """An installation refuses anything else than the files that were locked."""
    found = pins(name)

    loose = [
        pin for pin, entry in found.items() if "==" not in pin or "--hash=sha256:" not in entry
    ]

    assert len(found) > 5
    assert loose == []


@pytest.mark.parametrize("name", LOCKED)
def test_locks_hold_no_address(name: str) -> None:
    """They install from whatever index the machine is set to."""
    assert "://" not in (ROOT / "requirements" / name).read_text()


@pytest.mark.parametrize("name", ["build.txt", "exporter.txt", "demo.txt"])
def test_development_runs_what_users_run(name: str) -> None:
    """Each part's pins are those of the development environment."""
    assert pins(name).keys() <= pins("dev.txt").keys()


def test_peers_stay_out_of_our_environment() -> None:
    """Instrumentation that is installed beside ours would be loaded with it."""
    peers = {"ddtrace", "opentelemetry-instrumentation-confluent-kafka"}
    ours = {pin.partition("==")[0] for pin in pins("dev.txt")}

    assert not peers & ours
    assert peers <= {pin.partition("==")[0] for pin in pins("peers.txt")}


def test_pins_are_checked_for_every_place_that_is_served() -> None:
    """Python 3.11 to 3.14, Linux and macOS, amd64 and arm64."""
    assert PYTHONS == ((3, 11), (3, 12), (3, 13), (3, 14))
    assert {environment((3, 11), *place)["platform_system"] for place in PLATFORMS} == {
        "Linux",
        "Darwin",
    }
    assert len(set(PLATFORMS)) == 4


@pytest.mark.parametrize(
    ("name", "places"),
    [
        pytest.param("a-1-py3-none-any.whl", 16, id="pure"),
        pytest.param("a-1-cp311-abi3-manylinux_2_28_x86_64.whl", 4, id="stable interface"),
        pytest.param("a-1-cp312-cp312-macosx_11_0_universal2.whl", 2, id="one Python"),
        pytest.param("a-1-cp314-cp314-musllinux_1_2_x86_64.whl", 0, id="another libc"),
        pytest.param("a-1-cp313-cp313-macosx_26_0_arm64.whl", 0, id="too new a system"),
        pytest.param("a-1-cp312-cp312-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", 1),
    ],
)
def test_a_wheel_serves_the_places_that_its_tags_name(name: str, places: int) -> None:
    """A pin is counted as missing exactly where pip would find no wheel."""
    tags: frozenset[Tag] = wheel_tags(wheel(name))

    served = [
        (python, place)
        for python in PYTHONS
        for place in PLATFORMS
        if tags & accepted_tags(python, *place)
    ]

    assert len(served) == places


def test_an_old_python_is_told_what_to_do() -> None:
    """One line that names what is needed, what was found, and the way out."""
    why = refusal((3, 9))

    assert "needs Python 3.11 or newer" in why
    assert "is Python 3.9" in why
    assert "make install PYTHON=" in why


def test_a_python_without_venv_is_told_what_to_do() -> None:
    """Debian's python3 has no ensurepip until python3-venv is installed."""
    blocked = "import sys; sys.modules['ensurepip'] = None; sys.argv = ['', 'never-made']; "
    script = f"{blocked}import runpy; runpy.run_path('environment.py', run_name='__main__')"

    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT / "requirements",
    )

    assert done.returncode == 1
    assert "without its venv module. On Debian: apt-get install python3-venv" in done.stderr
    assert "Traceback" not in done.stderr
