"""`kafkascope-demo otlp-receiver`: receives OpenTelemetry data, for development."""

import argparse
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

_PORT: Final = 4318
_DATABASE: Final = Path(".kafkascope") / "otlp-receiver.sqlite3"
_MAX_BYTES: Final = "256MiB"
_LEAST_BYTES: Final = 2**20
_UNITS: Final = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE: Final = re.compile(r"(\d+)\s*(|KiB|MiB|GiB)")
_HIGHEST_PORT: Final = 65535

_DESCRIPTION: Final = """\
Receives traces, metrics and logs by OTLP over HTTP, keeps them in a file, and draws traces on a
page. For development only: nobody is asked who they are, and the oldest is dropped when the file is
full. Jaeger and OpenObserve are backends for anything else.
"""

_EXAMPLES: Final = """\
examples:
  kafkascope-demo otlp-receiver
      http://localhost:4318: the page, and what OTEL_EXPORTER_OTLP_ENDPOINT is to be
      (with OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)
  kafkascope-demo otlp-receiver --port 14318 --database /tmp/traces.sqlite3 --max-bytes 1GiB
"""


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``otlp-receiver``."""
    parser = commands.add_parser(
        "otlp-receiver",
        help="receive OpenTelemetry data and show traces, for development",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=_port, default=_PORT, help="port to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--database",
        type=Path,
        default=_DATABASE,
        metavar="PATH",
        help="file to keep it in (default: %(default)s)",
    )
    parser.add_argument(
        "--max-bytes",
        type=_size,
        default=_MAX_BYTES,
        metavar="SIZE",
        help="size of that file at which the oldest is dropped: 64MiB, 1GiB (default: %(default)s)",
    )
    parser.set_defaults(run=_run)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port (1 to {_HIGHEST_PORT})")
    return int(text)


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 64MiB")
    size = int(found[1]) * _UNITS[found[2]]
    if size < _LEAST_BYTES:
        raise argparse.ArgumentTypeError(f"{text!r} is less than 1MiB")
    return size


def _run(arguments: argparse.Namespace) -> int:
    # Flask is loaded once it is settled that this process uses it.
    serve: Callable[[str, int, Path, int], int] = importlib.import_module(
        "kafkascope_demo.otlpreceiver.serving"
    ).serve
    return serve(arguments.host, arguments.port, arguments.database, arguments.max_bytes)
