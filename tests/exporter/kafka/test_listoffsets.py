"""ListOffsets by struct says the same as kafka-python's own classes."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.protocol.consumer import ListOffsetsRequest as GenericRequest
from kafka.protocol.consumer import ListOffsetsResponse as GenericResponse

from kafkascope_exporter.kafka.listoffsets import EARLIEST, LATEST, ListOffsetsRequest, decode

VERSIONS = st.integers(2, 5)
TOPICS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=20)
INT_32 = st.integers(0, 2**31 - 1)
PARTITIONS = st.lists(INT_32, unique=True, max_size=5)
TOLD = st.dictionaries(
    INT_32, st.tuples(st.integers(-1, 100), st.integers(-1, 2**63 - 1)), max_size=5
)


def encoded(request: ListOffsetsRequest, version: int) -> bytes:
    """The frame that the connection would send."""
    request.API_VERSION = version
    request.with_header(correlation_id=7, client_id="me")
    return request.encode()


@given(
    VERSIONS,
    st.dictionaries(TOPICS, PARTITIONS, max_size=4),
    st.sampled_from([LATEST, EARLIEST, 1700000000000]),
)
def test_a_request_is_the_one_that_kafka_python_would_send(
    version: int, partitions: dict[str, list[int]], timestamp: int
) -> None:
    """To the byte."""
    topic_class: Any = GenericRequest.ListOffsetsTopic
    generic = GenericRequest(
        replica_id=-1,
        isolation_level=0,
        topics=[
            topic_class(
                name=name,
                partitions=[
                    topic_class.ListOffsetsPartition(
                        partition_index=i, current_leader_epoch=-1, timestamp=timestamp
                    )
                    for i in ids
                ],
            )
            for name, ids in partitions.items()
        ],
        version=version,
    )
    generic.with_header(correlation_id=7, client_id="me")
    expected = generic.encode(framed=True, header=True)
    assert encoded(ListOffsetsRequest(partitions, timestamp), version) == bytes(expected)


def response(version: int, told: dict[str, dict[int, tuple[int, int]]]) -> bytes:
    """A response's body as kafka-python encodes it."""
    topic_class: Any = GenericResponse.ListOffsetsTopicResponse
    generic = GenericResponse(
        throttle_time_ms=3,
        topics=[
            topic_class(
                name=name,
                partitions=[
                    topic_class.ListOffsetsPartitionResponse(
                        partition_index=i,
                        error_code=error,
                        timestamp=-1,
                        offset=offset,
                        leader_epoch=4,
                    )
                    for i, (error, offset) in partitions.items()
                ],
            )
            for name, partitions in told.items()
        ],
        version=version,
    )
    return bytes(generic.encode())


@given(VERSIONS, st.dictionaries(TOPICS, TOLD, max_size=4))
def test_a_response_says_what_kafka_python_wrote_into_it(
    version: int, told: dict[str, dict[int, tuple[int, int]]]
) -> None:
    """An offset where there is one, else the error; a negative offset is no offset."""
    read = decode(response(version, told), version)
    assert read.throttle_time_ms == 3
    assert read.offsets == {
        name: {i: offset for i, (error, offset) in partitions.items() if not error and offset >= 0}
        for name, partitions in told.items()
    }
    errors = {
        name: {i: error for i, (error, offset) in partitions.items() if error or offset < 0}
        for name, partitions in told.items()
    }
    assert read.errors == {name: codes for name, codes in errors.items() if codes}


def test_a_response_that_is_cut_short_is_an_error() -> None:
    """Never a part of it."""
    whole = response(5, {"orders": {0: (0, 5), 1: (0, 6)}})
    for length in range(len(whole)):
        with pytest.raises(struct.error):
            decode(whole[:length], 5)


def test_a_request_without_a_version_or_header_is_refused() -> None:
    """The connection has to set both."""
    request = ListOffsetsRequest({}, LATEST)
    with pytest.raises(ValueError, match="API_VERSION"):
        request.with_header(1, "me")
    with pytest.raises(ValueError, match="header"):
        request.encode()
