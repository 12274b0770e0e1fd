"""Runs the consumer service from its start to its end."""

import logging
import os
import threading
from typing import Final

from prometheus_client import REGISTRY

from kafkascope_demo import telemetry
from kafkascope_demo.consumer.app import make_app
from kafkascope_demo.consumer.backlog import Backlog
from kafkascope_demo.consumer.deadletters import KafkaDeadLetters
from kafkascope_demo.consumer.fault import ProcessingFault
from kafkascope_demo.consumer.handling import EventHandler
from kafkascope_demo.consumer.metrics import ConsumerMetrics
from kafkascope_demo.consumer.progress import Progress
from kafkascope_demo.consumer.reading import FatalError, Reader
from kafkascope_demo.consumer.settings import ConsumerSettings
from kafkascope_demo.eventtopics import EventTopics
from kafkascope_demo.faults import FaultSwitch
from kafkascope_demo.httpserver import HttpServer
from kafkascope_demo.logs import start_logging
from kafkascope_demo.services import stop_on_signals

_log = logging.getLogger(__name__)

_HTTP_THREADS: Final = 4
_WAIT_S: Final = 0.2
_DRAIN_S: Final = 2.0


def run() -> int:
    """Read until SIGTERM or SIGINT; return the exit code.

    Raises:
        SettingError: A setting is not what it can be.
    """
    settings = ConsumerSettings.read(os.environ)
    with telemetry.running(settings.tracing, "consumer"), stop_on_signals() as stopping:
        start_logging()
        return _serve(settings, stopping)


def _serve(settings: ConsumerSettings, stopping: threading.Event) -> int:
    fault = FaultSwitch[ProcessingFault]()
    metrics = ConsumerMetrics(REGISTRY)
    progress = Progress(settings.stuck_after_s)
    clients = telemetry.make_clients(settings.tracing)
    dead_letters = KafkaDeadLetters(clients.producer, settings)
    handler = EventHandler(dead_letters, metrics, lambda: fault.fault, stopping.wait)
    reader = Reader(
        clients.consumer,
        settings,
        clients.handler(handler.handle),
        progress,
        metrics,
        lambda: _is_stuck(fault),
        stopping,
    )
    backlog = Backlog(settings, reader.done, progress)
    app = make_app(
        progress.state,
        backlog.problem,
        lambda: reader.assigned,
        REGISTRY,
        fault if settings.faults else None,
    )
    telemetry.trace_requests(settings.tracing, app)
    try:
        server = HttpServer(app, settings.host, settings.port, _HTTP_THREADS)
    except OSError as error:
        _log.critical("cannot listen on %s:%d: %s", settings.host, settings.port, error.strerror)
        return 1
    server.start()
    backlog.start()
    _log.info("listening on %s:%d, group %s", settings.host, server.port, settings.group)
    code = _read(reader, EventTopics(settings.kafka, _topics(settings), settings.shape), stopping)
    server.close(_DRAIN_S)
    backlog.close()
    _log.info("stopped")
    return code


def _read(reader: Reader, topics: EventTopics, stopping: threading.Event) -> int:
    """Read, once the topics are there; return the exit code."""
    topics.start()
    while not stopping.is_set() and not topics.wait(_WAIT_S):
        pass
    topics.close()
    try:
        reader.run()
    except FatalError as error:
        _log.critical("Kafka's client has failed for good: %s", error)
        return 1
    return 0


def _topics(settings: ConsumerSettings) -> list[str]:
    return [settings.topic, settings.dead_letter_topic]


def _is_stuck(fault: FaultSwitch[ProcessingFault]) -> bool:
    found = fault.fault
    return found is not None and found.processing == "stuck"
