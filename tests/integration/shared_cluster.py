"""A Kafka cluster that several test processes use, and that none of them can leave behind.

Each process holds a shared lock on one file while it uses the cluster. Whoever gets that lock
exclusively is alone and takes the cluster down: the last process on its way out, or a guardian
that the first process started and that waits for the lock. The kernel frees the locks of a process
that crashes, so the guardian gets its turn then as well.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import IO

from kafkascope_demo.localkafka import ClusterSpec, LocalKafka
from kafkascope_demo.localkafka.distribution import exclusive
from kafkascope_demo.localkafka.process import spawn


class SharedCluster:
    """One cluster in one directory, started by the first process that acquires it.

    Args:
        directory: The same one in every process.
        spec: What the cluster is to be, the same in every process.
    """

    def __init__(self, directory: Path, spec: ClusterSpec) -> None:
        self._directory = directory
        self._spec = spec
        self._kafka = LocalKafka(directory / "kafka")
        self._in_use: IO[str] | None = None

    def acquire(self) -> LocalKafka:
        """Use the cluster; starts it when it is not running."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with exclusive(self._directory / "start.lock"):
            self._in_use = (self._directory / "use.lock").open("a")
            fcntl.flock(self._in_use, fcntl.LOCK_SH)
            if not self._kafka.status():
                self._guard()
            self._kafka.up(self._spec)
        return self._kafka

    def release(self) -> None:
        """Use the cluster no more; takes it down when nobody else uses it."""
        if self._in_use is None:
            return
        with self._in_use:
            try:
                fcntl.flock(self._in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._kafka.down()

    def _guard(self) -> None:
        guardian = Path(__file__).with_name("guardian.py")
        lock = self._directory / "use.lock"
        path = os.pathsep.join(filter(None, sys.path))
        spawn(
            [sys.executable, str(guardian), path, str(lock), str(self._kafka.directory)],
            log=self._directory / "guardian.log",
            mark=str(lock),
        )
