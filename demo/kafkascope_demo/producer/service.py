"""Runs the producer service from its start to its end."""

import logging
import os
import threading
from typing import Final

from prometheus_client import REGISTRY

from kafkascope_demo import telemetry
from kafkascope_demo.eventtopics import EventTopics
from kafkascope_demo.faults import FaultSwitch
from kafkascope_demo.httpserver import HttpServer
from kafkascope_demo.logs import start_logging
from kafkascope_demo.producer.app import make_app
from kafkascope_demo.producer.metrics import ProducerMetrics
from kafkascope_demo.producer.publishing import KafkaPublisher
from kafkascope_demo.producer.settings import ProducerSettings
from kafkascope_demo.services import stop_on_signals

_log = logging.getLogger(__name__)

_DRAIN_S: Final = 10.0


def run() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code.

    Raises:
        SettingError: A setting is not what it can be.
    """
    settings = ProducerSettings.read(os.environ)
    with telemetry.running(settings.tracing, "producer"), stop_on_signals() as stopping:
        start_logging()
        return _serve(settings, stopping)


def _serve(settings: ProducerSettings, stopping: threading.Event) -> int:
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        stopping.set()

    scenario = FaultSwitch[str]()
    metrics = ProducerMetrics(REGISTRY, lambda: scenario.fault)
    topics = EventTopics(settings.kafka, [settings.topic], settings.shape)
    make = telemetry.make_clients(settings.tracing).producer
    publisher = KafkaPublisher(make, settings, topics.wait, fail, metrics.lose)
    app = make_app(
        publisher,
        metrics,
        REGISTRY,
        ack=settings.ack,
        scenario=scenario if settings.faults else None,
    )
    telemetry.trace_requests(settings.tracing, app)
    try:
        server = HttpServer(app, settings.host, settings.port, settings.threads)
    except OSError as error:
        _log.critical("cannot listen on %s:%d: %s", settings.host, settings.port, error.strerror)
        return 1
    topics.start()
    server.start()
    _log.info("listening on %s:%d, writing to %s", settings.host, server.port, settings.topic)
    stopping.wait()
    _log.info("stopping")
    topics.close()
    server.close(max(_DRAIN_S, settings.delivery_timeout_s))
    publisher.close()
    _log.info("stopped")
    return 1 if failed.is_set() else 0
