"""The command `kafkascope-demo`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from kafkascope_demo import run
from kafkascope_demo.localkafka import LocalKafkaError, commands

_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        argv: The arguments; those of the process when None.
    """
    parser = argparse.ArgumentParser(prog="kafkascope-demo", description=__doc__)
    below = parser.add_subparsers(metavar="COMMAND", required=True)
    commands.register(below)
    run.register(below)
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except LocalKafkaError as error:
        print(f"kafkascope-demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code


if __name__ == "__main__":
    sys.exit(main())
