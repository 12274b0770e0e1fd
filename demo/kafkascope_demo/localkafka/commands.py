"""`kafkascope-demo kafka …`: a local cluster from the command line."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar

from kafkascope_demo.localkafka import ClusterSpec, LocalKafka
from kafkascope_demo.localkafka.distribution import Progress
from kafkascope_demo.localkafka.provision import download
from kafkascope_demo.localkafka.security import USERS
from kafkascope_demo.localkafka.spec import (
    DEFAULT_VERSION,
    LISTENERS,
    MAX_NODES,
    MODES,
    SASL_MECHANISMS,
)
from kafkascope_demo.localkafka.tools import TOOLS

_FIRST_PORT: Final = 9092
_LINE: Final = "{:<7} {:<8} {:<8} {:<16} {}"

_DESCRIPTION: Final = """\
A real Kafka cluster on this machine: its jars come from Maven, Java from a wheel.
The first start of a version downloads them, later ones need no network.
Brokers create no topic by themselves when a client names one: create it first (see below).
"""

_EXAMPLES: Final = """\
examples:
  kafkascope-demo kafka up
      three brokers on 127.0.0.1:9092 to 9094
  kafkascope-demo kafka up --nodes 1 --listener SASL_SSL --sasl-mechanism SCRAM-SHA-512 --acls
      one broker with TLS, passwords and ACLs; prints the client properties
  kafkascope-demo kafka up --kafka-version 3.9.1 --first-port 0 --directory /tmp/kafka39
      an older Kafka beside the first one, on free ports
  kafkascope-demo kafka tool topics --create --topic orders --partitions 6
  echo hello | kafkascope-demo kafka tool console-producer --topic orders
  kafkascope-demo kafka tool consumer-groups --describe --all-groups
  kafkascope-demo kafka pause-broker 3
  kafkascope-demo kafka down
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command ``kafka`` and the commands below it."""
    parser = commands.add_parser(
        "kafka",
        help="start, stop and break a real Kafka on this machine, without Docker",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    below = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_up(below)
    down = _add(below, "down", _down, "stop all brokers, and drop their data")
    down.add_argument(
        "--keep-data", action="store_true", help="keep the brokers' data for the next up"
    )
    _add(below, "status", _status, "show each broker; exit code 0 when all of them run")
    stop = _add(below, "stop-broker", _stop, "stop brokers (controlled shutdown, SIGTERM)")
    _add_numbers(stop)
    stop.add_argument("--kill", action="store_true", help="at once, as a crash (SIGKILL)")
    _add_numbers(_add(below, "start-broker", _start, "start stopped brokers and wait for them"))
    _add_numbers(_add(below, "pause-broker", _pause, "freeze brokers (SIGSTOP)"))
    _add_numbers(_add(below, "resume-broker", _resume, "let frozen brokers go on (SIGCONT)"))
    _add_tool(below)
    fetch = _add(below, "download", _download, "download what a version needs, and start nothing")
    fetch.add_argument(
        "--kafka-version", default=DEFAULT_VERSION, metavar="VERSION", help="default: %(default)s"
    )


def default_directory() -> Path:
    """Where the cluster lives: ``$XDG_STATE_HOME/kafkascope/kafka`` or below ``~/.local/state``."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "kafkascope" / "kafka"


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=default_directory(),
        help="where the cluster's state, data and logs are (default: %(default)s)",
    )
    parser.set_defaults(run=run)
    return parser


def _add_numbers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", type=int, nargs="+", metavar="N", help="broker ids, from 1")


def _add_up(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    up = _add(commands, "up", _up, "start a cluster and wait until every broker answers")
    up.add_argument(
        "--nodes",
        type=int,
        default=3,
        metavar="N",
        help=f"brokers, 1 to {MAX_NODES} (default: %(default)s)",
    )
    up.add_argument(
        "--kafka-version", default=DEFAULT_VERSION, metavar="VERSION", help="default: %(default)s"
    )
    up.add_argument(
        "--first-port",
        type=int,
        default=_FIRST_PORT,
        metavar="PORT",
        help="port of broker 1, the others take the next; 0: free ports (default: %(default)s)",
    )
    _add_security(up)
    up.add_argument(
        "--heap", default="256m", metavar="SIZE", help="heap of each broker (default: %(default)s)"
    )
    up.add_argument(
        "--property",
        action="append",
        default=[],
        type=_property,
        metavar="KEY=VALUE",
        help="a server property; repeatable",
    )
    up.add_argument("--mode", choices=MODES, default=MODES[0], help="default: %(default)s")


def _add_security(up: argparse.ArgumentParser) -> None:
    up.add_argument(
        "--listener", choices=LISTENERS, default=LISTENERS[0], help="default: %(default)s"
    )
    up.add_argument(
        "--sasl-mechanism", choices=SASL_MECHANISMS, help="of a SASL listener (default: PLAIN)"
    )
    up.add_argument(
        "--client-auth", action="store_true", help="demand client certificates (TLS listeners)"
    )
    up.add_argument(
        "--acls",
        action="store_true",
        help="authorise requests: admin may do everything, exporter and app what you grant them",
    )


def _add_tool(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    tool = _add(commands, "tool", _tool, "run one of Kafka's own tools on the cluster")
    tool.epilog = f"tools: {', '.join(sorted(TOOLS))}"
    tool.add_argument(
        "--user",
        choices=USERS,
        default=USERS[0],
        help="on a secured listener (default: %(default)s)",
    )
    tool.add_argument("name", metavar="TOOL", help="as in kafka-TOOL.sh: topics, acls, …")
    tool.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="ARGS", help="the tool's own arguments"
    )


def _property(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def _up(arguments: argparse.Namespace) -> int:
    spec = ClusterSpec(
        nodes=arguments.nodes,
        version=arguments.kafka_version,
        listener=arguments.listener,
        sasl_mechanism=arguments.sasl_mechanism,
        client_auth=arguments.client_auth,
        acls=arguments.acls,
        heap=arguments.heap,
        first_port=arguments.first_port or None,
        properties=dict(arguments.property),
        mode=arguments.mode,
    )
    kafka = LocalKafka(arguments.directory)
    with _progress() as progress:
        kafka.up(spec, progress)
    print(f"Kafka {spec.version} is up")
    for key, value in kafka.client_properties().items():
        print(f"{key}={value}")
    if spec.sasl or spec.client_auth:
        print(f"# the same for the users {', '.join(USERS[1:])}")
    print(f"# logs: {kafka.log_path(1).parent.parent}/node-*/")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    kafka = LocalKafka(arguments.directory)
    if not kafka.status():
        print(f"there is no cluster in {arguments.directory}")
        return 0
    kafka.down(keep_data=arguments.keep_data)
    print("stopped; data kept" if arguments.keep_data else "stopped; data dropped")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    kafka = LocalKafka(arguments.directory)
    brokers = kafka.status()
    if not brokers:
        print(f"there is no cluster in {arguments.directory}")
        return 1
    print(_LINE.format("broker", "state", "pid", "address", "log"))
    for broker in brokers:
        pid, log = broker.pid or "-", kafka.log_path(broker.broker_id)
        print(_LINE.format(broker.broker_id, broker.state, pid, broker.address, log))
    return 0 if all(broker.state == "running" for broker in brokers) else 1


def _stop(arguments: argparse.Namespace) -> int:
    LocalKafka(arguments.directory).stop_broker(*arguments.number, kill=arguments.kill)
    return 0


def _start(arguments: argparse.Namespace) -> int:
    LocalKafka(arguments.directory).start_broker(*arguments.number)
    return 0


def _pause(arguments: argparse.Namespace) -> int:
    LocalKafka(arguments.directory).pause_broker(*arguments.number)
    return 0


def _resume(arguments: argparse.Namespace) -> int:
    LocalKafka(arguments.directory).resume_broker(*arguments.number)
    return 0


def _tool(arguments: argparse.Namespace) -> int:
    kafka = LocalKafka(arguments.directory)
    command = kafka.tool_command(arguments.name, arguments.arguments, user=arguments.user)
    os.execv(command[0], command)  # noqa: S606 - the tool takes over this terminal


def _download(arguments: argparse.Namespace) -> int:
    with _progress() as progress:
        download(arguments.kafka_version, progress)
    print(f"Kafka {arguments.kafka_version} is downloaded")
    return 0


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    """Show progress: a bar in a terminal, else one line for each step."""
    if not sys.stderr.isatty():
        yield _print_steps()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        yield show


def _print_steps() -> Progress:
    told: set[str] = set()

    def show(what: str, done: int, total: int) -> None:
        del done, total
        step = what.partition(":")[0]
        if step not in told:
            told.add(step)
            print(step, file=sys.stderr)

    return show
