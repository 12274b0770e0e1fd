"""ListOffsets versions 2 to 5, packed and unpacked with ``struct``.

A response of these versions is an array of fixed-size records per topic, which ``iter_unpack``
reads about ten times as fast as a generic decoder makes objects of it (docs/adr/0004). Layout:
the Kafka protocol guide, ListOffsets; 2 is the first version with an isolation level, 5 the last
one before the flexible encoding.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, Final

LATEST: Final = -1
EARLIEST: Final = -2

_READ_UNCOMMITTED: Final = 0
_CONSUMER: Final = -1
_NO_EPOCH: Final = -1

_FRAME_SIZE = Struct(">i")
_HEADER = Struct(">hhih")
_BODY = Struct(">ibi")
_LENGTH = Struct(">h")
_COUNT = Struct(">i")
_START = Struct(">ii")
_ASK_V2 = Struct(">iq")
_ASK_V4 = Struct(">iiq")
_TOLD_V2 = Struct(">ihqq")
_TOLD_V4 = Struct(">ihqqi")
_EPOCHS_SINCE: Final = 4


@dataclass(frozen=True, slots=True)
class _Header:
    """What kafka-python's parser keeps of a request to find its response."""

    correlation_id: int
    version: int

    def get_response_class(self) -> "_ResponseDecoder":
        return _ResponseDecoder(self.version)


class ListOffsetsRequest:
    """A ListOffsets request that kafka-python's connections can send.

    Args:
        partitions: topic name → partition ids, all led by the broker that is asked.
        timestamp: milliseconds since the epoch, `LATEST` or `EARLIEST`.
    """

    # The names and their cases are those that kafka-python looks for.
    API_KEY: Final = 2
    name: Final = "ListOffsetsRequest"
    min_version: Final = 2
    max_version: Final = 5

    def __init__(self, partitions: Mapping[str, Sequence[int]], timestamp: int) -> None:
        self.partitions = partitions
        self.timestamp = timestamp
        self.header: _Header | None = None
        self.API_VERSION: int | None = None
        self._min_version = self.min_version
        self._max_version = self.max_version
        self._client_id = b""

    def __str__(self) -> str:
        """Say in a line what kafka-python's debug log shows of the request."""
        return f"ListOffsets(topics={len(self.partitions)}, timestamp={self.timestamp})"

    def expect_response(self) -> bool:
        """Tell kafka-python that the broker answers this request."""
        return True

    def with_header(self, correlation_id: int = 0, client_id: str = "") -> None:
        """Take what the connection puts into the request's header."""
        if self.API_VERSION is None:
            message = "the connection sets API_VERSION before the header"
            raise ValueError(message)
        self.header = _Header(correlation_id, self.API_VERSION)
        self._client_id = client_id.encode()

    def encode(self, *, framed: bool = True, header: bool = True) -> bytes:
        """Give the request's bytes, the frame's size in front."""
        if self.header is None or not (framed and header):
            message = "only a framed request with a header can be sent"
            raise ValueError(message)
        version = self.header.version
        parts = [
            _HEADER.pack(self.API_KEY, version, self.header.correlation_id, len(self._client_id)),
            self._client_id,
            _BODY.pack(_CONSUMER, _READ_UNCOMMITTED, len(self.partitions)),
        ]
        for topic, ids in self.partitions.items():
            name = topic.encode()
            parts += (_LENGTH.pack(len(name)), name, _COUNT.pack(len(ids)))
            if version >= _EPOCHS_SINCE:
                parts += [_ASK_V4.pack(i, _NO_EPOCH, self.timestamp) for i in ids]
            else:
                parts += [_ASK_V2.pack(i, self.timestamp) for i in ids]
        body = b"".join(parts)
        return _FRAME_SIZE.pack(len(body)) + body


@dataclass(frozen=True, slots=True)
class ListOffsetsResponse:
    """``offsets`` of the partitions that have one; ``errors`` holds Kafka's code of the others."""

    throttle_time_ms: int
    offsets: dict[str, dict[int, int]]
    errors: dict[str, dict[int, int]]


@dataclass(frozen=True, slots=True)
class _ResponseDecoder:
    """Stands where kafka-python expects a response class."""

    version: int

    def parse_header(self, buffer: Any) -> _Header:  # noqa: ANN401 - kafka-python's buffer
        (correlation_id,) = _COUNT.unpack(buffer.read(_COUNT.size))
        return _Header(correlation_id, self.version)

    def decode(self, buffer: Any) -> ListOffsetsResponse:  # noqa: ANN401 - kafka-python's buffer
        return decode(buffer.read(), self.version)


def decode(body: bytes, version: int) -> ListOffsetsResponse:
    """Read a response's body.

    Args:
        body: what follows the response header.
        version: 2 to 5, that of the request.

    Raises:
        struct.error: the body is shorter than it says.
    """
    record = _TOLD_V4 if version >= _EPOCHS_SINCE else _TOLD_V2
    throttle_time_ms, topics = _START.unpack_from(body)
    at = _START.size
    offsets: dict[str, dict[int, int]] = {}
    errors: dict[str, dict[int, int]] = {}
    for _ in range(topics):
        (length,) = _LENGTH.unpack_from(body, at)
        at += _LENGTH.size
        topic = body[at : at + length].decode()
        at += length
        (count,) = _COUNT.unpack_from(body, at)
        at += _COUNT.size
        end = at + count * record.size
        if end > len(body):
            message = f"{topic}: {count} partitions in {len(body) - at} bytes"
            raise struct.error(message)
        told = list(record.iter_unpack(body[at:end]))
        at = end
        offsets[topic] = {r[0]: r[3] for r in told if not r[1] and r[3] >= 0}
        if len(offsets[topic]) != count:
            errors[topic] = {r[0]: r[1] for r in told if r[1] or r[3] < 0}
    return ListOffsetsResponse(throttle_time_ms, offsets, errors)
