"""Joins Locust with the load's options, stages, thresholds and metrics, by Locust's events."""

import argparse
import logging
import os
import signal
import socket
import sys
from typing import Any, Final, NoReturn

import gevent
from locust import User, events
from locust.env import Environment
from locust.runners import WorkerRunner

from kafkascope_demo.load import metrics
from kafkascope_demo.load.httpuser import HttpEventUser
from kafkascope_demo.load.kafkauser import KafkaEventUser, close_client, shared_client
from kafkascope_demo.load.options import DefaultStages, Thresholds, add_options
from kafkascope_demo.load.shape import StagesShape
from kafkascope_demo.load.stages import parse_stages
from kafkascope_demo.load.thresholds import exit_code

_logger = logging.getLogger(__name__)

_BAD_SETTING: Final = 2
_LAST_ANSWERS_S: Final = 10.0
"""How long users that end wait for what they have asked: else events are stored and not counted."""
USERS: Final[tuple[type[User], ...]] = (HttpEventUser,)


def join() -> None:
    """Add what is ours to Locust; once in a process, from a locustfile.

    Locust sends OTLP over gRPC unless told otherwise, and gRPC and gevent do not go together.
    """
    os.environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    os.environ.setdefault("OTEL_PROPAGATORS", "tracecontext,baggage,b3")
    events.init_command_line_parser.add_listener(_add_options)
    events.init.add_listener(_begin)
    events.quitting.add_listener(_end)


def _add_options(parser: argparse.ArgumentParser, **_: Any) -> None:  # noqa: ANN401 - Locust's own
    add_options(parser)


def _begin(environment: Environment, **_: Any) -> None:  # noqa: ANN401 - Locust's own
    options = environment.parsed_options
    if not environment.stop_timeout:
        environment.stop_timeout = _LAST_ANSWERS_S
    if options is None:
        return
    if options.user_classes and not options.master:
        _connect(environment)
    if not isinstance(environment.runner, WorkerRunner):
        _lead(environment, options)


def _lead(environment: Environment, options: argparse.Namespace) -> None:
    """Set up what decides on users and serves the page: all but workers."""
    stages = parse_stages(options.stages)
    if options.num_users is not None and isinstance(options.stages, DefaultStages):
        stages, options.stages = (), "0"
    elif options.num_users is not None and stages:
        _logger.warning("--users is not used: the stages say how many there are")
    if not options.user_classes:
        environment.user_classes = list(USERS)
    shape = StagesShape(environment)
    shape.runner = environment.runner
    environment.available_shape_classes = {type(shape).__name__: shape}
    if stages or not options.headless:
        environment.shape_class = shape
    if stages and options.headless and environment.runner is not None:
        # Locust itself hears SIGTERM only once a test with stages is over.
        gevent.signal_handler(signal.SIGTERM, environment.runner.quit)
    _check_port(options)
    metrics.serve(environment, shape)


def _check_port(options: argparse.Namespace) -> None:
    """End with a clear error when Locust's page has no port: its own would be a traceback."""
    if options.headless:
        return
    try:
        with socket.create_server((options.web_host.strip("*"), options.web_port)):
            pass
    except OSError as error:
        _fail(
            f"the page has no port {options.web_port}: {error.strerror}; --web-port (PORT= of make "
            "load) takes another. The Locust of a demo that runs here has its page on 8089"
        )


def _connect(environment: Environment) -> None:
    """Make Kafka's client where there are users of it, so that bad settings end it at once."""
    if KafkaEventUser in environment.user_classes:
        try:
            shared_client()
        except Exception as error:  # noqa: BLE001 - of our settings, or librdkafka's of its own
            _fail(str(error))


def _fail(why: str) -> NoReturn:
    print(f"locustfile.py: {why}", file=sys.stderr)
    sys.exit(_BAD_SETTING)


def _end(environment: Environment, **_: Any) -> None:  # noqa: ANN401 - Locust's own
    if environment.runner is not None:
        environment.runner.stop()  # users get their last answers, which count
    close_client()
    options = environment.parsed_options
    if (
        options is None
        or environment.runner is None
        or isinstance(environment.runner, WorkerRunner)
    ):
        return
    crashed = len(environment.runner.exceptions)
    code = exit_code(Thresholds.read(options), environment.stats.total, crashed)
    if code is not None:
        environment.process_exit_code = code
