"""Demo: the two services by rate, errors and duration, from end to end, and the load on them."""

from typing import Final

from grafana_foundation_sdk.models import units

from grafana import links
from grafana.frame import Frame
from grafana.panels import (
    MESSAGES,
    Panels,
    Query,
    heat,
    lines,
    number,
    stacked,
    states,
    steps,
)
from grafana.promql import or_zero, quantile
from grafana.variables import cluster, consumergroup

_WELL: Final = 'outcome=~"acked|submitted"'
_REQUESTS: Final = "kafkascope_demo_produce_requests_total"
_PRODUCE: Final = "kafkascope_demo_produce_duration_seconds"
_END_TO_END: Final = "kafkascope_demo_end_to_end_duration_seconds"
_CONSUMED: Final = "kafkascope_demo_consumed_total"
_EXPORTS: Final = "kafkascope_demo_otlp_export_failures_total"


def _rate(by: str, name: str, matchers: str = "") -> str:
    inner = f"rate({name}{{{matchers}}}[$__rate_interval])".replace("{}", "")
    return f"sum by ({by}) ({inner})" if by else f"sum({inner})"


def _numbers() -> Panels:
    refused = _rate("", _REQUESTS, 'outcome!~"acked|submitted"')
    return [
        number(
            "Requests",
            "Requests per second to write an event.",
            units.RequestsPerSecond,
            _rate("", _REQUESTS),
        ).thresholds(steps(start="blue")),
        number(
            "Refused",
            "Share of these requests that were not acknowledged.",
            units.PercentUnit,
            f"{refused} / ({_rate('', _REQUESTS)} > 0)",
        ).thresholds(steps((0.001, "orange"), (0.01, "red"))),
        number(
            "Answer, 99 %",
            "In this time 99 of 100 requests were answered.",
            units.Seconds,
            quantile(0.99, _PRODUCE, ""),
        ).thresholds(steps((0.25, "orange"), (1, "red"))),
        number(
            "End to end, 99 %",
            "From the event's timestamp to the end of its processing.",
            units.Seconds,
            quantile(0.99, _END_TO_END, ""),
        ).thresholds(steps((1, "orange"), (10, "red"))),
        number(
            "Processed",
            "Events per second that the consumers processed.",
            units.MessagesPerSecond,
            _rate("", _CONSUMED, 'outcome="processed"'),
        ).thresholds(steps(start="blue")),
        number(
            "Lag of the demo",
            "Messages that the chosen groups have not committed.",
            MESSAGES,
            "sum(max by (cluster, consumergroup, topic) "
            '(kafka_consumergroup_lag_sum{cluster=~"$cluster", consumergroup=~"$consumergroup"}))',
        ).thresholds(steps((1000, "orange"), (10000, "red"))),
    ]


def _producer() -> Panels:
    return [
        stacked(
            lines(
                "Requests by outcome",
                "Requests per second to write an event, by what became of them.",
                units.RequestsPerSecond,
                Query(_rate("outcome", _REQUESTS), "{{outcome}}"),
            )
        ),
        lines(
            "Duration of requests",
            "Of requests that reached Kafka's client. A dot leads to the trace of one of them.",
            units.Seconds,
            Query(quantile(0.5, _PRODUCE, ""), "50 %", colour="green"),
            Query(quantile(0.95, _PRODUCE, ""), "95 %", colour="yellow"),
            Query(quantile(0.99, _PRODUCE, ""), "99 %", exemplars=True, colour="red"),
        ),
    ]


def _end_to_end() -> Panels:
    return [
        lines(
            "End-to-end latency",
            "From an event's timestamp, which the producer gives, to the end of its processing. "
            "A dot leads to "
            "the trace over both services.",
            units.Seconds,
            Query(quantile(0.5, _END_TO_END, ""), "50 %", colour="green"),
            Query(quantile(0.95, _END_TO_END, ""), "95 %", colour="yellow"),
            Query(quantile(0.99, _END_TO_END, ""), "99 %", exemplars=True, colour="red"),
        ),
        heat(
            "End-to-end latencies",
            "How many events took how long from end to end.",
            _rate("le", f"{_END_TO_END}_bucket"),
        ),
    ]


def _consumer() -> Panels:
    return [
        stacked(
            lines(
                "Events by outcome",
                "Records per second that the consumers are done with: processed, or no event and "
                "so in the "
                "dead-letter topic.",
                units.MessagesPerSecond,
                Query(_rate("outcome", _CONSUMED), "{{outcome}}"),
            )
        ),
        lines(
            "Dead letters",
            "Records per second that were no event, by what was wrong with them.",
            units.MessagesPerSecond,
            Query(_rate("reason", "kafkascope_demo_dead_lettered_total"), "{{reason}}"),
        ),
        lines(
            "Assigned partitions",
            "Partitions that each consumer is assigned. All of them belong to the one that is "
            "left when "
            "the other is gone.",
            units.Short,
            Query("max by (instance) (kafkascope_demo_assigned_partitions)", "{{instance}}"),
        ),
        lines(
            "Lost after submit",
            "Events per second that were acknowledged at submit (ACK=submitted) and that Kafka "
            "did not take.",
            units.MessagesPerSecond,
            Query(_rate("", "kafkascope_demo_lost_after_submit_total"), "lost", colour="red"),
        ),
    ]


def _load() -> Panels:
    return [
        lines(
            "Users",
            "Users that Locust simulates.",
            units.Short,
            Query("sum(locust_users)", "users", colour="blue"),
        ).span(8),
        lines(
            "Load",
            "Requests per second that Locust sends, and those that failed.",
            units.RequestsPerSecond,
            Query(_rate("name", "locust_requests_total"), "{{name}}"),
            Query(
                or_zero(_rate("", "locust_failures_total"), "locust_users"), "failed", colour="red"
            ),
        ).span(8),
        lines(
            "Duration for the users",
            "As Locust measures it, so with the network and the web server's queue.",
            units.Seconds,
            Query(quantile(0.5, "locust_request_duration_seconds", ""), "50 %", colour="green"),
            Query(quantile(0.95, "locust_request_duration_seconds", ""), "95 %", colour="yellow"),
        ).span(8),
    ]


def _exporters() -> Panels:
    ours, theirs = (
        f"sum by (consumergroup, topic) ({name})"
        for name in ("kafka_consumergroup_lag", "strimzi_kafka_consumergroup_lag")
    )
    return [
        lines(
            "Where two exporters differ",
            "Lag by ours less lag by Strimzi's Kafka Exporter, where both run "
            "(strimzi.kafkaExporter.enabled). 0 but for the moments between their readings.",
            MESSAGES,
            Query(f"{ours} - {theirs}", "{{consumergroup}} {{topic}}"),
        )
    ]


def _telemetry() -> Panels:
    scenario = Query("max by (name) (kafkascope_demo_scenario)", "{{name}}")
    return [
        lines(
            "OTLP exports failed",
            "Exports per second that failed after their retries, by service and signal.",
            units.CountsPerSecond,
            Query(_rate("job, signal", _EXPORTS), "{{job}} {{signal}}"),
        ),
        lines(
            "OTLP received",
            "What the local OTLP receiver takes per second, where the demo has it.",
            units.CountsPerSecond,
            Query(_rate("signal", "kafkascope_demo_otlp_receiver_received_total"), "{{signal}}"),
        ),
        states(
            "Scenarios",
            "Which fault of the demo was on.",
            scenario,
            {"on": "purple"},
        )
        .span(24)
        .height(5),
    ]


DASHBOARD: Final = Frame(
    uid=links.DEMO,
    title="Demo",
    description="The demo's services: rate, errors and duration, end-to-end latency, load, and "
    "telemetry.",
    variables=[cluster(), consumergroup()],
    rows={
        "Now": _numbers(),
        "Producer": _producer(),
        "End to end": _end_to_end(),
        "Consumers": _consumer(),
        "Load": _load(),
        "Telemetry": _telemetry(),
        "Two exporters": _exporters(),
    },
    refresh="10s",
)
