"""``TRACING=auto``: starts a service again under ``opentelemetry-instrument``."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from kafkascope_demo.telemetryenvironment import Service, telemetry_environment

_LOADER: Final = os.path.join("opentelemetry", "instrumentation", "auto_instrumentation")  # noqa: PTH118 - the end of a text


class NoInstrumentError(Exception):
    """``opentelemetry-instrument`` is not installed."""


def is_instrumented(variables: Mapping[str, str]) -> bool:
    """Whether this process was started by ``opentelemetry-instrument``, or by the Operator.

    Both put the folder of a ``sitecustomize`` into ``PYTHONPATH``.

    Args:
        variables: The environment.
    """
    paths = variables.get("PYTHONPATH", "").split(os.pathsep)
    return any(path.rstrip(os.sep).endswith(_LOADER) for path in paths)


def instrument(service: Service, arguments: Sequence[str]) -> None:
    """Replace this process by one that is instrumented; return when it is one already.

    The process keeps its id, so whoever supervises it notices nothing.

    Args:
        service: Which service, for the defaults of its telemetry.
        arguments: Of `kafkascope-demo`.

    Raises:
        NoInstrumentError: There is nothing to start it with.
    """
    if is_instrumented(os.environ):
        return
    program = Path(sys.executable).with_name("opentelemetry-instrument")
    if not program.exists():
        raise NoInstrumentError(
            f"{program} is not there: pip install opentelemetry-distro, or set TRACING to "
            "interceptor, wrap or off"
        )
    command = [str(program), sys.executable, "-m", "kafkascope_demo", *arguments]
    os.execve(program, command, telemetry_environment(os.environ, service))  # noqa: S606 - it replaces this process
