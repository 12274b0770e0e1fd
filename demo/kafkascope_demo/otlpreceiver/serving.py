"""The receiver as a process: database, server, and an orderly end."""

import contextlib
import logging
import sys
from pathlib import Path
from typing import Final

from kafkascope_demo.httpserver import HttpServer
from kafkascope_demo.logs import start_logging
from kafkascope_demo.otlpreceiver.application import application
from kafkascope_demo.otlpreceiver.ingest import LARGEST_BODY
from kafkascope_demo.otlpreceiver.storage import Storage, StorageError
from kafkascope_demo.services import stop_on_signals

_THREADS: Final = 8
_DRAIN_S: Final = 5.0
_LOG: Final = logging.getLogger(__name__)


def serve(host: str, port: int, database: Path, max_bytes: int) -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit code.

    Args:
        host: Address to listen on.
        port: Port to listen on.
        database: File to keep all in.
        max_bytes: Its size at which the oldest is dropped.
    """
    start_logging()
    try:
        storage = Storage(database, max_bytes)
    except StorageError as error:
        return _fail(str(error))
    with contextlib.closing(storage):
        try:
            server = HttpServer(application(storage), host, port, _THREADS, 2 * LARGEST_BODY)
        except OSError as error:
            where = f"{host}:{port}"
            return _fail(
                f"cannot listen on {where}: {error.strerror}; give another --port or --host"
            )
        with stop_on_signals() as stopping:
            server.start()
            _LOG.info(
                "listening on http://%s:%s, keeping at most %s bytes in %s; for development only",
                host,
                server.port,
                max_bytes,
                database,
            )
            stopping.wait()
            server.close(_DRAIN_S)
    _LOG.info("stopped")
    return 0


def _fail(reason: str) -> int:
    print(f"kafkascope-demo otlp-receiver: {reason}", file=sys.stderr)
    return 1
