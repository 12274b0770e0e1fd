"""The producer's HTTP application."""

import time
from collections.abc import Mapping
from typing import Any, Final

from flask import Flask, Response, jsonify, request
from prometheus_client import CollectorRegistry
from werkzeug.exceptions import RequestEntityTooLarge

from kafkascope_demo.events import NoEventError, read_json
from kafkascope_demo.exposition import metrics_page
from kafkascope_demo.faults import BadFaultError, FaultSwitch, fault_control
from kafkascope_demo.health import health
from kafkascope_demo.producer.metrics import Outcome, ProducerMetrics
from kafkascope_demo.producer.openapi import DOCUMENT
from kafkascope_demo.producer.publishing import (
    DeliveryFailedError,
    Publisher,
    QueueFullError,
    TooLargeError,
)
from kafkascope_demo.producer.settings import Ack

MAX_BODY_BYTES: Final = 64 * 1024
_QUEUE_DRAINS_S: Final = 1
_KAFKA_HEALS_S: Final = 5
_LONGEST_NAME: Final = 64


class _RefusedError(Exception):
    """A request that has an answer other than 200."""

    def __init__(
        self, outcome: Outcome, status: int, message: str, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome
        self.status = status
        self.retry_after_s = retry_after_s


def make_app(
    publisher: Publisher,
    metrics: ProducerMetrics,
    registry: CollectorRegistry,
    *,
    ack: Ack,
    scenario: FaultSwitch[str] | None = None,
) -> Flask:
    """Make the application.

    Args:
        publisher: Writes the events.
        metrics: Counts the requests.
        registry: What ``/metrics`` exposes.
        ack: What an answer of 200 means.
        scenario: The fault scenario that runs; None where faults cannot be switched on.
    """
    app = Flask("kafkascope_demo.producer")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.register_blueprint(metrics_page(registry))
    if scenario is not None:
        app.register_blueprint(
            fault_control(scenario, _read_scenario, lambda name: {"scenario": name})
        )

    @app.post("/kafka/produce")
    def produce() -> Response:
        begun = time.perf_counter()
        outcome: Outcome = "acked" if ack == "delivered" else "submitted"
        try:
            _publish(publisher)
            answer = jsonify(message="ack")
        except _RefusedError as refused:
            outcome, answer = refused.outcome, _refuse(refused)
        metrics.observe(outcome, time.perf_counter() - begun)
        return answer

    app.add_url_rule("/openapi", view_func=_get_openapi)

    @app.get("/health")
    @app.get("/healthz")
    def get_health() -> tuple[Response, int]:
        return health("kafka", publisher.problem(), {})

    return app


def _get_openapi() -> Response:
    return jsonify(DOCUMENT)


def _publish(publisher: Publisher) -> None:
    """Write the event of the current request.

    Raises:
        _RefusedError: It is not written.
    """
    if not request.is_json:
        raise _RefusedError(
            "unsupported_media_type", 415, "send the event as Content-Type: application/json"
        )
    try:
        publisher.publish(read_json(request.get_data()))
    except NoEventError as error:
        raise _RefusedError("invalid", 400, str(error)) from error
    except RequestEntityTooLarge as error:
        message = f"the request is larger than {MAX_BODY_BYTES} bytes"
        raise _RefusedError("too_large", 413, message) from error
    except TooLargeError as error:
        raise _RefusedError("too_large", 413, str(error)) from error
    except QueueFullError as error:
        raise _RefusedError("queue_full", 503, str(error), _QUEUE_DRAINS_S) from error
    except DeliveryFailedError as error:
        raise _RefusedError("delivery_failed", 503, str(error), _KAFKA_HEALS_S) from error


def _refuse(refused: _RefusedError) -> Response:
    answer = jsonify(message=str(refused))
    answer.status_code = refused.status
    if refused.retry_after_s is not None:
        answer.headers["Retry-After"] = str(refused.retry_after_s)
    return answer


def _read_scenario(body: Mapping[str, Any]) -> str:
    name = body.get("scenario")
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise BadFaultError(f"scenario is not a name of at most {_LONGEST_NAME} characters")
    return name
