"""What ``--help`` and ``--version`` print."""

import platform
import shutil
import textwrap
from importlib.metadata import version

from kafkascope_exporter.flags import BY_HEADING, RETIRED_FLAGS, Flag, RetiredFlag

_INDENT = " " * 6
_USAGE = """\
Usage: kafkascope-exporter [FLAG ...]

Prometheus exporter for Apache Kafka, with the flags of danielqsj/kafka_exporter.
Flags go as --flag value or --flag=value; switches as --switch, --switch=false or --no-switch;
@FILE stands for the arguments in FILE, one a line. Every flag can be set by an environment
variable too (--kafka.server by KAFKASCOPE_KAFKA_SERVER), and most in the file of --config.file;
flags win over variables, and variables over the file."""
_RETIRED = "Accepted from danielqsj/kafka_exporter, without effect (what happens instead)"


def help_text() -> str:
    """Give the help: every flag under its heading, as wide as the terminal."""
    width = max(60, min(100, shutil.get_terminal_size().columns))
    lines = [_USAGE]
    for heading, flags in BY_HEADING.items():
        lines.append(f"\n{heading}:")
        for flag in flags:
            lines += [f"  {_call(flag)}", *_wrapped(_meaning(flag), width)]
    lines.append(f"\n{_RETIRED}:")
    for retired in RETIRED_FLAGS:
        lines += [f"  {_call(retired)}", *_wrapped(_fate(retired), width)]
    lines += ["\nHelp:", "  -h, --help", f"{_INDENT}Print this and exit.", "  --version"]
    return "\n".join([*lines, f"{_INDENT}Print the versions and exit."])


def version_text() -> str:
    """Give the version of the exporter and of what it stands on."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("confluent-kafka", "kafka-python"))
    own = version("kafkascope-exporter")
    return f"kafkascope-exporter {own} (Python {platform.python_version()}, {libraries})"


def _call(flag: Flag | RetiredFlag) -> str:
    return f"--[no-]{flag.name}" if flag.switch else f"--{flag.name}={flag.value}"


def _fate(flag: RetiredFlag) -> str:
    refused = "Refused when on: " if flag.refused else ""
    return f"{refused}{flag.notice}."


def _meaning(flag: Flag) -> str:
    default = f" (default: {flag.default})" if flag.default else ""
    fallback = f" (else the variable {flag.fallback})" if flag.fallback else ""
    return f"{flag.help}{default}{fallback}"


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
    )
