"""`kafkascope-demo verify`: asks a running demo whether it works."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from kafkascope_demo.addresses import Addresses, TraceBackend
from kafkascope_demo.kafkaproperties import read_properties
from kafkascope_demo.scenarios import SCENARIOS, ScenarioError, prove
from kafkascope_demo.stack.local import DIRECTORY, LocalParts
from kafkascope_demo.verify import Outcome, Report, render, verify
from kafkascope_demo.web import WebError

_AUTHORIZATION: Final = "KAFKASCOPE_TRACES_AUTHORIZATION"
_NEEDED: Final = ("producer", "consumer", "exporter", "bootstrap_servers", "traces_url")

_BESIDES: Final = ("prometheus", "locust", "kafka_properties")

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

Where the trace backend wants one, the header Authorization comes from {_AUTHORIZATION}.
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
    parser.add_argument(
        "--directory",
        type=Path,
        default=DIRECTORY,
        help="directory of the local demo (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--scenario",
        choices=SCENARIOS,
        metavar="NAME",
        help="run this fault scenario (see: kafkascope-demo scenario list), and wait until its "
        "alert's condition is true and then false again",
    )
    _add_addresses(parser)
    parser.set_defaults(run=_run, parser=parser)


def _add_addresses(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("a demo that is not local")
    group.add_argument("--producer", metavar="URL")
    group.add_argument("--consumer", metavar="URL", action="append", help="once for each")
    group.add_argument("--exporter", metavar="URL")
    group.add_argument("--bootstrap-servers", metavar="HOST:PORT,…")
    group.add_argument(
        "--kafka-properties", type=Path, metavar="FILE", help="librdkafka properties: TLS, SASL"
    )
    group.add_argument(
        "--traces", choices=("receiver", "jaeger", "openobserve"), default="receiver"
    )
    group.add_argument("--traces-url", metavar="URL", help="of the trace backend's query API")
    group.add_argument("--prometheus", metavar="URL")
    group.add_argument("--locust", metavar="URL")
    group.add_argument("--topic", default="ochacafe-event")
    group.add_argument("--group", default="ochacafe-group")
    group.add_argument("--dead-letter-topic", default="ochacafe-event.dead-letter")


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

    return verify(_addresses(arguments), None if arguments.json else tell)


def _scenario(arguments: argparse.Namespace) -> Report:
    """Run a scenario, and give its course as a report of one outcome."""
    if arguments.producer:
        arguments.parser.error("--scenario stops and starts parts: it takes a local demo")
    scenario = SCENARIOS[arguments.scenario]
    name = f"{scenario.name}: {scenario.alert} comes and goes"
    try:
        course = prove(scenario, LocalParts(arguments.directory), _tell)
    except (ScenarioError, WebError) as error:
        return Report((Outcome(name, passed=False, evidence=str(error), fix=_FIX),))
    came, went = f"after {course.appeared_s:.0f} s", f"{course.cleared_s:.0f} s after the fault"
    told = f"{course.seen} ({came}; gone {went})"
    return Report((Outcome(name, passed=True, evidence=told),))


_FIX: Final = "kafkascope-demo status says which part is not healthy"


def _tell(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


def _addresses(arguments: argparse.Namespace) -> Addresses:
    """Give the addresses on the command line, or those of the local demo when there are none."""
    given = [name for name in _NEEDED if getattr(arguments, name)]
    besides = [name for name in _BESIDES if getattr(arguments, name)]
    if besides and not given:
        arguments.parser.error(f"--{besides[0].replace('_', '-')} is of a demo that is not local")
    if not given:
        return LocalParts(arguments.directory).addresses()
    missing = [f"--{name.replace('_', '-')}" for name in _NEEDED if name not in given]
    if missing:
        arguments.parser.error(f"a demo that is not local needs {', '.join(missing)} too")
    return Addresses(
        bootstrap_servers=arguments.bootstrap_servers,
        exporter=arguments.exporter.rstrip("/"),
        producer=arguments.producer.rstrip("/"),
        consumers=tuple(url.rstrip("/") for url in arguments.consumer),
        locust=arguments.locust and arguments.locust.rstrip("/"),
        prometheus=arguments.prometheus and arguments.prometheus.rstrip("/"),
        traces=TraceBackend(
            arguments.traces, arguments.traces_url.rstrip("/"), os.environ.get(_AUTHORIZATION)
        ),
        topic=arguments.topic,
        group=arguments.group,
        dead_letter_topic=arguments.dead_letter_topic,
        kafka_properties=_properties(arguments),
    )


def _properties(arguments: argparse.Namespace) -> dict[str, str]:
    path: Path | None = arguments.kafka_properties
    try:
        return {} if path is None else read_properties(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        return arguments.parser.error(f"--kafka-properties {path}: {why}")  # type: ignore[no-any-return] # it ends the process
