"""Room on the disk for a cluster, and failures to write to it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka.errors import LocalKafkaError

_MIB: Final = 1 << 20
_NODE_MIB: Final = 100


@contextlib.contextmanager
def storing(directory: Path, nodes: int) -> Iterator[None]:
    """Make a cluster's directory, and turn failures to write there into one line.

    Args:
        directory: The cluster's directory.
        nodes: How many brokers write there.

    Raises:
        LocalKafkaError: Too little space, or something cannot be written; names the place.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(directory).free // _MIB, nodes * _NODE_MIB
        if free < needed:
            raise LocalKafkaError(
                f"no space: {directory} has {free} MiB free, a cluster of {nodes} begins with "
                f"{needed}; choose another --directory"
            )
        yield
    except OSError as error:
        where = error.filename or directory
        raise LocalKafkaError(f"cannot write {where}: {error.strerror or error}") from error
