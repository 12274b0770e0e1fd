"""`kafkascope-demo up|down|status|logs`: the local demo in the background."""

import argparse
import signal
import sys
from pathlib import Path
from typing import Final

from kafkascope_demo.alertrules import RULE_VALUES
from kafkascope_demo.localkafka import LocalKafkaError
from kafkascope_demo.stack.local import LocalParts, down, follow, sole_user_of, up
from kafkascope_demo.whichdemo import DIRECTORY


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    starting = _add(commands, "up", "start the whole demo in the background")
    starting.add_argument("--any-ports", action="store_true", help="take any free ports")
    add_load(starting)
    add_rules(starting)
    starting.set_defaults(run=_up)
    _add(commands, "down", "stop the demo, and drop its data").set_defaults(run=_down)
    _add(commands, "status", "show each part; exit code 0 when all are healthy").set_defaults(
        run=_status
    )
    logs = _add(commands, "logs", "print the log of a part, or name the logs")
    logs.add_argument("part", nargs="?", help="such as producer")
    logs.add_argument("--follow", "-f", action="store_true", help="go on with what is added")
    logs.set_defaults(run=_logs)


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Add the choice of the alert rules' values."""
    parser.add_argument(
        "--rules",
        choices=RULE_VALUES,
        default="default",
        help="values of Prometheus' alert rules; those for tests fire within seconds "
        "(default: %(default)s)",
    )


def add_load(parser: argparse.ArgumentParser) -> None:
    """Add the choice whether there is load from the beginning on."""
    parser.add_argument(
        "--load",
        choices=("on", "off"),
        default="on",
        help="whether Locust begins by itself; its page begins and changes it (default: on)",
    )


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, summary: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument(
        "--directory", type=Path, default=DIRECTORY, help="its directory (default: %(default)s)"
    )
    return parser


def _up(arguments: argparse.Namespace) -> int:
    told: set[str] = set()

    def tell(what: str, _: int, __: int) -> None:
        if what not in told:
            told.add(what)
            print(what, flush=True)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)  # so that what has been started is ended
    with sole_user_of(arguments.directory):
        started = up(
            arguments.directory,
            tell,
            its_own_ports=not arguments.any_ports,
            load=arguments.load == "on",
            rules=arguments.rules,
        )
    print_addresses(started)
    print("kafkascope-demo verify asks whether it works; kafkascope-demo down stops it")
    return 0


def print_addresses(started: LocalParts) -> None:
    """Print where a person finds each part."""
    found = started.addresses()
    rows = {
        "Kafka": found.bootstrap_servers,
        "producer": f"{found.producer}/kafka/produce",
        "consumers": " ".join(found.consumers),
        "exporter": f"{found.exporter}/metrics",
        "load": found.locust or "(none)",
        "traces": found.traces.url,
        "Prometheus": found.prometheus or "(not on PATH)",
    }
    for name, value in rows.items():
        print(f"{name:<11}{value}", flush=True)


def _down(arguments: argparse.Namespace) -> int:
    down(arguments.directory)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    found = LocalParts(arguments.directory).problems()
    for name, problem in found.items():
        print(f"{name:<15}{problem or 'healthy'}")
    return 1 if any(found.values()) else 0


_NO_LOG: Final = "there is no log of {part} in {folder}; logs: {names}"


def _logs(arguments: argparse.Namespace) -> int:
    folder = arguments.directory / "logs"
    paths = {path.stem: path for path in sorted(folder.glob("*.log"))}
    nodes = (arguments.directory / "kafka").glob("node-*/node-*.log")
    paths |= {f"broker-{path.stem.removeprefix('node-')}": path for path in sorted(nodes)}
    if arguments.part is None:
        for name, path in paths.items():
            print(f"{name:<15}{path}")
        return 0
    if arguments.part not in paths:
        names = ", ".join(paths) or "none"
        raise LocalKafkaError(_NO_LOG.format(part=arguments.part, folder=folder, names=names))
    follow(paths[arguments.part], sys.stdout.write, forever=arguments.follow)
    return 0
