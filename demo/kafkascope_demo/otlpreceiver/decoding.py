"""Export requests out of HTTP bodies, and answers into them.

As the OTLP/HTTP specification says (https://opentelemetry.io/docs/specs/otlp/#otlphttp): protobuf
or JSON, plain or compressed, and the answer in the request's own format.
"""

import base64
import binascii
import json
import zlib
from http import HTTPStatus
from typing import Final, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from kafkascope_demo.otlpreceiver.values import Json

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_IDS: Final = frozenset(
    {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
)
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_DEPTH: Final = 200

M = TypeVar("M", bound=Message)


class BadRequestError(Exception):
    """A request that cannot be taken.

    Args:
        status: HTTP status that tells the sender whose fault it is.
        reason: What is wrong with it.
    """

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def format_of(content_type: str | None) -> str:
    """Give the format that a header ``Content-Type`` names, ``PROTOBUF`` or ``JSON``.

    Raises:
        BadRequestError: It names another one, or none.
    """
    named = (content_type or "").partition(";")[0].strip().lower()
    if named not in {PROTOBUF, JSON}:
        raise BadRequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type is {named or 'absent'}; send {PROTOBUF} or {JSON}",
        )
    return named


def decompress(body: bytes, encoding: str | None, limit: int) -> bytes:
    """Undo a body's ``Content-Encoding``, without ever unpacking more than the limit.

    Args:
        body: As it was sent.
        encoding: ``gzip``, ``deflate``, ``identity`` or None.
        limit: Bytes it may have at most.

    Raises:
        BadRequestError: The encoding is another one, the body is damaged or larger than the limit.
    """
    named = (encoding or "identity").strip().lower()
    if named not in {"identity", "gzip", "deflate"}:
        raise BadRequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Encoding is {named}; send gzip, deflate or none",
        )
    try:
        plain = body if named == "identity" else _inflate(body, limit)
    except zlib.error as error:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, f"the body is no {named}: {error}") from error
    if len(plain) > limit:
        raise BadRequestError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body has more than {limit} bytes"
        )
    return plain


def _inflate(body: bytes, limit: int) -> bytes:
    """Unpack at most one byte more than the limit; gzip may have several members."""
    plain = b""
    while True:
        unpacking = zlib.decompressobj(_GZIP_OR_ZLIB)
        plain += unpacking.decompress(body, limit + 1 - len(plain))
        if len(plain) > limit:
            return plain
        if not unpacking.eof:
            raise zlib.error("it ends too early")
        body = unpacking.unused_data
        if not body:
            return plain


def decode(kind: type[M], body: bytes, content_format: str) -> M:
    """Read an export request.

    Args:
        kind: Its message type.
        body: It, in protobuf or JSON.
        content_format: ``PROTOBUF`` or ``JSON``.

    Raises:
        BadRequestError: It is none.
    """
    try:
        message: M = kind()
        if content_format == PROTOBUF:
            message.ParseFromString(body)
        else:
            given = _json_object(body)
            _ids_to_base64(given, 0)
            json_format.ParseDict(given, message, ignore_unknown_fields=True)
    except (DecodeError, TypeError, ValueError, RecursionError, json_format.ParseError) as error:
        reason = f"the body is no {kind.DESCRIPTOR.name}: {error}"
        raise BadRequestError(HTTPStatus.BAD_REQUEST, reason) from error
    return message


def _json_object(body: bytes) -> dict[str, Json]:
    given = json.loads(body)
    if not isinstance(given, dict):
        raise TypeError("it is no JSON object")
    return given


def _ids_to_base64(given: Json, depth: int) -> None:
    """Turn the ids, which OTLP has in hexadecimal, into the base64 of protobuf's JSON, in place."""
    if depth > _DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(given, list):
        for one in given:
            _ids_to_base64(one, depth + 1)
    elif isinstance(given, dict):
        for name, value in given.items():
            if name in _IDS and isinstance(value, str):
                given[name] = _from_hex(name, value)
            else:
                _ids_to_base64(value, depth + 1)


def _from_hex(name: str, value: str) -> str:
    try:
        return base64.b64encode(binascii.unhexlify(value)).decode("ascii")
    except ValueError as error:
        raise ValueError(f"{name} {value[:40]!r} is not hexadecimal") from error


def encode(message: Message, content_format: str) -> bytes:
    """Render an answer.

    Args:
        message: The answer.
        content_format: ``PROTOBUF`` or ``JSON``.
    """
    if content_format == PROTOBUF:
        return bytes(message.SerializeToString())
    return str(json_format.MessageToJson(message, indent=None)).encode()
