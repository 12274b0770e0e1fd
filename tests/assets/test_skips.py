import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import ALLOWED_SKIPS

ROOT = Path(__file__).parents[2]

SKIPPING = """
import pytest

@pytest.mark.skipif(True, reason={reason!r})
def test_by_mark(): ...

def test_by_call():
    pytest.skip({reason!r})

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_failure():
    assert False
"""

SKIPPED_FILE = """
import pytest

pytest.skip({reason!r}, allow_module_level=True)
"""


def outcome(folder: Path, source: str, *, ci: bool) -> str:
    """Run ``source`` as a test file under the repository's conftest and return pytest's output."""
    file = folder / "test_skipping.py"
    file.write_text(source)
    pytest_here = [sys.executable, "-m", "pytest", "-p", "tests.conftest", f"--rootdir={folder}"]
    done = subprocess.run(
        [*pytest_here, "-c", os.devnull, "-p", "no:cacheprovider", str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "CI": "true" if ci else "", "PYTEST_ADDOPTS": ""},
    )
    return done.stdout


def test_only_these_reasons_to_skip_are_allowed_in_ci() -> None:
    """A new reason to skip is a decision, seen in this list."""
    expected = {
        "../shared is absent",
        "kafka_exporter is not on PATH",
        "kminion is not on PATH",
    }

    assert expected == ALLOWED_SKIPS


@pytest.mark.parametrize("source", [SKIPPING, SKIPPED_FILE])
def test_any_other_skip_is_an_error_in_ci(tmp_path: Path, source: str) -> None:
    """A test or a file that is skipped for a reason of its own fails there, naming the reason."""
    output = outcome(tmp_path, source.format(reason="it is Monday"), ci=True)

    assert "skipped in CI for a reason that is not allowed: 'it is Monday'" in output
    assert "1 skipped" not in output


def test_an_allowed_skip_and_an_expected_failure_pass_in_ci(tmp_path: Path) -> None:
    """The listed reasons hold in CI, and an xfail is no skip."""
    output = outcome(tmp_path, SKIPPING.format(reason="kminion is not on PATH"), ci=True)

    assert "2 skipped, 1 xfailed" in output


def test_outside_ci_any_skip_is_a_skip(tmp_path: Path) -> None:
    """A developer's machine may lack what CI has."""
    output = outcome(tmp_path, SKIPPING.format(reason="it is Monday"), ci=False)

    assert "2 skipped, 1 xfailed" in output
