"""Calls of every public method of the clients: right ones and wrong ones, in every spelling."""

from __future__ import annotations

from typing import Any, Final

from confluent_kafka import TopicPartition

from tests.tracing.outcomes import Call, call

TOPIC: Final = "same"
"""It exists, and has a message in its partition 0."""


def partition(offset: int = 0, number: int = 0) -> TopicPartition:
    """Return a place in the topic."""
    return TopicPartition(TOPIC, number, offset)


def ignore(*_: object) -> None:
    """Be a callback."""


WRONG: Final = [call(), call(object()), call(1, 2, 3, 4, 5, 6, 7, 8, 9), call(nonsense=1)]

_METADATA: Final = [call(TOPIC, 5), call(timeout=5), call(topic=5), call("", 5)]
_CLUSTER_ID: Final = [call(5), call(timeout=5), call("x")]
_CREDENTIALS: Final = [call("user", "secret"), call(username="u", password="p"), call(5, "p")]

PRODUCER_CALLS: Final[dict[str, list[Call]]] = {
    "__len__": [call()],
    "__bool__": [call()],
    "abort_transaction": [call(1), call("x")],
    "begin_transaction": [call()],
    "close": [call(), call(1)],
    "cluster_id": _CLUSTER_ID,
    "commit_transaction": [call(1), call("x")],
    "flush": [call(5), call(timeout=5), call("x"), call(5, 6)],
    "init_transactions": [call(1), call("x")],
    "list_topics": _METADATA,
    "poll": [call(0), call(timeout=0), call("x"), call(0, 1)],
    "produce": [
        *WRONG,
        call(TOPIC),
        call(TOPIC, None),
        call(TOPIC, b""),
        call(TOPIC, b"v", b"k", 0, ignore, None, 1234, {"a": "b"}),
        call(TOPIC, b"v", b"k", -1, None, ignore, 0, [("a", b"1"), ("a", None)]),
        call(topic=TOPIC, value="v", key="k", partition=1, on_delivery=ignore),
        call(TOPIC, 5),
        call(TOPIC, b"v", 5),
        call(TOPIC, bytearray(b"v")),
        call(5, b"v"),
        call(TOPIC, b"v", b"k", "0"),
        call(TOPIC, b"v", timestamp="x"),
        call(TOPIC, b"x" * 2_000_000),
        call(TOPIC, b"v", headers={}),
        call(TOPIC, b"v", headers=5),
        call(TOPIC, b"v", headers=(("a", b"1"),)),
        call(TOPIC, b"v", headers=[["a", b"1"]]),
        call(TOPIC, b"v", headers=[("a", b"1", 2)]),
        call(TOPIC, b"v", headers=[("a",)]),
        call(TOPIC, b"v", headers={"a": 5}),
        call(TOPIC, b"v", headers={5: b"a"}),
        call(TOPIC, b"v", headers={"a": bytearray(b"1")}),
        call(TOPIC, b"v", headers={"bad": b"\xff\xfe", "": b""}),
    ],
    "produce_batch": [
        *WRONG,
        call(TOPIC, [{"value": b"a"}, {"value": "b", "key": "k"}, {}]),
        call(TOPIC, []),
        call(topic=TOPIC, messages=[{"value": b"a"}], partition=1, on_delivery=ignore),
        call(TOPIC, ({"value": b"a"},)),
        call(TOPIC, [{"value": 5}]),
        call(TOPIC, [{"value": b"a"}, {"value": bytearray(b"a")}]),
        call(TOPIC, [{"value": b"a", "timestamp": 5}]),
        call(TOPIC, [5]),
        call(TOPIC, [{"value": b"a", "headers": {"a": b"1", "b": None}}, {"headers": []}]),
        *(
            call(TOPIC, [{"value": b"a"}, {"value": b"b", "headers": wrong}])
            for wrong in ("x", (("a", b"1"),), [("a",)], {"a": 5}, {5: b"a"}, [["a", b"1"]])
        ),
        call(5, [{"value": b"a"}]),
        call(TOPIC, [{"value": b"x" * 2_000_000}, {"value": b"a"}]),
    ],
    "purge": [call(), call(1), call(in_queue=True, blocking=False), call(nonsense=1)],
    "send_offsets_to_transaction": [*WRONG, call([partition()], 5), call([partition()], None, 1)],
    "set_sasl_credentials": [*WRONG, *_CREDENTIALS],
}

_PARTITIONS: Final = [*WRONG, call([partition()]), call([]), call("x"), call([5]), call(None)]

CONSUMER_CALLS: Final[dict[str, list[Call]]] = {
    "assign": [*_PARTITIONS, call(partitions=[partition()])],
    "assignment": [call(), call(1)],
    "close": [call(), call(1)],
    "cluster_id": _CLUSTER_ID,
    "commit": [
        *WRONG[1:],
        call(asynchronous=False),
        call(offsets=[partition(1)], asynchronous=False),
        call(None, [partition(1)], 0),
        call(offsets=[partition(1)]),
        call(offsets=[]),
        call(offsets="x"),
        call(message="x"),
        call(message=None, offsets=None, asynchronous=False),
    ],
    "committed": [*WRONG, call([partition()], 5), call([partition()], timeout=5)],
    "consume": [
        call(1, 5),
        call(num_messages=1, timeout=5),
        call(0, 0.1),
        call(-1, 0.1),
        call("x", 0.1),
        call(1, "x"),
        call(2_000_000, 0.1),
    ],
    "consumer_group_metadata": [call(), call(1)],
    "get_watermark_offsets": [
        *WRONG,
        call(partition(), 5),
        call(partition(), timeout=5, cached=False),  # what is cached depends on the time
    ],
    "incremental_assign": _PARTITIONS,
    "incremental_unassign": _PARTITIONS,
    "list_topics": _METADATA,
    "memberid": [call(), call(1)],
    "offsets_for_times": [*WRONG, call([partition()], 5), call([partition()], timeout=5)],
    "pause": _PARTITIONS,
    "poll": [call(5), call(timeout=5), call(0), call(None), call("x"), call(0, 1)],
    "position": _PARTITIONS,
    "resume": _PARTITIONS,
    "seek": [*WRONG, call(partition()), call(partition(0, 9)), call(partition=partition())],
    "set_sasl_credentials": [*WRONG, *_CREDENTIALS],
    "store_offsets": [*WRONG, call(offsets=[partition(1)]), call(offsets="x"), call(message="x")],
    "subscribe": [
        *WRONG,
        call([TOPIC]),
        call([]),
        call([TOPIC], on_assign=ignore, on_revoke=ignore, on_lost=ignore),
        call([TOPIC], ignore),
        call([TOPIC], on_assign=5),
        call(topics=[TOPIC]),
    ],
    "unassign": [call(), call(1)],
    "unsubscribe": [call(), call(1)],
}

SHARE_CONSUMER_CALLS: Final[dict[str, list[Call]]] = {
    "acknowledge": [*WRONG, call("x"), call(message="x", ack_type=1), call(None)],
    "acknowledge_offset": [
        *WRONG,
        call(TOPIC, 0, 0),
        call(topic=TOPIC, partition=0, offset=0, ack_type=2),
        call(TOPIC, 0, 0, 99),
        call(TOPIC, 0, 0, "x"),
        call(TOPIC, -1, 0),
        call(5, 0, 0),
    ],
    "close": [call(), call(1)],
    "commit_async": [call(), call(1)],
    "commit_sync": [call(0.2), call(timeout=0.2), call("x"), call(0.1, 2)],
    "poll": [call(0.1), call(timeout=0.1), call("x"), call(0, 1)],
    "set_acknowledgement_commit_callback": [
        *WRONG,
        call(ignore),
        call(None),
        call(callback=ignore),
    ],
    "set_sasl_credentials": [*WRONG, *_CREDENTIALS],
    "subscribe": [*WRONG, call([TOPIC]), call([]), call(topics=[TOPIC]), call([TOPIC, TOPIC])],
    "subscription": [call(), call(1)],
    "unsubscribe": [call(), call(1)],
}

SERIALIZING_CALLS: Final[dict[str, list[Call]]] = {
    **PRODUCER_CALLS,
    "produce": [
        *WRONG,
        call(TOPIC),
        call(TOPIC, "k", "v"),
        call(TOPIC, "k", "v", 0, ignore, 1234, {"a": "b"}),
        call(TOPIC, "k", "v", -1, None, 0, [("a", b"1"), ("a", None)]),
        call(topic=TOPIC, value="v", key="k", partition=1, on_delivery=ignore),
        call(TOPIC, "k", 5),
        call(TOPIC, 5, "v"),
        call(5, "k", "v"),
        call(TOPIC, "k", "v", "0"),
        call(TOPIC, "k", "v", headers=5),
        call(TOPIC, "k", "v", headers={"a": 5}),
        call(TOPIC, value="x" * 2_000_000),
    ],
}


def spelled(name: str, arguments: Call) -> str:
    """Return a call as it stands in a program, shortened."""
    shown = [*map(_short, arguments.args)]
    shown += [f"{key}={_short(value)}" for key, value in arguments.kwargs.items()]
    return f"{name}({', '.join(shown)})"


def _short(value: Any) -> str:  # noqa: ANN401 - an argument
    text = repr(value)
    return text if len(text) < 40 and " at 0x" not in text else type(value).__name__
