"""The command ``kafkascope-exporter``: puts the parts together."""

import logging
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import version

from kafkascope_exporter import cli, logs, server
from kafkascope_exporter.exporter import run
from kafkascope_exporter.kafka.clients import access_notices, check_access

log = logging.getLogger(__name__)


def main() -> int:
    """Run the exporter until a signal ends it; return the exit code."""
    try:
        invocation = _invocation()
        if invocation.check_only:
            _say(invocation.notices, "warning: ")
            sys.stdout.write("configuration is valid\n")
            return 0
        logs.set_up(invocation.settings.log.level, invocation.settings.log.format)
        for notice in invocation.notices:
            log.warning("%s", notice)
        run(invocation.settings, version("kafkascope-exporter"))
    except cli.ConfigError as error:
        _say(error.notices, "warning: ")
        _say(error.problems)
        return 1
    except server.ServerError as error:
        _say(str(error).splitlines())
        return 1
    return 0


def _invocation() -> cli.Invocation:
    """Read the settings, and ask the Kafka clients what they think of them."""
    invocation = cli.parse(sys.argv[1:], os.environ)
    clusters = invocation.settings.clusters
    problems = tuple(problem for cluster in clusters for problem in check_access(cluster))
    if problems:
        raise cli.ConfigError(problems, invocation.notices)
    notices = [notice for cluster in clusters for notice in access_notices(cluster)]
    return replace(invocation, notices=(*invocation.notices, *notices))


def _say(lines: Iterable[str], kind: str = "") -> None:
    for line in lines:
        sys.stderr.write(f"kafkascope-exporter: {kind}{line}\n")


if __name__ == "__main__":
    sys.exit(main())
