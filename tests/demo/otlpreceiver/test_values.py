"""Attributes of every OTLP type become JSON, and nothing is lost that JSON can hold."""

import base64
import json
import math

from hypothesis import given
from hypothesis import strategies as some
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from kafkascope_demo.otlpreceiver.values import Json, attributes_of, value_of

INT64 = some.integers(-(2**63), 2**63 - 1)
TEXT = some.text(some.characters(exclude_categories=["Cs"]))
SIMPLE = some.none() | some.booleans() | INT64 | TEXT | some.floats(allow_nan=False)
VALUES = some.recursive(
    SIMPLE.filter(lambda value: not isinstance(value, float) or math.isfinite(value)),
    lambda below: some.lists(below, max_size=4) | some.dictionaries(TEXT, below, max_size=4),
    max_leaves=20,
)


def any_value(value: Json) -> AnyValue:
    """Make an OTLP value of a Python one."""
    made = AnyValue()
    if isinstance(value, bool):
        made.bool_value = value
    elif isinstance(value, int):
        made.int_value = value
    elif isinstance(value, float):
        made.double_value = value
    elif isinstance(value, str):
        made.string_value = value
    elif isinstance(value, list):
        made.array_value.SetInParent()
        made.array_value.values.extend(map(any_value, value))
    elif isinstance(value, dict):
        made.kvlist_value.SetInParent()
        made.kvlist_value.values.extend(
            KeyValue(key=name, value=any_value(below)) for name, below in value.items()
        )
    return made


@given(VALUES)
def test_a_value_survives_the_way_into_json_and_back(value: Json) -> None:
    """Nested lists and maps, integers of 64 bits and any text come out as they went in."""
    read = value_of(any_value(value))
    assert json.loads(json.dumps(read)) == value
    assert type(read) is type(value)


@given(some.binary())
def test_bytes_are_in_base64(value: bytes) -> None:
    """JSON has no bytes: protobuf's own JSON has base64 for them."""
    read = value_of(AnyValue(bytes_value=value))
    assert isinstance(read, str)
    assert base64.b64decode(read) == value


def test_numbers_that_json_lacks_are_words() -> None:
    """``json.dumps`` would write NaN, which no other parser reads."""
    words = [value_of(AnyValue(double_value=one)) for one in (math.nan, math.inf, -math.inf)]
    assert words == ["NaN", "Infinity", "-Infinity"]


def test_the_last_of_two_attributes_of_one_name_counts() -> None:
    """OTLP forbids it, and SDKs still send it."""
    pairs = [KeyValue(key="name", value=any_value(value)) for value in ("first", "last")]
    assert attributes_of(pairs) == {"name": "last"}
