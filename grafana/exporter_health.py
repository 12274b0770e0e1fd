"""Exporter health: whether the numbers of the other dashboards can be trusted."""

from typing import Final

from grafana_foundation_sdk.models import units

from grafana import links
from grafana.frame import Frame
from grafana.panels import (
    Panels,
    Query,
    any_is_bad,
    drawn_thresholds,
    lines,
    number,
    stacked,
    steps,
)
from grafana.promql import or_zero
from grafana.variables import listed

_OF: Final = 'job=~"$job", instance=~"$instance"'
_PHASE: Final = f'{_OF}, phase!="total"'
_EACH: Final = "{{instance}}"


def _sum(by: str, expr: str) -> str:
    return f"sum by ({by}) ({expr})"


def _rate(name: str) -> str:
    return f"rate({name}{{{_OF}}}[$__rate_interval])"


def _numbers() -> Panels:
    age = f"max(time() - kafka_exporter_last_success_timestamp_seconds{{{_OF}}})"
    cycle = f'max(kafka_exporter_cycle_duration_seconds{{{_OF}, phase="total"}})'
    return [
        number(
            "Exporters up",
            "Exporters that answer Prometheus and reached Kafka in their last cycle.",
            units.Short,
            or_zero(f"sum(kafka_exporter_up{{{_OF}}})", f"up{{{_OF}}}"),
        ).thresholds(steps((1, "green"), start="red")),
        number(
            "Age of the data",
            "Time since the last cycle that read the cluster's metadata. It grows when Kafka "
            "cannot be read.",
            units.Seconds,
            age,
        ).thresholds(steps((60, "orange"), (180, "red"))),
        number("Last cycle", "How long the last collection took.", units.Seconds, cycle).thresholds(
            steps((10, "orange"), (15, "red"))
        ),
        number(
            "Missing",
            "Values that the last cycle should have read and could not. They are absent, not 0.",
            units.Short,
            f"sum(kafka_exporter_missing{{{_OF}}})",
        ).thresholds(any_is_bad()),
        number(
            "Overruns",
            "Cycles within the time shown that took longer than their interval.",
            units.Short,
            f"sum(increase(kafka_exporter_overruns_total{{{_OF}}}[$__range]))",
        ).thresholds(steps((1, "orange"))),
        number(
            "Series",
            "Series of the page that was rendered last.",
            units.Short,
            f"sum(kafka_exporter_series{{{_OF}}})",
        ).thresholds(steps(start="blue")),
    ]


def _collection() -> Panels:
    age = lines(
        "Age of the data over time",
        "Time since the last cycle that read the metadata; a saw as high as the interval is well.",
        units.Seconds,
        Query(f"time() - kafka_exporter_last_success_timestamp_seconds{{{_OF}}}", _EACH),
    )
    return [
        lines(
            "Up",
            "Whether Prometheus reaches the exporter (scraped), and the exporter Kafka "
            "(collected).",
            units.Short,
            Query(f"up{{{_OF}}}", "scraped {{instance}}", colour="blue"),
            Query(f"kafka_exporter_up{{{_OF}}}", "collected {{instance}}", colour="green"),
        ).max(1),
        drawn_thresholds(age, (60, "orange"), (180, "red")),
        stacked(
            lines(
                "Duration of a cycle",
                "By phase. The phases overlap: together they take longer than the cycle.",
                units.Seconds,
                Query(
                    f"max by (phase) (kafka_exporter_cycle_duration_seconds{{{_PHASE}}})",
                    "{{phase}}",
                ),
            )
        ),
        stacked(
            lines(
                "CPU time of a cycle",
                "By phase; what scrapes used meanwhile is part of it.",
                units.Seconds,
                Query(
                    f"max by (phase) (kafka_exporter_cycle_cpu_seconds{{{_PHASE}}})",
                    "{{phase}}",
                ),
            )
        ),
    ]


def _completeness() -> Panels:
    return [
        lines(
            "Missing values",
            "What the last cycle should have read, could not, and does not show, by kind.",
            units.Short,
            Query(_sum("kind", f"kafka_exporter_missing{{{_OF}}}"), "{{kind}}"),
        ),
        lines(
            "Held values",
            "What is shown as an earlier cycle read it (--collect.hold), by kind.",
            units.Short,
            Query(_sum("kind", f"kafka_exporter_held{{{_OF}}}"), "{{kind}}"),
        ),
        lines(
            "Errors",
            "What calls could not tell, per second. A series begins with the first error of its "
            "kind, so an "
            "error that happens a single time does not show here.",
            units.CountsPerSecond,
            Query(
                or_zero(
                    _sum("api, broker, code", _rate("kafka_exporter_errors_total")),
                    f"kafka_exporter_up{{{_OF}}}",
                ),
                "{{api}} broker {{broker}} {{code}}",
            ),
        ),
        lines(
            "Requests to Kafka",
            "Requests per second by API.",
            units.RequestsPerSecond,
            Query(_sum("api", _rate("kafka_exporter_requests_total")), "{{api}}"),
        ),
    ]


def _serving() -> Panels:
    return [
        lines(
            "Scrapes",
            "Scrapes per second. More than one Prometheus is well: a scrape does not ask Kafka.",
            units.RequestsPerSecond,
            Query(_sum("instance", _rate("kafka_exporter_scrapes_total")), _EACH),
        ),
        lines(
            "Duration of a scrape",
            "As Prometheus measures it.",
            units.Seconds,
            Query(f"scrape_duration_seconds{{{_OF}}}", _EACH),
        ),
        stacked(
            lines(
                "Series by metric group",
                "Where the size of the page comes from.",
                units.Short,
                Query(_sum("group", f"kafka_exporter_series{{{_OF}}}"), "{{group}}"),
            )
        ),
        lines(
            "Memory",
            "Resident memory of the exporter.",
            units.BytesIEC,
            Query(f"process_resident_memory_bytes{{{_OF}}}", _EACH),
        ),
        lines(
            "CPU",
            "Cores that the exporter uses.",
            units.Short,
            Query(_rate("process_cpu_seconds_total"), _EACH),
        ),
        lines(
            "File descriptors",
            "Open ones, of which connections to brokers are a part, beside the limit.",
            units.Short,
            Query(f"process_open_fds{{{_OF}}}", "open {{instance}}"),
            Query(f"process_max_fds{{{_OF}}}", "limit {{instance}}", colour="red"),
        ),
    ]


DASHBOARD: Final = Frame(
    uid=links.EXPORTER,
    title="Exporter health",
    description="Whether the exporter reads Kafka, in time and completely, and what that costs.",
    variables=[
        listed("job", "Job", "kafka_exporter_build_info"),
        listed("instance", "Exporter", 'kafka_exporter_build_info{job=~"$job"}'),
    ],
    rows={
        "Now": _numbers(),
        "Collection": _collection(),
        "Completeness": _completeness(),
        "Serving": _serving(),
    },
)
