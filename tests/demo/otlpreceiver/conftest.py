"""A receiver for each test."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from kafkascope_demo.otlpreceiver.application import application
from kafkascope_demo.otlpreceiver.storage import Storage


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """An empty database of 64 MiB."""
    with closing(Storage(tmp_path / "otlp.sqlite3", 2**26)) as storage:
        yield storage


@pytest.fixture
def client(storage: Storage) -> FlaskClient:
    """A client of the application, without a server between."""
    return application(storage).test_client()
