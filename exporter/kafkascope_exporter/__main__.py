"""The command ``kafkascope-exporter``: puts the parts together."""

import logging
import os
import sys
from importlib.metadata import version

from kafkascope_exporter import cli, logs, server
from kafkascope_exporter.config import Settings
from kafkascope_exporter.exporter import run
from kafkascope_exporter.kafka.clients import check_access

log = logging.getLogger(__name__)


def main() -> int:
    """Run the exporter until a signal ends it; return the exit code."""
    try:
        invocation = cli.parse(sys.argv[1:], os.environ)
        _check_access(invocation.settings)
        if invocation.check_only:
            sys.stdout.write("configuration is valid\n")
            return 0
        logs.set_up(invocation.settings.log.level, invocation.settings.log.format)
        for notice in invocation.notices:
            log.warning("%s", notice)
        run(invocation.settings, version("kafkascope-exporter"))
    except (cli.ConfigError, server.ServerError) as error:
        for problem in str(error).splitlines():
            sys.stderr.write(f"kafkascope-exporter: {problem}\n")
        return 1
    return 0


def _check_access(settings: Settings) -> None:
    problems = [problem for cluster in settings.clusters for problem in check_access(cluster)]
    if problems:
        raise cli.ConfigError(tuple(problems))


if __name__ == "__main__":
    sys.exit(main())
