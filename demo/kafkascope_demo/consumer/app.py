"""The consumer's HTTP application."""

from collections.abc import Callable
from typing import Final

from flask import Flask, Response, jsonify
from prometheus_client import CollectorRegistry

from kafkascope_demo.consumer.fault import ProcessingFault, read_fault, show_fault
from kafkascope_demo.consumer.progress import State
from kafkascope_demo.exposition import metrics_page
from kafkascope_demo.faults import FaultSwitch, fault_control
from kafkascope_demo.health import health

_STUCK: Final = "stuck: there are records to read, and none was finished for too long"


def make_app(
    state: Callable[[], State],
    kafka_problem: Callable[[], str | None],
    assigned: Callable[[], frozenset[tuple[str, int]]],
    registry: CollectorRegistry,
    fault: FaultSwitch[ProcessingFault] | None = None,
) -> Flask:
    """Make the application.

    Args:
        state: How the consumer is.
        kafka_problem: Why Kafka does not answer; None when it does.
        assigned: Topic and number of the assigned partitions.
        registry: What ``/metrics`` exposes.
        fault: The fault that is switched on; None where faults cannot be.
    """
    app = Flask("kafkascope_demo.consumer")
    app.register_blueprint(metrics_page(registry))
    if fault is not None:
        app.register_blueprint(fault_control(fault, read_fault, show_fault))

    @app.get("/health")
    @app.get("/healthz")
    def get_health() -> tuple[Response, int]:
        found = state()
        if found.name == "starting":
            problem: str | None = "starting: the topics are not there yet"
        else:
            problem = _STUCK if found.name == "stuck" else kafka_problem()
        told = {
            "state": found.name,
            "behind": found.behind,
            "seconds_since_progress": round(found.since_progress_s, 3),
        }
        return health("consumer", problem, told)

    @app.get("/assignment")
    def get_assignment() -> Response:
        partitions = [{"topic": topic, "partition": number} for topic, number in sorted(assigned())]
        return jsonify(partitions=partitions)

    return app
