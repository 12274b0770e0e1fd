from __future__ import annotations

from typing import Final

import pytest

from kafkascope_tracing import attributes as ours
from kafkascope_tracing import metrics
from kafkascope_tracing.attributes import ClientAttributes, Operation, Role
from tests.tracing.semconv import TABLE, metric_faults, sampler_faults, span_faults

OPERATIONS: Final[list[tuple[Role, Operation, str]]] = [
    ("producer", ours.CREATE, "create"),
    ("producer", ours.SEND, "send"),
    ("producer", ours.SEND_OF_CREATED, "send"),
    ("consumer", ours.POLL, "receive"),
    ("consumer", ours.PROCESS, "process"),
    ("consumer", ours.COMMIT, "settle"),
]


def client_of(role: Role) -> ClientAttributes:
    """Return a client's attributes, everything known."""
    client = ClientAttributes(
        {"bootstrap.servers": "kafka:9092", "client.id": "till", "group.id": "billing"}, role=role
    )
    client.cluster_id = "abc"
    return client


@pytest.mark.parametrize(("role", "operation", "row"), OPERATIONS)
def test_the_prebuilt_attributes_of_a_span_are_in_the_table(
    role: Role, operation: Operation, row: str
) -> None:
    """Name, kind and attributes are the conventions', all there when a sampler looks."""
    base = client_of(role).span_base(operation, "orders")

    assert span_faults(row, base.attributes) == []
    assert sampler_faults(row, base.attributes) == []
    assert base.kind.name in TABLE.kinds[row]
    assert base.name == f"{operation.name} orders"


@pytest.mark.parametrize("error", ["", "UNKNOWN_TOPIC_OR_PARTITION"])
@pytest.mark.parametrize(
    ("role", "operation", "counter"),
    [
        ("producer", ours.SEND, metrics.SENT_MESSAGES),
        ("consumer", ours.POLL, metrics.CONSUMED_MESSAGES),
        ("consumer", ours.COMMIT, None),
    ],
)
def test_the_attributes_of_a_client_s_metrics_are_in_the_table(
    role: Role, operation: Operation, counter: str | None, error: str
) -> None:
    """Counters and the operations' duration have what the conventions give to each."""
    counted, measured = client_of(role).metric_set(operation, "orders", 3, error)

    failed = bool(error)
    assert metric_faults(metrics.OPERATION_DURATION, dict(measured), failed=failed) == []
    if counter:
        assert metric_faults(counter, dict(counted), failed=failed) == []


def test_the_attributes_of_the_process_duration_are_in_the_table() -> None:
    """It has no operation type: there is only one."""
    _counted, measured = client_of("consumer").metric_set(ours.PROCESS, "orders", 3)

    assert metric_faults(metrics.PROCESS_DURATION, dict(measured)) == []


def test_every_name_of_ours_is_in_the_table_or_known_as_an_extra() -> None:
    """Constants are the conventions' names, v1.24's under ``messaging/dup``, or listed here."""
    current = {attribute.name for attribute in TABLE.spans}
    names = {
        constant: value
        for constant, value in vars(ours).items()
        if constant.isupper() and not constant.startswith("_") and isinstance(value, str)
    }
    extras = {value for value in names.values() if value not in current and value not in TABLE.old}

    assert {value for name, value in names.items() if name.startswith("OLD_")} == set(TABLE.old)
    assert extras == {
        "kafka.record.queue_time_ms",  # experimental, as in Java
        "messaging.kafka.bootstrap.servers",  # experimental, as in Java
        "kafkascope.acknowledge.type",  # what a share consumer says of a message
        "kafkascope.transaction.outcome",  # the conventions have no transactions
    }
