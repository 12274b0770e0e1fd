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
_REFUSED = "Refused, though danielqsj/kafka_exporter has it (why)"
_HELP = f"""
Help:
  -h, --help
{_INDENT}Print this and exit.
  --version
{_INDENT}Print the versions and exit."""


def help_text() -> str:
    """Give the help: every flag under its heading, as wide as the terminal."""
    width = max(60, min(100, shutil.get_terminal_size().columns))
    lines = [_USAGE]
    for heading, flags in BY_HEADING.items():
        lines.append(f"\n{heading}:")
        for flag in flags:
            lines += [f"  {_call(flag)}", *_wrapped(_meaning(flag), width)]
    lines.append(_HELP)
    for heading, refused in ((_RETIRED, False), (_REFUSED, True)):
        lines.append(f"\n{heading}:")
        for retired in RETIRED_FLAGS:
            if retired.refused is refused:
                lines += [f"  {_call(retired)}", *_wrapped(f"{retired.notice}.", width)]
    return "\n".join(lines)


def version_text() -> str:
    """Give the version of the exporter and of what it stands on."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("confluent-kafka", "kafka-python"))
    own = version("kafkascope-exporter")
    return f"kafkascope-exporter {own} (Python {platform.python_version()}, {libraries})"


def _call(flag: Flag | RetiredFlag) -> str:
    if not flag.switch:
        return f"--{flag.name}={flag.value}"
    on = isinstance(flag, Flag) and flag.default == "true"
    return f"--[no-]{flag.name}" if on else f"--{flag.name}"


def _meaning(flag: Flag) -> str:
    default = f" (default: {flag.default})" if flag.default not in {"", "false"} else ""
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
