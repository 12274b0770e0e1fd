"""Starts a service by its name: settings, tracing, logs, and an orderly end."""

import argparse
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from kafkascope_demo.environment import SettingError
from kafkascope_demo.telemetryenvironment import Service
from kafkascope_demo.zerocode import NoInstrumentError, instrument

_BAD_SETTING: Final = 2


def add_service(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    service: Service,
    summary: str,
    description: str,
) -> None:
    """Add a service's command.

    Args:
        commands: Where it is added.
        service: Its name; the package of that name has ``service.run``.
        summary: One line about it.
        description: What its ``--help`` says.
    """
    parser = commands.add_parser(
        service,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=lambda _: _run(service))


def _run(service: Service) -> int:
    try:
        if os.environ.get("TRACING", "").strip() in {"", "auto"}:
            instrument(service, [service])
        # Flask and Kafka's client are loaded once it is settled that this process uses them.
        run: Callable[[], int] = importlib.import_module(f"kafkascope_demo.{service}.service").run
        return run()
    except (SettingError, NoInstrumentError) as error:
        print(f"kafkascope-demo {service}: {error}", file=sys.stderr)
        return _BAD_SETTING


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set; a second one ends the process at once."""
    stopping = threading.Event()

    def stop(number: int, _frame: object) -> None:
        stopping.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
