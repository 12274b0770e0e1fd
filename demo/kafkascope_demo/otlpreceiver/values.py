"""OTLP's values as JSON has them."""

import base64
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def value_of(value: AnyValue) -> Json:
    """Give an attribute's value.

    Bytes are in base64 and numbers that JSON lacks are ``"NaN"``, ``"Infinity"`` and
    ``"-Infinity"``, as in protobuf's own JSON; an empty value is null.
    """
    kind = value.WhichOneof("value")
    convert = _CONVERSIONS.get(kind or "")
    return convert(value) if convert else None


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, Json]:
    """Give attributes by name; of a name that is there twice, the last value counts."""
    return {pair.key: value_of(pair.value) for pair in pairs}


def number_of(number: float) -> Json:
    """Give a number as JSON can have it."""
    if math.isfinite(number):
        return number
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


_CONVERSIONS: Final[Mapping[str, Callable[[AnyValue], Json]]] = {
    "string_value": lambda value: value.string_value,
    "bool_value": lambda value: value.bool_value,
    "int_value": lambda value: value.int_value,
    "double_value": lambda value: number_of(value.double_value),
    "bytes_value": lambda value: base64.b64encode(value.bytes_value).decode("ascii"),
    "array_value": lambda value: [value_of(one) for one in value.array_value.values],
    "kvlist_value": lambda value: attributes_of(value.kvlist_value.values),
}
