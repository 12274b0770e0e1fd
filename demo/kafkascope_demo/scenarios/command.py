"""`kafkascope-demo scenario`: makes a fault for a while, or lists the faults there are."""

import argparse
import signal
import sys
import time
from typing import Final

from rich.console import Console
from rich.table import Table

from kafkascope_demo import whichdemo
from kafkascope_demo.scenarios import SCENARIOS, ScenarioError, injected
from kafkascope_demo.web import WebError

_LIST: Final = "list"

_EXAMPLES: Final = """\
examples:
  kafkascope-demo scenario list
  kafkascope-demo scenario stuck-consumer --for 60
  kafkascope-demo verify --scenario stuck-consumer
      the same until its alert's condition is there, and then until it is gone
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``scenario``."""
    parser = commands.add_parser(
        "scenario",
        help="make a fault in a running demo, and undo it",
        description="Makes a fault in a running demo, waits, and undoes it; Ctrl-C undoes "
        "it at once. Meanwhile kafkascope_demo_scenario{name} is 1 in the producer's metrics.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "name", choices=(*SCENARIOS, _LIST), metavar="NAME", help="a scenario's name, or: list"
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long it lasts (default: 60)",
    )
    whichdemo.add_options(parser)
    parser.set_defaults(run=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.name == _LIST:
        Console().print(_table())
        return 0
    scenario = SCENARIOS[arguments.name]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parts = whichdemo.parts(arguments, arguments.parser)
    try:
        with injected(scenario, parts):
            print(
                f"{scenario.does}, for {arguments.seconds:g} s; alert: {scenario.alert}", flush=True
            )
            time.sleep(arguments.seconds)
    except (ScenarioError, WebError) as error:
        print(f"kafkascope-demo scenario: {error}", file=sys.stderr)
        return 1
    print(f"undone: {scenario.undone}")
    return 0


def _table() -> Table:
    table = Table("scenario", "what it does", "panel", "alert", "how it is undone")
    for scenario in SCENARIOS.values():
        table.add_row(scenario.name, scenario.does, scenario.panel, scenario.alert, scenario.undone)
    return table
