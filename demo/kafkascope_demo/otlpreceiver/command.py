"""`kafkascope-demo otlp-receiver`: receives OpenTelemetry data, for development."""

import argparse
import contextlib
import logging
import re
import signal
import sys
from pathlib import Path
from typing import Final

import waitress

from kafkascope_demo.otlpreceiver.application import application
from kafkascope_demo.otlpreceiver.ingest import LARGEST_BODY
from kafkascope_demo.otlpreceiver.storage import Storage, StorageError

_PORT: Final = 4318
_DATABASE: Final = Path(".kafkascope") / "otlp-receiver.sqlite3"
_MAX_BYTES: Final = "256MiB"
_LEAST_BYTES: Final = 2**20
_UNITS: Final = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE: Final = re.compile(r"(\d+)\s*(|KiB|MiB|GiB)")
_HIGHEST_PORT: Final = 65535
_THREADS: Final = 8
_CONNECTIONS: Final = 500
_LOG: Final = logging.getLogger(__name__)

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
    parser.set_defaults(run=run)


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


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each that waits
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        storage = Storage(arguments.database, arguments.max_bytes)
    except StorageError as error:
        return _fail(str(error))
    with contextlib.closing(storage):
        try:
            server = waitress.create_server(
                application(storage),
                host=arguments.host,
                port=arguments.port,
                threads=_THREADS,
                connection_limit=_CONNECTIONS,
                max_request_body_size=2 * LARGEST_BODY,
                ident="kafkascope-demo",
                clear_untrusted_proxy_headers=True,
            )
        except (OSError, ValueError) as error:
            where = f"{arguments.host}:{arguments.port}"
            return _fail(f"cannot listen on {where}: {error}; give another --port or --host")
        _LOG.info(
            "listening on http://%s:%s, keeping at most %s bytes in %s; for development only",
            arguments.host,
            arguments.port,
            arguments.max_bytes,
            arguments.database,
        )
        server.run()
    _LOG.info("stopped")
    return 0


def _stop(*_: object) -> None:
    """End the server's loop, which takes this for a request to stop in order."""
    raise SystemExit(0)


def _fail(reason: str) -> int:
    print(f"kafkascope-demo otlp-receiver: {reason}", file=sys.stderr)
    return 1
