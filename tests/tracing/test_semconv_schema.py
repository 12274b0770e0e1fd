from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from types import ModuleType
from typing import Any, Final

import pytest
from opentelemetry.metrics import Meter, NoOpMeter, NoOpMeterProvider

from kafkascope_tracing import metrics
from kafkascope_tracing.meters import SCHEMA_URL, SCOPE_NAME
from tests.skips import CONVENTIONS_OLD
from tests.tracing.semconv import TABLE, metric_faults, sampler_faults, span_faults

try:
    from opentelemetry.semconv._incubating.attributes import messaging_attributes
    from opentelemetry.semconv._incubating.metrics import messaging_metrics
    from opentelemetry.semconv.attributes import (
        error_attributes,
        network_attributes,
        server_attributes,
    )
    from opentelemetry.semconv.schemas import Schemas
except ImportError:
    pytest.skip(CONVENTIONS_OLD, allow_module_level=True)

SEND: Final = {
    "messaging.system": "kafka",
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    "messaging.destination.name": "orders",
    "messaging.destination.partition.id": "3",
    "messaging.kafka.offset": 42,
}


def constants_of(*modules: ModuleType) -> dict[str, str]:
    """Read the names that OpenTelemetry's generated modules define, each with its description."""
    found = {}
    for module in modules:
        body = ast.parse(inspect.getsource(module)).body
        for statement, described in pairwise(body):
            match statement, described:
                case (
                    ast.AnnAssign(value=ast.Constant(value=str(name))),
                    ast.Expr(value=ast.Constant(value=str(description))),
                ):
                    found[name] = description.strip()
    return found


ATTRIBUTES: Final = constants_of(
    error_attributes, messaging_attributes, network_attributes, server_attributes
)
METRICS: Final = constants_of(messaging_metrics)


def test_every_attribute_of_the_table_is_a_current_one_of_the_package() -> None:
    """OpenTelemetry's generated constants have each name, and call none of them deprecated."""
    names = {attribute.name for attribute in (*TABLE.spans, *TABLE.metrics)}

    assert len(ATTRIBUTES) > 40
    assert names <= set(ATTRIBUTES)
    assert [name for name in names if ATTRIBUTES[name].startswith("Deprecated")] == []


def test_old_names_are_deprecated_in_favour_of_names_in_the_table() -> None:
    """What the package still knows of them it calls deprecated."""
    names = {attribute.name for attribute in TABLE.spans}

    assert set(TABLE.old.values()) <= names
    assert not names & set(TABLE.old)
    known = set(TABLE.old) & set(ATTRIBUTES)
    assert known == set(TABLE.old) - {"messaging.client_id"}  # which the package has no longer
    assert all(ATTRIBUTES[name].startswith("Deprecated") for name in known)


def test_the_metrics_are_the_four_that_the_package_and_we_have() -> None:
    """The package's names that are not deprecated, with their units, are the table's and ours."""
    current = {
        name: unit.split(maxsplit=1)[0]
        for name, description in METRICS.items()
        if not description.startswith("Deprecated")
        for unit in [description.split("Unit: ", 1)[1]]
    }

    assert current == TABLE.units
    assert set(TABLE.units) == {
        metrics.OPERATION_DURATION,
        metrics.PROCESS_DURATION,
        metrics.SENT_MESSAGES,
        metrics.CONSUMED_MESSAGES,
    }


class RecordingMeter(NoOpMeter):
    """A meter that notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__("recording")
        self.asked: list[tuple[str, str, str]] = []

    def create_counter(self, name: str, unit: str = "", description: str = "") -> Any:  # noqa: ANN401 - the answer is not looked at
        """Note a counter."""
        self.asked.append((name, unit, description))

    def create_observable_counter(
        self,
        name: str,
        callbacks: object = None,  # noqa: ARG002 - the signature is OpenTelemetry's
        unit: str = "",
        description: str = "",
    ) -> Any:  # noqa: ANN401 - the answer is not looked at
        """Note an observable counter."""
        self.asked.append((name, unit, description))

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        **_advisory: object,
    ) -> Any:  # noqa: ANN401 - the answer is not looked at
        """Note a histogram."""
        self.asked.append((name, unit, description))


class RecordingProvider(NoOpMeterProvider):
    """A provider of one recording meter."""

    def __init__(self) -> None:
        self.meter = RecordingMeter()
        self.scopes: list[tuple[object, ...]] = []

    def get_meter(self, *scope: Any, **_attributes: Any) -> Meter:  # noqa: ANN401 - the versions of the API differ
        """Return the one meter."""
        self.scopes.append(scope)
        return self.meter


def test_names_units_and_descriptions_are_those_of_the_semantic_conventions() -> None:
    """What we register equals what OpenTelemetry's generated package would register."""
    ours, theirs = RecordingProvider(), RecordingMeter()
    metrics.MessagingMetrics(ours, enabled=True)
    messaging_metrics.create_messaging_client_operation_duration(theirs)
    messaging_metrics.create_messaging_process_duration(theirs)
    messaging_metrics.create_messaging_client_sent_messages(theirs)
    messaging_metrics.create_messaging_client_consumed_messages(theirs)

    assert ours.meter.asked == theirs.asked
    ((name, _version, schema_url),) = ours.scopes
    assert (name, schema_url) == (SCOPE_NAME, SCHEMA_URL)


def test_operation_types_are_those_of_the_package() -> None:
    """Each operation's type is a current value of ``messaging.operation.type``."""
    values = {value.value for value in messaging_attributes.MessagingOperationTypeValues}

    assert set(TABLE.types.values()) <= values
    assert messaging_attributes.MessagingSystemValues.KAFKA.value == "kafka"


def test_the_schema_url_is_that_of_the_table_s_version() -> None:
    """The scope of our telemetry names the version that the table has."""
    assert SCHEMA_URL.endswith(f"/{TABLE.version}")
    assert Schemas.V1_44_0.value == SCHEMA_URL


def test_every_row_names_its_source() -> None:
    """A file of the conventions' model, a known level, and only operations that exist."""
    for attribute in TABLE.spans:
        assert attribute.source.startswith("model/messaging/"), attribute.name
        assert set(attribute.levels) <= set(TABLE.kinds), attribute.name
    for attribute in TABLE.metrics:
        assert attribute.source.startswith("model/messaging/"), attribute.name
        assert set(attribute.levels) <= set(TABLE.units), attribute.name
    rows = [*TABLE.spans, *TABLE.metrics]
    levels = {level for attribute in rows for level in attribute.levels.values()}
    assert levels == {"required", "conditional", "recommended", "opt-in"}


def test_a_right_span_has_no_fault() -> None:
    """Single, failed and batch spans as the conventions have them pass."""
    batch = {name: value for name, value in SEND.items() if name != "messaging.kafka.offset"}

    assert span_faults("send", SEND) == []
    assert span_faults("send", {**SEND, "error.type": "_MSG_TIMED_OUT"}, failed=True) == []
    assert span_faults("send", {**batch, "messaging.batch.message_count": 2}, batch=True) == []
    assert span_faults("send", {**SEND, "messaging.kafka.message.tombstone": True}) == []


@pytest.mark.parametrize(
    ("changes", "failed", "batch", "fault"),
    [
        ({"messaging.system": None}, False, False, "messaging.system is missing"),
        ({"messaging.system": "rabbitmq"}, False, False, "messaging.system is not kafka"),
        ({"messaging.operation.type": "publish"}, False, False, "operation.type is not send"),
        ({"messaging.consumer.group.name": "g"}, False, False, "does not belong to send"),
        ({"messaging.kafka.message.offset": 4}, False, False, "does not belong to send"),
        ({"messaging.destination.partition.id": 3}, False, False, "is int, not str"),
        ({"messaging.kafka.offset": True}, False, False, "is bool, not int"),
        ({"messaging.kafka.message.tombstone": False}, False, False, "only for true"),
        ({"error.type": "x"}, False, False, "only for failure"),
        ({}, True, False, "error.type is missing"),
        ({"messaging.batch.message_count": 1}, False, False, "only for batch"),
        ({"messaging.kafka.offset": 1}, False, True, "only for single"),
        ({}, False, True, "messaging.batch.message_count is missing"),
    ],
)
def test_a_wrong_span_has_a_fault(
    changes: dict[str, object], *, failed: bool, batch: bool, fault: str
) -> None:
    """Each rule of the table finds what breaks it."""
    changed = {name: value for name, value in {**SEND, **changes}.items() if value is not None}

    faults = span_faults("send", changed, failed=failed, batch=batch)

    assert any(fault in each for each in faults), faults


def test_a_sampler_needs_what_every_span_has() -> None:
    """The required attributes are to be there when the span starts."""
    assert sampler_faults("process", SEND) == []
    assert sampler_faults("process", {"messaging.system": "kafka"}) == [
        "messaging.operation.name is not given at the start"
    ]


def test_metric_attributes_are_checked_too() -> None:
    """The operation type and the group belong to some metrics only."""
    point = {"messaging.system": "kafka", "messaging.operation.name": "poll", "server.port": 9092}

    assert metric_faults(metrics.CONSUMED_MESSAGES, point) == []
    grouped = {**point, "messaging.consumer.group.name": "g"}
    assert metric_faults(metrics.PROCESS_DURATION, grouped) == []
    assert metric_faults(metrics.SENT_MESSAGES, grouped) == [
        "messaging.consumer.group.name does not belong to messaging.client.sent.messages"
    ]
    typed = {**point, "messaging.operation.type": "receive"}
    assert metric_faults(metrics.OPERATION_DURATION, typed) == []
    assert metric_faults(metrics.CONSUMED_MESSAGES, typed) != []
    assert metric_faults(metrics.PROCESS_DURATION, point, failed=True) == ["error.type is missing"]
