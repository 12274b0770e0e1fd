from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = """
import os, time, pytest
@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("number", range(6))
def test_tells_its_worker(number):
    time.sleep(0.05)
    with open("workers", "a") as workers:
        workers.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_tests_of_one_group_run_in_one_worker(tmp_path: Path) -> None:
    """What keeps tests that break one cluster apart: some pytest releases ignore the groups."""
    (tmp_path / "test_group.py").write_text(TESTS)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n2", "--dist=loadgroup", "-c", "/dev/null", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    workers = (tmp_path / "workers").read_text().split()
    assert len(workers) == 6
    assert len(set(workers)) == 1
