"""The server that several tests ask."""

from collections.abc import Iterator

import pytest

from tests.exporter.serverclient import LARGE, QUICK
from tests.exporter.serving import Serving, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server with deadlines of half a second and a page of 8 MB, whose log must stay clean."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(log, (*QUICK, f"--size={LARGE}")) as served:
        yield served
        assert served.process.poll() is None
    assert "Traceback" not in log.read_text()
