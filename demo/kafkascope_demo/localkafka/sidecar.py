"""The token issuer's process beside the brokers."""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka import issuer
from kafkascope_demo.localkafka.configuration import HOST
from kafkascope_demo.localkafka.errors import LocalKafkaError
from kafkascope_demo.localkafka.process import ProcessId, spawn
from kafkascope_demo.localkafka.state import ClusterDirectory, ClusterState

_NAME: Final = "issuer"
_READY_S: Final = 20.0


def start_issuer(at: ClusterDirectory, state: ClusterState) -> None:
    """Start the token issuer unless it runs, and wait until it answers.

    Raises:
        LocalKafkaError: It does not answer.
    """
    process = ProcessId.read(at.pid(_NAME))
    if process is None or process.state() != "running":
        # -P: modules beside the program must not shadow others.
        program = [sys.executable, "-P", str(Path(issuer.__file__))]
        process = spawn(
            [*program, str(state.issuer_port), str(at.issuer)],
            log=at.log(_NAME),
            mark=str(at.issuer),
        )
        process.write(at.pid(_NAME))
    ends_at = time.monotonic() + _READY_S
    while not _answers(state.issuer_port):
        if process.state() != "running" or time.monotonic() > ends_at:
            raise LocalKafkaError(f"the token issuer does not answer; its log: {at.log(_NAME)}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=1) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
    except (urllib.error.URLError, OSError):
        return False
