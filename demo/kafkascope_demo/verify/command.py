"""`kafkascope-demo verify`: asks a running demo whether it works."""

import argparse
import json
import signal
import sys
from typing import Final

from rich.console import Console
from rich.text import Text

from kafkascope_demo import whichdemo
from kafkascope_demo.scenarios import SCENARIOS, ScenarioError, prove
from kafkascope_demo.verify import Outcome, Report, render, verify
from kafkascope_demo.web import WebError

_DESCRIPTION: Final = """\
Asks a running demo whether it works: services healthy, an event from HTTP to the consumer group,
exporter fresh, lag as the brokers say, one trace across Kafka, Prometheus scraping. Prints what
passed, the evidence, and what to do about the rest; exit code 0 when all passed.
"""

_EXAMPLES: Final = f"""\
examples:
  kafkascope-demo verify
      the local demo that 'make run' or 'kafkascope-demo up' started here
  kafkascope-demo verify --scenario stuck-consumer
      run a fault scenario, and see its alert's condition come and go
  kafkascope-demo verify --producer http://127.0.0.1:8080 --consumer http://127.0.0.1:8081 \\
      --exporter http://127.0.0.1:9308 --bootstrap-servers 127.0.0.1:9092 \\
      --traces jaeger --traces-url http://127.0.0.1:16686 --prometheus http://127.0.0.1:9090
      any other demo, for instance through port-forwards

Where the trace backend wants one, the header Authorization comes from {whichdemo.AUTHORIZATION}.
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``verify``."""
    parser = commands.add_parser(
        "verify",
        help="ask a running demo whether it works",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--scenario",
        choices=SCENARIOS,
        metavar="NAME",
        help="run this fault scenario (see: kafkascope-demo scenario list), and wait until its "
        "alert's condition is true and then false again",
    )
    whichdemo.add_options(parser)
    parser.set_defaults(run=_run, parser=parser)


def _run(arguments: argparse.Namespace) -> int:
    report = _scenario(arguments) if arguments.scenario else _verify(arguments)
    if arguments.json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        Console().print(render(report))
    return 0 if report.ok else 1


def _verify(arguments: argparse.Namespace) -> Report:
    progress = Console(stderr=True)

    def tell(outcome: Outcome) -> None:
        mark = "pass" if outcome.passed else "FAIL"
        progress.print(Text(f"{mark}  {outcome.name} ({outcome.seconds:.1f} s)"))

    return verify(
        whichdemo.addresses(arguments, arguments.parser), None if arguments.json else tell
    )


def _scenario(arguments: argparse.Namespace) -> Report:
    """Run a scenario, and give its course as a report of one outcome."""
    scenario = SCENARIOS[arguments.scenario]
    name = f"{scenario.name}: {scenario.alert} comes and goes"
    # The first process of a container is not ended by SIGTERM alone, and the fault would stay.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parts = whichdemo.parts(arguments, arguments.parser)
    try:
        course = prove(scenario, parts, _tell)
    except (ScenarioError, WebError) as error:
        return Report((Outcome(name, passed=False, evidence=str(error), fix=_FIX),))
    came, went = f"after {course.appeared_s:.0f} s", f"{course.cleared_s:.0f} s after the fault"
    told = f"{course.seen} ({came}; gone {went})"
    return Report((Outcome(name, passed=True, evidence=told),))


_FIX: Final = "kafkascope-demo status says which part is not healthy"


def _tell(step: str) -> None:
    print(step, file=sys.stderr, flush=True)
