"""Flags: the settings file and the log."""

from kafkascope_exporter.flags.flag import Flag

HEADING = "Settings and log"

FLAGS = (
    Flag(
        "config.file",
        "",
        "FILE",
        "",
        "YAML file with any of these settings. Flags and environment variables win over it.",
    ),
    Flag(
        "check-config",
        "",
        "",
        "false",
        "Check all settings, print every problem and warning, and exit: 0 without a problem.",
    ),
    Flag("log.level", "log.level", "LEVEL", "info", "debug, info, warn or error."),
    Flag("log.format", "log.format", "FORMAT", "logfmt", "logfmt or json."),
    Flag(
        "verbosity",
        "",
        "NUMBER",
        "0",
        "1 or more is --log.level=debug, unless a level is given.",
    ),
)
