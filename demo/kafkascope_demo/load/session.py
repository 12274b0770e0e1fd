"""Joins Locust with the load's options, stages, thresholds and metrics, by Locust's events."""

import argparse
import os
from typing import Any, Final

from locust import User, events
from locust.env import Environment
from locust.runners import WorkerRunner

from kafkascope_demo.load import metrics
from kafkascope_demo.load.httpuser import HttpEventUser
from kafkascope_demo.load.kafkauser import close_client
from kafkascope_demo.load.options import DefaultStages, Thresholds, add_options
from kafkascope_demo.load.shape import StagesShape
from kafkascope_demo.load.thresholds import exit_code

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
    if options is None or isinstance(environment.runner, WorkerRunner):
        return
    if options.num_users is not None and isinstance(options.stages, DefaultStages):
        options.stages = "0"
    if not options.user_classes and not options.class_picker:
        environment.user_classes = list(USERS)
    shape = StagesShape(environment)
    shape.runner = environment.runner
    environment.shape_class = shape
    environment.available_shape_classes = {type(shape).__name__: shape}
    metrics.serve(environment, shape)


def _end(environment: Environment, **_: Any) -> None:  # noqa: ANN401 - Locust's own
    close_client()
    options = environment.parsed_options
    if options is None or isinstance(environment.runner, WorkerRunner):
        return
    code = exit_code(Thresholds.read(options), environment.stats.total)
    if code is not None:
        environment.process_exit_code = code
