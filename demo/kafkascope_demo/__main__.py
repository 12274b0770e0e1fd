"""The command `kafkascope-demo`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from kafkascope_demo import audit, kafkasetup
from kafkascope_demo.consumer import command as consumer
from kafkascope_demo.demoerror import DemoError
from kafkascope_demo.kubernetes import command as kubernetes
from kafkascope_demo.loadreport import command as load_report
from kafkascope_demo.otlpreceiver import command as otlp_receiver
from kafkascope_demo.producer import command as producer
from kafkascope_demo.scenarios import command as scenario
from kafkascope_demo.verify import command as verify

_INTERRUPTED: Final = 130
_OF_THE_LOCAL_DEMO: Final = ("cryptography", "jgo", "psutil", "supervisor")
"""Packages of the extra ``local``; an image has no use for them."""

_DESCRIPTION: Final = """\
See Kafkascope work on this machine, without Docker and without a system Java: real Kafka brokers,
the exporter, a producer and consumers that are traced, load, a trace page, fault scenarios, and a
verifier. Or Kafka alone, to develop against and to break.
"""

_EXAMPLES: Final = """\
examples:
  kafkascope-demo run
      all of it, and a live view, until Ctrl-C
  kafkascope-demo run --for=120
      the same for two minutes, then the verifier; exit code 0 when all passed
  kafkascope-demo up
      all of it in the background; kafkascope-demo down ends it
  kafkascope-demo kafka up
      three brokers alone, on 127.0.0.1:9092 to 9094
  kafkascope-demo kafka --help
      what else can be done with them
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        argv: The arguments; those of the process when None.
    """
    parser = argparse.ArgumentParser(
        prog="kafkascope-demo",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    below = parser.add_subparsers(metavar="COMMAND", required=True)
    if all(find_spec(name) for name in _OF_THE_LOCAL_DEMO):
        _register_local(below)
    kubernetes.register(below)
    verify.register(below)
    scenario.register(below)
    load_report.register(below)
    producer.register(below)
    consumer.register(below)
    otlp_receiver.register(below)
    kafkasetup.register(below)
    audit.register(below)
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except DemoError as error:
        print(f"kafkascope-demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return code


def _register_local(below: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from kafkascope_demo import run  # noqa: PLC0415 - where its packages are
    from kafkascope_demo.localkafka import commands  # noqa: PLC0415 - the same
    from kafkascope_demo.stack import commands as stack  # noqa: PLC0415 - the same

    commands.register(below)
    run.register(below)
    stack.register(below)


if __name__ == "__main__":
    sys.exit(main())
