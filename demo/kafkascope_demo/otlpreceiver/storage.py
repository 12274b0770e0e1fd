"""The receiver's database: SQLite, never larger than it may be."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kafkascope_demo.otlpreceiver.records import Batch

_SCHEMA: Final = Path(__file__).with_name("schema.sql")
_VERSION: Final = 1
_KEPT: Final = 0.9
_SHARE: Final = 20
_LOCK_TIMEOUT_S: Final = 2.0
_PAGE_BYTES: Final = 4096
_JOURNAL_BYTES: Final = 4 * 2**20

SIGNALS: Final = ("traces", "points", "logs")
"""What is dropped when there is no room, each with the table it is in."""


class StorageError(Exception):
    """The database cannot be used; says which and what to do."""


class OverloadedError(Exception):
    """There is more to write than gets written, or the disk takes no more; may pass."""


class BatchTooLargeError(Exception):
    """A batch does not fit, however much is dropped for it."""


@dataclass(slots=True, eq=False)
class Storage:
    """Keeps spans, points and log records; safe to use from several threads.

    Args:
        path: The database's file; made, with its folder, when it does not exist.
        max_bytes: Size at which the oldest is dropped. The journal beside the file has a few MiB
            more.
    """

    path: Path
    max_bytes: int
    _connection: sqlite3.Connection = field(init=False, repr=False)
    _lock: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)
    _received: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        """Open the database.

        Raises:
            StorageError: It cannot be opened, or is another one.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self.path, timeout=_LOCK_TIMEOUT_S, check_same_thread=False, isolation_level=None
            )
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> StorageError:
        return StorageError(
            f"the database {self.path} cannot be used: {error}; give another --database"
        )

    def _prepare(self) -> None:
        run = self._connection.execute
        new = not run("SELECT 1 FROM sqlite_schema").fetchone()
        if not new and run("PRAGMA user_version").fetchone()[0] != _VERSION:
            raise sqlite3.DatabaseError("it is of another program or version")
        run(f"PRAGMA page_size = {_PAGE_BYTES}")
        run("PRAGMA auto_vacuum = INCREMENTAL")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        if new:
            schema = _SCHEMA.read_text(encoding="utf-8")
            self._connection.executescript(
                f"BEGIN; {schema}; PRAGMA user_version = {_VERSION}; COMMIT"
            )
        self._received = run("SELECT ifnull(max(received), 0) FROM origins").fetchone()[0]

    def close(self) -> None:
        """Close the database; nothing can be written any more."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that only reads, and sees one state of the database throughout."""
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(
            address, uri=True, timeout=_LOCK_TIMEOUT_S, isolation_level=None
        )
        with contextlib.closing(connection):
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            yield connection

    def used_bytes(self) -> int:
        """Give the bytes of the file that hold something."""
        with self.reading() as connection:
            return _used_bytes(connection)

    def write(self, batch: Batch) -> dict[str, int]:
        """Keep a batch, all of it or nothing; when this returns, it can be read.

        Spans that are known already (sent again) change nothing.

        Returns:
            How many traces, points and log records were dropped for it, by ``SIGNALS``.

        Raises:
            OverloadedError: It was not kept; the sender may try again.
            BatchTooLargeError: It was not kept and never will.
        """
        needed = 2 * batch.size()
        if needed > _KEPT * self.max_bytes:
            raise BatchTooLargeError(
                f"{batch.size()} bytes are too many for a database of {self.max_bytes}"
            )
        if not self._lock.acquire(timeout=_LOCK_TIMEOUT_S):
            raise OverloadedError("too much is sent at once")
        try:
            return self._write(batch, needed)
        except sqlite3.Error as error:
            raise OverloadedError(f"the database takes nothing: {error}") from error
        finally:
            self._lock.release()

    def _write(self, batch: Batch, needed: int) -> dict[str, int]:
        dropped = dict.fromkeys(SIGNALS, 0)
        connection = self._connection
        if _used_bytes(connection) + needed > self.max_bytes:
            with _transaction(connection):
                self._make_room(needed, dropped)
            _shrink(connection, self.max_bytes)
        self._received += 1
        with _transaction(connection):
            _insert(connection, batch, self._received)
        return dropped

    def _make_room(self, needed: int, dropped: dict[str, int]) -> None:
        """Drop the oldest until a batch fits and a tenth is free, so that this is rarely needed."""
        connection = self._connection
        while _used_bytes(connection) + needed > _KEPT * self.max_bytes:
            oldest = [
                number
                for table in SIGNALS
                if (number := connection.execute(_OLDEST[table]).fetchone()[0]) is not None
            ]
            if not oldest:
                return
            first = min(oldest)
            last = first + (self._received - first) // _SHARE
            for table in SIGNALS:
                dropped[table] += connection.execute(_DROP[table], (last,)).rowcount
            connection.execute("DELETE FROM origins WHERE received <= ?", (last,))


_OLDEST: Final = {
    "traces": "SELECT min(received) FROM traces",
    "points": "SELECT min(received) FROM points",
    "logs": "SELECT min(received) FROM logs",
}
_DROP: Final = {
    "traces": "DELETE FROM traces WHERE received <= ?",
    "points": "DELETE FROM points WHERE received <= ?",
    "logs": "DELETE FROM logs WHERE received <= ?",
}


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count")
    )
    return (pages - free) * _PAGE_BYTES


def _shrink(connection: sqlite3.Connection, max_bytes: int) -> None:
    """Give free pages back, if the file is larger than it may be: from a run that allowed more."""
    pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
    if pages * _PAGE_BYTES > max_bytes:
        # execute() would take one step, which frees one page.
        connection.executescript("PRAGMA incremental_vacuum")


def _insert(connection: sqlite3.Connection, batch: Batch, received: int) -> None:
    connection.executemany(
        "INSERT INTO origins VALUES (?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET received = excluded.received",
        [(origin.key, received, origin.body) for origin in batch.origins()],
    )
    connection.executemany(
        "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
            (
                span.trace_id,
                span.span_id,
                received,
                span.origin.key,
                span.origin.service,
                span.parent_span_id,
                span.name,
                span.start,
                span.end,
                span.failed,
                span.body,
            )
            for span in batch.spans
        ],
    )
    connection.executemany(
        "INSERT INTO links VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(span.trace_id, span.span_id, *link) for span in batch.spans for link in span.links],
    )
    connection.executemany(
        "INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (series) DO UPDATE SET received = excluded.received,"
        " origin = excluded.origin, time_ns = excluded.time_ns, body = excluded.body"
        " WHERE excluded.time_ns >= time_ns",
        [
            (
                point.series,
                received,
                point.origin.key,
                point.origin.service,
                point.name,
                point.time,
                point.body,
            )
            for point in batch.points
        ],
    )
    connection.executemany(
        "INSERT INTO logs VALUES (?, ?, ?, ?, ?)",
        [(received, log.origin.key, log.trace_id, log.time, log.body) for log in batch.logs],
    )
