"""The table of every flag: its setting in the YAML file, its default, what it means.

`arguments`, `environment`, `configfile`, the help text and docs/configuration.md all follow it.
danielqsj/kafka_exporter's flags keep their names and defaults. One file per heading of the help.
"""

from kafkascope_exporter.flags import cluster, collect, filters, log, sasl, tls, web
from kafkascope_exporter.flags.flag import VARIABLE_PREFIX, Flag, RetiredFlag
from kafkascope_exporter.flags.retired import RETIRED_FLAGS

__all__ = [
    "BY_HEADING",
    "BY_NAME",
    "BY_PATH",
    "FLAGS",
    "RETIRED_BY_NAME",
    "RETIRED_FLAGS",
    "VARIABLE_PREFIX",
    "Flag",
    "RetiredFlag",
]

BY_HEADING: dict[str, tuple[Flag, ...]] = {
    part.HEADING: part.FLAGS for part in (cluster, tls, sasl, filters, collect, web, log)
}
FLAGS = tuple(flag for part in BY_HEADING.values() for flag in part)
BY_NAME = {flag.name: flag for flag in FLAGS}
BY_PATH = {flag.path: flag for flag in FLAGS if flag.path}
RETIRED_BY_NAME = {flag.name: flag for flag in RETIRED_FLAGS}
