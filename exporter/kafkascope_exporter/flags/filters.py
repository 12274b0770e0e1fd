"""Flags: what to collect."""

from kafkascope_exporter.flags.flag import Flag

HEADING = "What to collect"

FLAGS = (
    Flag(
        "topic.filter",
        "clusters[0].topics.include",
        "REGEX",
        ".*",
        "Topics to collect: those in whose name this is found (Go syntax, not anchored).",
    ),
    Flag(
        "topic.exclude",
        "clusters[0].topics.exclude",
        "REGEX",
        "^$",
        "Topics to leave out; wins over --topic.filter.",
    ),
    Flag(
        "group.filter",
        "clusters[0].groups.include",
        "REGEX",
        ".*",
        "Consumer groups to collect: those in whose id this is found.",
    ),
    Flag(
        "group.exclude",
        "clusters[0].groups.exclude",
        "REGEX",
        "^$",
        "Consumer groups to leave out; wins over --group.filter.",
    ),
    Flag(
        "offset.show-all",
        "clusters[0].show_all_offsets",
        "",
        "true",
        "Show the commits of every group; otherwise only of partitions assigned to a member now.",
    ),
    Flag(
        "compat.uncommitted",
        "metrics.uncommitted",
        "absent|sentinel",
        "absent",
        "A partition without a commit has no series (absent), or -1 as danielqsj/kafka_exporter"
        " shows it (sentinel).",
    ),
)
