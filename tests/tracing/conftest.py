from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

import pytest

from tests.tracing.clients import Cluster
from tests.tracing.mockcluster import mock_cluster
from tests.tracing.recorder import Recorder

_TOPICS: Final = count(1)


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[str]:
    """Run one mock cluster for all tests of a process."""
    with mock_cluster() as servers:
        yield servers


@pytest.fixture
def cluster(bootstrap: str) -> Iterator[Cluster]:
    """Give a test a topic of its own, and close its clients."""
    found = Cluster(bootstrap, f"topic-{next(_TOPICS)}")
    yield found
    found.close()


@pytest.fixture
def recorder() -> Recorder:
    """Give a test an SDK of its own."""
    return Recorder()
