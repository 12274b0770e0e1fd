"""Messaging clients: what applications with kafkascope-tracing tell of themselves."""

from typing import Final

from grafana_foundation_sdk.models import units

from grafana import links
from grafana.frame import Frame
from grafana.panels import Panels, Query, heat, lines, number, steps
from grafana.promql import or_zero, quantile
from grafana.variables import several

_SERVICE: Final = 'job=~"$job"'
_TOPIC: Final = f'{_SERVICE}, messaging_destination_name=~"$topic"'
_OF: Final = f'{_TOPIC}, messaging_consumer_group_name=~"$consumergroup"'
_SENT: Final = "messaging_client_sent_messages_total"
_CONSUMED: Final = "messaging_client_consumed_messages_total"
_OPERATION: Final = "messaging_client_operation_duration_seconds"
_PROCESS: Final = "messaging_process_duration_seconds"
_SEND: Final = f'{_TOPIC}, messaging_operation_name="send"'
_BY_TOPIC: Final = "job, messaging_destination_name"
_BY_GROUP: Final = "job, messaging_consumer_group_name, messaging_destination_name"
_TOPIC_LEGEND: Final = "{{job}} {{messaging_destination_name}}"
_GROUP_LEGEND: Final = "{{job}} {{messaging_consumer_group_name}} {{messaging_destination_name}}"


def _rate(by: str, name: str, matchers: str = _OF) -> str:
    inner = f"rate({name}{{{matchers}}}[$__rate_interval])"
    return f"sum by ({by}) ({inner})" if by else f"sum({inner})"


def _numbers() -> Panels:
    failed = _rate("", _SENT, f'{_TOPIC}, error_type!=""')
    unprocessed = _rate("", f"{_PROCESS}_count", f'{_OF}, error_type!=""')
    return [
        number(
            "Sent",
            "Messages per second that reached the brokers, or failed to.",
            units.MessagesPerSecond,
            _rate("", _SENT, _TOPIC),
        ).thresholds(steps(start="blue")),
        number(
            "Consumed",
            "Messages per second that programs were given.",
            units.MessagesPerSecond,
            _rate("", _CONSUMED),
        ).thresholds(steps(start="blue")),
        number(
            "Not sent",
            "Messages per second whose sending failed.",
            units.MessagesPerSecond,
            or_zero(failed, f"{_SENT}{{{_TOPIC}}}"),
        ).thresholds(steps((0.001, "red"))),
        number(
            "Processing failed",
            "Messages per second whose processing ended with an error.",
            units.MessagesPerSecond,
            or_zero(unprocessed, f"{_PROCESS}_count{{{_OF}}}"),
        ).thresholds(steps((0.001, "red"))),
        number(
            "Send, 99 %",
            "In this time 99 of 100 messages were on the brokers.",
            units.Seconds,
            quantile(0.99, _OPERATION, _SEND),
        ).thresholds(steps((0.5, "orange"), (2, "red"))),
        number(
            "Process, 99 %",
            "In this time 99 of 100 messages were processed.",
            units.Seconds,
            quantile(0.99, _PROCESS, _OF),
        ).thresholds(steps((1, "orange"), (10, "red"))),
    ]


def _producers() -> Panels:
    return [
        lines(
            "Messages sent",
            "Messages per second by service and topic, counted by their delivery reports.",
            units.MessagesPerSecond,
            Query(_rate(_BY_TOPIC, _SENT, _TOPIC), _TOPIC_LEGEND),
        ),
        lines(
            "Messages not sent",
            "Messages per second whose sending failed, by the error's type.",
            units.MessagesPerSecond,
            Query(
                or_zero(
                    _rate(f"{_BY_TOPIC}, error_type", _SENT, f'{_TOPIC}, error_type!=""'),
                    f"{_SENT}{{{_TOPIC}}}",
                ),
                f"{_TOPIC_LEGEND} {{{{error_type}}}}",
            ),
        ),
        lines(
            "Time to send",
            "From produce() to the delivery report: what 50, 95 and 99 of 100 messages took. "
            "Linger, "
            "queueing and the brokers' replication are in it.",
            units.Seconds,
            Query(quantile(0.5, _OPERATION, _SEND, "job"), "50 % {{job}}"),
            Query(quantile(0.95, _OPERATION, _SEND, "job"), "95 % {{job}}"),
            Query(quantile(0.99, _OPERATION, _SEND, "job"), "99 % {{job}}", exemplars=True),
        ),
        heat(
            "Times to send",
            "How many messages took how long, from produce() to the delivery report.",
            _rate("le", f"{_OPERATION}_bucket", _SEND),
        ),
    ]


def _consumers() -> Panels:
    return [
        lines(
            "Messages consumed",
            "Messages per second that the program was given, by service, group and topic.",
            units.MessagesPerSecond,
            Query(_rate(_BY_GROUP, _CONSUMED), _GROUP_LEGEND),
        ),
        lines(
            "Time to process",
            "What processing a message took in the program, by group.",
            units.Seconds,
            Query(
                quantile(0.5, _PROCESS, _OF, "messaging_consumer_group_name"),
                "50 % {{messaging_consumer_group_name}}",
            ),
            Query(
                quantile(0.95, _PROCESS, _OF, "messaging_consumer_group_name"),
                "95 % {{messaging_consumer_group_name}}",
            ),
            Query(
                quantile(0.99, _PROCESS, _OF, "messaging_consumer_group_name"),
                "99 % {{messaging_consumer_group_name}}",
                exemplars=True,
            ),
        ),
        lines(
            "Busy with processing",
            "Consumers' worth of time spent in processing, by group. As many as there are "
            "members, and "
            "the group can do no more: add partitions and members, or make processing faster.",
            units.Short,
            Query(
                _rate("messaging_consumer_group_name", f"{_PROCESS}_sum"),
                "{{messaging_consumer_group_name}}",
            ),
        ),
        heat(
            "Times to process",
            "How many messages took how long to process.",
            _rate("le", f"{_PROCESS}_bucket"),
        ),
    ]


def _operations() -> Panels:
    by = "job, messaging_operation_name"
    return [
        lines(
            "Operations",
            "Calls of the client per second: send, poll, commit.",
            units.OpsPerSecond,
            Query(_rate(by, f"{_OPERATION}_count"), "{{job}} {{messaging_operation_name}}"),
        ),
        lines(
            "Duration of operations",
            "What 95 of 100 calls took, by operation.",
            units.Seconds,
            Query(quantile(0.95, _OPERATION, _OF, by), "{{job}} {{messaging_operation_name}}"),
        ),
        lines(
            "Operations that failed",
            "Calls per second that ended with an error, by its type.",
            units.OpsPerSecond,
            Query(
                or_zero(
                    _rate(f"{by}, error_type", f"{_OPERATION}_count", f'{_OF}, error_type!=""'),
                    f"{_OPERATION}_count{{{_OF}}}",
                ),
                "{{job}} {{messaging_operation_name}} {{error_type}}",
            ),
        ).span(24),
    ]


DASHBOARD: Final = Frame(
    uid=links.MESSAGING,
    title="Messaging clients",
    description="What applications tell of their sending and reading: OpenTelemetry's four "
    "messaging metrics.",
    variables=[
        several("job", "Service", f"{_OPERATION}_count"),
        several("topic", "Topic", f"{_OPERATION}_count", "messaging_destination_name"),
        several(
            "consumergroup", "Consumer group", f"{_PROCESS}_count", "messaging_consumer_group_name"
        ),
    ],
    rows={
        "Now": _numbers(),
        "Producers": _producers(),
        "Consumers": _consumers(),
        "Operations": _operations(),
    },
)
