"""Certificates for the tests of TLS."""

from pathlib import Path

import pytest

from kafkascope_demo.localkafka.certificates import write_certificates


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, app.crt and app.key."""
    directory = tmp_path_factory.mktemp("certificates")
    write_certificates(directory, ["app", "other"])
    return directory
