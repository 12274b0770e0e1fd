"""`kafkascope-demo run`: a real Kafka, traffic, and a live table of what the exporter exports."""

import argparse
import contextlib
import fcntl
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from rich.console import Console
from rich.live import Live
from rich.text import Text

from kafkascope_demo import liveview, traffic
from kafkascope_demo.exporterprocess import PORT, ExporterError, ExporterProcess
from kafkascope_demo.liveview import View
from kafkascope_demo.localkafka import ClusterSpec, LocalKafka, LocalKafkaError
from kafkascope_demo.localkafka.distribution import Progress
from kafkascope_demo.traffic import Traffic

_DIRECTORY: Final = Path(".kafkascope") / "run"
_COLLECT_EVERY_S: Final = 2
_CAUGHT_UP: Final = traffic.MESSAGES_PER_SECOND
_SCRAPE_EVERY_S: Final = 1.0
_NO_PAGE: Final = "waiting for the exporter to answer"


@dataclass(slots=True)
class Verdict:
    """What has been seen of the demo's group so far.

    Lag counts as seen when it is more than a second's worth of messages, and as caught up when
    it then falls below that.
    """

    largest: int = 0
    caught_up: bool = False
    scrapes: int = 0

    def take(self, lag: int | None) -> None:
        """Judge one more scrape; ``lag`` in messages, None when it is not exported yet."""
        if lag is None:
            return
        self.scrapes += 1
        if self.largest > _CAUGHT_UP and lag <= _CAUGHT_UP:
            self.caught_up = True
        self.largest = max(self.largest, lag)

    def awaits(self) -> str:
        """Say what is waited for, or that nothing is any more."""
        if not self.scrapes:
            return "waiting for the group's lag"
        if self.largest <= _CAUGHT_UP:
            return f"waiting for a lag of more than {_CAUGHT_UP}"
        if not self.caught_up:
            return f"waiting for the lag of up to {self.largest} to be caught up"
        return f"a lag of up to {self.largest} was seen and caught up"

    def problem(self) -> str | None:
        """Say why the run was no success; None when it was one."""
        if not self.scrapes:
            return "the exporter never showed the group's lag"
        if self.largest <= _CAUGHT_UP:
            return f"no lag of more than {_CAUGHT_UP} messages was seen (most: {self.largest})"
        if not self.caught_up:
            return f"the group's lag of up to {self.largest} messages was never caught up"
        return None


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``run``."""
    parser = commands.add_parser(
        "run",
        help="start three brokers, the exporter and some traffic, and show what is exported",
        description="Starts a real three-broker Kafka on this machine, kafkascope-exporter, a "
        "steady producer and a consumer that falls behind a little, and shows what the exporter "
        "says. Ctrl-C stops everything.",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=_seconds,
        metavar="SECONDS",
        help="end by itself after this time: exit code 0 when lag was seen and caught up (needs "
        f"about {traffic.WORKS_S + 2 * traffic.RESTS_S:.0f} seconds)",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=_DIRECTORY,
        help="where brokers' data and logs live while it runs (default: %(default)s)",
    )
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
    directory: Path = arguments.directory
    verdict = Verdict()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with _sole_user_of(directory), contextlib.ExitStack() as stack, _ending_undisturbed():
            parts = _start(directory, console, stack)
            _watch(parts, verdict, arguments.seconds, console)
    except KeyboardInterrupt:
        console.print("stopped")
        return 0 if arguments.seconds is None else _stopped_early(verdict)
    except (LocalKafkaError, ExporterError, KafkaException) as error:
        sys.stderr.write(f"kafkascope-demo run: {error}\n")
        return 1
    problem = verdict.problem()
    if problem:
        sys.stderr.write(f"kafkascope-demo run: {problem}; logs: {directory}\n")
        return 1
    console.print(f"lag of up to {verdict.largest} messages was seen and caught up")
    return 0


@contextlib.contextmanager
def _ending_undisturbed() -> Iterator[None]:
    """Let no signal end what is done afterwards: a second Ctrl-C would leave brokers behind."""
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _stopped_early(verdict: Verdict) -> int:
    sys.stderr.write("kafkascope-demo run: stopped before --for was over\n")
    return 1 if verdict.problem() else 0


@contextlib.contextmanager
def _sole_user_of(directory: Path) -> Iterator[None]:
    """Keep a second run in the same directory out; the lock ends with the process."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"another run uses {directory}; stop it, or choose another --directory"
            raise LocalKafkaError(message) from error
        yield


def _start(directory: Path, console: Console, stack: contextlib.ExitStack) -> "_Parts":
    """Start Kafka, the exporter and the traffic, and leave their ends to ``stack``."""
    kafka = LocalKafka(directory / "kafka")
    kafka.down()  # what a run that was killed may have left
    spec = ClusterSpec(nodes=3)
    stack.callback(kafka.down)
    with _starting(console) as progress:
        kafka.up(spec, progress)
    flags = [f"--collect.interval={_COLLECT_EVERY_S}s"]
    exporter = ExporterProcess(kafka.bootstrap_servers, directory / "exporter.log", flags)
    stack.callback(exporter.stop)
    exporter.start()
    messages = Traffic(kafka.client_properties(), replication=spec.nodes)
    stack.callback(messages.stop)
    messages.start()
    console.print(f"Kafka      {kafka.bootstrap_servers}")
    taken = "" if exporter.port == PORT else f" (another program listens on {PORT})"
    console.print(f"exporter   {exporter.url}/metrics{taken}", soft_wrap=True)
    console.print(f"logs       {directory}")
    return _Parts(exporter, messages)


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


def _watch(parts: "_Parts", verdict: Verdict, seconds: float | None, console: Console) -> None:
    """Scrape and show once a second until ``seconds`` are over (None: until interrupted)."""
    begun = time.monotonic()
    with _screen(console) as show:
        while seconds is None or time.monotonic() - begun < seconds:
            parts.messages.check()
            page = parts.exporter.scrape()
            view = None if page is None else liveview.read_view(page)
            if view is not None:
                verdict.take(view.lag_of(traffic.GROUP, traffic.TOPIC))
            awaited = verdict.awaits() if view is not None else _NO_PAGE
            show(view, f"{awaited}; {_ends(seconds, time.monotonic() - begun)}")
            time.sleep(_SCRAPE_EVERY_S)


def _ends(seconds: float | None, passed: float) -> str:
    return "Ctrl-C ends it" if seconds is None else f"{max(0, seconds - passed):.0f} s left"


@contextlib.contextmanager
def _screen(console: Console) -> Iterator[Callable[[View | None, str], None]]:
    """Give what shows a view: a table drawn in place, or a line where there is no terminal.

    The view is None while the exporter gives no page.
    """
    if not console.is_terminal:
        yield lambda view, state: _print_line(
            console, f"{liveview.line(view)}; {state}" if view else state
        )
        return
    with Live(console=console, auto_refresh=False) as live:
        yield lambda view, state: live.update(
            liveview.tables(view, state) if view else Text(state), refresh=True
        )


def _print_line(console: Console, text: str) -> None:
    console.print(f"{time.strftime('%X')} {text}", soft_wrap=True, highlight=False, markup=False)


@dataclass(frozen=True, slots=True)
class _Parts:
    exporter: ExporterProcess
    messages: Traffic
