"""The page that scrapes get: rendered once per cycle, kept as text and compressed.

The text is valid both as Prometheus text format 0.0.4 and as OpenMetrics 1.0. A scrape adds a
tail to it (the exporter's own metrics), and gzip bodies stay one gzip member: the kept part ends
at a byte boundary, so that the deflated tail can follow, and the check sum is continued.
See docs/adr/0002-one-body-and-one-gzip-member.md.
"""

import logging
import struct
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kafkascope_exporter.metrics import METRICS
from kafkascope_exporter.metrics.family import Family, MetricGroup
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.model import Snapshot

log = logging.getLogger(__name__)

# Measured on 111,000 lines (10 MB): level 1 takes 22 ms for 0.81 MB, level 3 35 ms for 0.79 MB,
# level 6 72 ms for 0.70 MB.
_LEVEL = 1
# Joining and encoding hold the interpreter lock, and scrapes wait for it meanwhile.
_LINES_AT_ONCE = 10_000
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # RFC 1952: deflate, no name


@dataclass(frozen=True, slots=True)
class Page:
    """All Kafka metrics of one cycle.

    ``taken_at`` is the time of the oldest topology in it (Unix seconds), ``seconds`` how long the
    rendering took and ``cpu_seconds`` how much CPU the process used meanwhile. ``identity`` is
    the text in pieces, without OpenMetrics' ``# EOF``; ``deflated`` the same as raw deflate that
    ends at a byte boundary and without a last block; ``crc`` and ``size`` (bytes) are those of
    the text. ``series`` counts samples by metric group, and ``failed_groups`` names the groups
    that raised and are absent.
    """

    taken_at: float
    seconds: float
    cpu_seconds: float
    identity: tuple[bytes, ...]
    deflated: bytes
    crc: int
    size: int
    series: Mapping[str, int]
    failed_groups: tuple[str, ...]


class Renderer:
    """Makes pages; keeps the label strings of a topology for as long as it stays the same.

    Args:
        rendering: what is shown, and with which labels.
        metrics: the metric groups, in the order of the page.
    """

    def __init__(self, rendering: Rendering, metrics: Sequence[MetricGroup] = METRICS) -> None:
        self._rendering = rendering
        self._metrics = metrics
        self._labels: list[Labels] = []

    def render(self, snapshots: Sequence[Snapshot]) -> Page:
        """Render ``snapshots``, one per cluster and at least one, merged family by family."""
        started, used = time.monotonic(), time.process_time()
        views = self._views(snapshots)
        text: list[bytes] = []
        series: dict[str, int] = {}
        failed: list[str] = []
        for group in self._metrics:
            try:
                lines, pieces = _render_group(group, views)
            except Exception:  # a defect in one group must not cost the others
                log.exception("metric group %s failed by a defect of the exporter", group.name)
                lines, pieces = 0, []
                failed.append(group.name)
            series[group.name] = lines
            text += pieces
        deflated, crc = _compress(text)
        return Page(
            taken_at=min(snapshot.taken_at for snapshot in snapshots),
            seconds=time.monotonic() - started,
            cpu_seconds=time.process_time() - used,
            identity=tuple(text),
            deflated=deflated,
            crc=crc,
            size=sum(map(len, text)),
            series=series,
            failed_groups=tuple(failed),
        )

    def _views(self, snapshots: Sequence[Snapshot]) -> list[tuple[Snapshot, Labels]]:
        cached = {id(labels.topology): labels for labels in self._labels}
        self._labels = [
            cached.get(id(snapshot.topology))
            or Labels(snapshot.topology, self._rendering.constant_labels)
            for snapshot in snapshots
        ]
        shown = map(self._rendering.shown, snapshots)
        return list(zip(shown, self._labels, strict=True))


def _render_group(
    group: MetricGroup, views: Sequence[tuple[Snapshot, Labels]]
) -> tuple[int, list[bytes]]:
    """Give the number of samples and the text; a family without samples gives no text."""
    series = 0
    text: list[bytes] = []
    for same in zip(*(group.families(*view) for view in views), strict=True):
        samples = sum(len(family.samples) for family in same)
        if samples:
            series += samples
            text.append(_heading(same[0]))
            text += (piece for family in same for piece in _pieces(family.samples))
    return series, text


def _heading(family: Family) -> bytes:
    return f"# HELP {family.name} {family.help}\n# TYPE {family.name} gauge\n".encode()


def _pieces(samples: Sequence[str]) -> Iterator[bytes]:
    for at in range(0, len(samples), _LINES_AT_ONCE):
        yield ("\n".join(samples[at : at + _LINES_AT_ONCE]) + "\n").encode()


def _compress(text: Sequence[bytes]) -> tuple[bytes, int]:
    """Give ``text`` as raw deflate that can be continued, and its check sum."""
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    crc = 0
    deflated = []
    for piece in text:
        crc = zlib.crc32(piece, crc)
        deflated.append(deflate.compress(piece))
    deflated.append(deflate.flush(zlib.Z_FULL_FLUSH))
    return b"".join(deflated), crc


def respond(page: Page | None, tail: bytes, *, gzip: bool) -> list[bytes]:
    """Give the body of a response in pieces: ``page``, if there is one, and ``tail`` after it.

    Args:
        page: the page that is still good.
        tail: the exporter's own metrics in the format that was asked for.
        gzip: whether to give one gzip member (RFC 1952) instead of the plain text.
    """
    if not gzip:
        return [*page.identity, tail] if page else [tail]
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    size = len(tail) + (page.size if page else 0)
    crc = zlib.crc32(tail, page.crc if page else 0)
    return [
        _GZIP_HEADER,
        *([page.deflated] if page else []),
        deflate.compress(tail) + deflate.flush(),
        struct.pack("<LL", crc, size & 0xFFFFFFFF),
    ]
