"""`kafkascope-demo run`: the whole demo in the foreground, with a live view; then the verifier."""

import argparse
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from kafkascope_demo import liveview, web
from kafkascope_demo.liveview import PartRow, View
from kafkascope_demo.localkafka import LocalKafkaError
from kafkascope_demo.localkafka.distribution import Progress
from kafkascope_demo.stack.commands import add_load, add_rules, print_addresses
from kafkascope_demo.stack.local import LocalParts, down, sole_user_of, up
from kafkascope_demo.verify import Report, render, verify
from kafkascope_demo.whichdemo import DIRECTORY

_SHOWN_EVERY_S: Final = 1.0
_LINE_EVERY_S: Final = 5.0
_ENDS: Final = (signal.SIGTERM, signal.SIGHUP)
_NO_PAGE: Final = "waiting for the exporter to answer"


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``run``."""
    parser = commands.add_parser(
        "run",
        help="start the whole demo, show how it is, and stop it at the end",
        description="Starts a real three-broker Kafka on this machine, the exporter, producer and "
        "consumers, Locust with some load, a trace page, and Prometheus where it is on PATH; shows "
        "how each is. Ctrl-C stops everything. 'kafkascope-demo up' does the same in the "
        "background.",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=_seconds,
        metavar="SECONDS",
        help="end by itself after this time, with the verifier's table; exit code 0 when all of "
        "it passed",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=DIRECTORY,
        help="where data and logs live while it runs (default: %(default)s)",
    )
    parser.add_argument("--any-ports", action="store_true", help="take any free ports")
    add_load(parser)
    add_rules(parser)
    parser.set_defaults(run=run)


def _seconds(text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    """Run the demo until Ctrl-C, SIGTERM or the end of ``--for``; return the exit code."""
    console = Console()
    for number in _ENDS:
        signal.signal(number, _interrupt)
    report: Report | None = None
    try:
        with sole_user_of(arguments.directory):
            with _starting(console) as progress:
                parts = up(
                    arguments.directory,
                    progress,
                    its_own_ports=not arguments.any_ports,
                    load=arguments.load == "on",
                    rules=arguments.rules,
                )
            with _taken_down(arguments.directory):
                print_addresses(parts)
                console.print(f"logs       {arguments.directory / 'logs'}", soft_wrap=True)
                _watch(parts, arguments.seconds, console)
                console.print("asking the verifier")
                report = verify(parts.addresses())
    except KeyboardInterrupt:
        console.print("stopped")
        return 0 if arguments.seconds is None else _stopped_early()
    except LocalKafkaError as error:
        sys.stderr.write(f"kafkascope-demo run: {error}\n")
        return 1
    console.print(render(report))
    return 0 if report.ok else 1


@contextlib.contextmanager
def _taken_down(directory: Path) -> Iterator[None]:
    """Take the demo down at the end, whatever signals come: brokers would be left behind."""
    try:
        yield
    finally:
        for number in (signal.SIGINT, *_ENDS):
            signal.signal(number, signal.SIG_IGN)
        down(directory)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _stopped_early() -> int:
    sys.stderr.write("kafkascope-demo run: stopped before --for was over\n")
    return 1


@contextlib.contextmanager
def _starting(console: Console) -> Iterator[Progress]:
    """Give what shows the steps of a start: in place, or a line each if there is no terminal."""
    if console.is_terminal:
        with console.status("starting Kafka") as status:
            yield lambda what, done, of: status.update(f"{what} {done}/{of}" if of else what)
        return
    told: set[str] = set()

    def tell(what: str, _: int, __: int) -> None:
        if what not in told:
            told.add(what)
            _print_line(console, what)

    tell("starting Kafka", 0, 0)
    yield tell


def _watch(parts: LocalParts, seconds: float | None, console: Console) -> None:
    """Show how the demo is until ``seconds`` are over (None: until interrupted)."""
    begun = time.monotonic()
    with _screen(console) as (show, every_s):
        while seconds is None or time.monotonic() - begun < seconds:
            problems = parts.problems()
            rows = [PartRow(name, _url(parts, name), why) for name, why in problems.items()]
            show(rows, _view(parts), _ends(seconds, time.monotonic() - begun))
            left = every_s if seconds is None else seconds - (time.monotonic() - begun)
            time.sleep(max(0.0, min(every_s, left)))


def _view(parts: LocalParts) -> View | None:
    """Read the exporter's page; None while it gives none."""
    try:
        page = web.request("GET", f"{parts.addresses().exporter}/metrics", timeout_s=5)
    except web.WebError:
        return None
    return liveview.read_view(page.text)


def _url(parts: LocalParts, name: str) -> str:
    return "" if name.startswith("broker-") else parts.url(name)


def _ends(seconds: float | None, passed: float) -> str:
    return "Ctrl-C ends it" if seconds is None else f"{max(0, seconds - passed):.0f} s left"


_Show = Callable[[list[PartRow], View | None, str], None]


@contextlib.contextmanager
def _screen(console: Console) -> Iterator[tuple[_Show, float]]:
    """Give what shows a demo, and how often: tables drawn in place, or a line if no terminal."""
    if not console.is_terminal:

        def print_line(rows: list[PartRow], view: View | None, state: str) -> None:
            told = liveview.line(view) if view else _NO_PAGE
            _print_line(console, f"{liveview.parts_line(rows)}; {told}; {state}")

        yield print_line, _LINE_EVERY_S
        return
    with Live(console=console, auto_refresh=False) as live:

        def draw(rows: list[PartRow], view: View | None, state: str) -> None:
            told = liveview.tables(view, state) if view else Text(f"{_NO_PAGE}; {state}")
            live.update(Group(liveview.parts_table(rows), told), refresh=True)

        yield draw, _SHOWN_EVERY_S


def _print_line(console: Console, text: str) -> None:
    console.print(f"{time.strftime('%X')} {text}", soft_wrap=True, highlight=False, markup=False)
