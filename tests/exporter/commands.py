"""The command ``kafkascope-exporter`` as its users run it, without a Kafka cluster."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafkascope_demo.exporterprocess import free_port
from tests.waiting import wait_until

COMMAND = (sys.executable, "-m", "kafkascope_exporter")
NO_KAFKA = "--kafka.server=127.0.0.1:1"  # tcpmux's port, which nothing has listened on for decades


@dataclass(frozen=True, slots=True)
class Running:
    """An exporter that serves."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path


def ended(
    *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, with no settings in the environment but ``environ``."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KAFKASCOPE")}
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**clean, **(environ or {})},
    )


@contextmanager
def running(log: Path, *arguments: str) -> Iterator[Running]:
    """Run the command until it says that it serves, and end it afterwards."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, f"--web.listen-address=127.0.0.1:{port}", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: "serving http" in log.read_text(), 60, "the exporter serves")
        yield Running(process, port, log)
    finally:
        process.kill()
        process.wait()
