"""Flags: when to collect."""

from kafkascope_exporter.flags.flag import Flag

HEADING = "When to collect"

FLAGS = (
    Flag(
        "collect.interval",
        "collect.interval",
        "DURATION",
        "15s",
        "How often Kafka is asked. Scrapes in between get the last answer.",
    ),
    Flag(
        "collect.deadline",
        "collect.deadline",
        "DURATION",
        "0.8 * interval",
        "How long one collection may take; what is missing then is left out and counted.",
    ),
    Flag(
        "collect.hold",
        "collect.hold",
        "DURATION",
        "1 * interval",
        "How long a value outlives the broker that last gave it; 0 turns this off.",
    ),
    Flag(
        "collect.staleness",
        "collect.staleness",
        "DURATION",
        "3 * interval",
        "How old an answer may be; then the Kafka series disappear.",
    ),
    Flag(
        "collect.on-scrape",
        "collect.on_scrape",
        "",
        "false",
        "Ask Kafka at each scrape, as danielqsj/kafka_exporter does, in place of an interval.",
    ),
)
