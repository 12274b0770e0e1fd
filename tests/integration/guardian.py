"""Take a test cluster down once no process uses it, however those processes ended.

Run as ``python guardian.py IMPORT_PATH LOCK DIRECTORY``.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path


def main() -> None:
    """Wait until the lock is free, then take the cluster down."""
    import_path, lock, directory = sys.argv[1:]
    sys.path[:0] = import_path.split(os.pathsep)
    from kafkascope_demo.localkafka import LocalKafka  # noqa: PLC0415 - needs the import path

    with Path(lock).open("a") as use:
        fcntl.flock(use, fcntl.LOCK_EX)
        LocalKafka(Path(directory)).down()


if __name__ == "__main__":
    main()
