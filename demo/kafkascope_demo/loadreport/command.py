"""`kafkascope-demo load-report`: runs stages of load, and tells what the demo did in each."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kafkascope_demo import whichdemo
from kafkascope_demo.addresses import Addresses
from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.load.stages import parse_stages
from kafkascope_demo.loadreport import locustpage
from kafkascope_demo.loadreport.rendering import to_markdown
from kafkascope_demo.loadreport.samples import Sample, take_sample
from kafkascope_demo.loadreport.stages import report
from kafkascope_demo.web import WebError

_STAGES: Final = "5s:10,30s:10,5s:50,30s:50,5s:150,30s:150"
_USER_RATE: Final = 2.0
_EVERY_S: Final = 1.0
_BEGINS_WITHIN_S: Final = 20.0
_MAY_FAIL: Final = 20
_LOCUST: Final = "locust"
JSON_LINE: Final = "load-report.json: "
"""What the line begins with that holds the whole report."""

_EXAMPLES: Final = """\
examples:
  kafkascope-demo load-report
      20, 100 and 300 requests/s against the local demo that runs
  kafkascope-demo load-report --stages 3m:10,10m:20,1m:0 --user-rate 0
      the talk's stages, as fast as each user can
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``load-report``."""
    parser = commands.add_parser(
        "load-report",
        help="run stages of load on the running local demo, and report on each",
        description="Runs stages of load by the Locust of the running local demo, watches "
        "Locust, the exporter and the consumers meanwhile, waits until the consumers have caught "
        "up, and writes Markdown and JSON.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--stages", type=_stages, default=_STAGES, help="of the load (default: %(default)s)"
    )
    parser.add_argument(
        "--user-rate",
        type=_at_least_0,
        default=_USER_RATE,
        help="requests per second of each user at most; 0: no limit (default: %(default)s)",
    )
    parser.add_argument(
        "--drain-within",
        type=_at_least_0,
        default=120.0,
        metavar="SECONDS",
        help="how long to wait afterwards for the consumers (default: %(default)s)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("load-report"),
        metavar="PATH",
        help="where the reports go: PATH.md and PATH.json (default: %(default)s)",
    )
    parser.add_argument(
        "--print-json",
        action="store_true",
        help=f"print the JSON too, on one line after {JSON_LINE!r}",
    )
    whichdemo.add_options(parser)
    parser.set_defaults(run=_run, parser=parser)


def _stages(text: str) -> str:
    try:
        if not parse_stages(text):
            raise argparse.ArgumentTypeError("a report needs stages")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _at_least_0(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return number


def _run(arguments: argparse.Namespace) -> int:
    parts = whichdemo.parts(arguments, arguments.parser)
    addresses = parts.addresses()
    if addresses.locust is None:
        raise DemoError("this demo has no Locust: kafkascope-demo down, then up")
    files = [Path(f"{arguments.output}{suffix}") for suffix in (".md", ".json")]
    try:
        for file in files:
            file.touch()
    except OSError as error:
        raise DemoError(f"--output {arguments.output}: {error.strerror}") from error
    # The first process of a container is not ended by SIGTERM alone, and the load would stay.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        locustpage.swarm(addresses.locust, arguments.stages, arguments.user_rate)
        try:
            samples = list(_watch(addresses, addresses.locust, arguments.drain_within))
        finally:
            parts.stop(_LOCUST)
            parts.start(_LOCUST)  # with the load that it had before
    except WebError as error:
        print(f"kafkascope-demo load-report: {error}", file=sys.stderr)
        return 1
    found = report(samples)
    markdown = to_markdown(found)
    for file, text in zip(files, (markdown, json.dumps(found.to_json(), indent=2)), strict=True):
        file.write_text(f"{text.rstrip()}\n", encoding="utf-8")
    print(markdown)
    if arguments.print_json:
        print(JSON_LINE + json.dumps(found.to_json()), flush=True)
    print(f"written: {', '.join(map(str, files))}", file=sys.stderr)
    return 0 if found.stages else 1


def _watch(addresses: Addresses, locust: str, drain_within_s: float) -> Iterator[Sample]:
    """Take samples until the load is over and the consumers have caught up, or time is.

    A part that does not answer costs a sample; one that stays away ends the watch.

    Raises:
        WebError: The load does not begin.
    """
    began = time.monotonic()
    ended: float | None = None
    seen = failed = 0
    while failed < _MAY_FAIL:
        now = time.monotonic() - began
        try:
            sample = take_sample(addresses, locust, now)
        except WebError as error:
            failed += 1
            print(f"{now:6.1f} s  no sample: {error}", file=sys.stderr, flush=True)
            time.sleep(_EVERY_S)
            continue
        failed = 0
        yield sample
        if sample.stage != seen:
            told = f"stage {sample.stage}" if sample.stage else "the load is over; draining"
            print(f"{now:6.1f} s  {told}", file=sys.stderr, flush=True)
        if seen and not sample.stage:
            ended = now
        seen = sample.stage
        if not seen and ended is None and now > _BEGINS_WITHIN_S:
            raise WebError(locust, "the load does not begin: read Locust's log")
        if ended is not None and (not sample.lag or now - ended > drain_within_s):
            return
        time.sleep(_EVERY_S)
