"""Locust's `/metrics`: users, stage, requests, failures, and how long requests took."""

import logging
from collections.abc import Iterable, Iterator

from gevent.pywsgi import WSGIServer
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner
from locust.stats import StatsEntry
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from kafkascope_demo.exposition import metrics_page
from kafkascope_demo.load.durations import buckets
from kafkascope_demo.load.shape import StagesShape

_logger = logging.getLogger(__name__)


class LoadCollector(Collector):
    """Renders what Locust has counted since the test began (a new test begins at 0).

    Args:
        environment: Locust's.
        shape: The stages.
    """

    def __init__(self, environment: Environment, shape: StagesShape) -> None:
        self._environment = environment
        self._shape = shape

    def collect(self) -> Iterator[Metric]:
        """Give all metrics."""
        runner = self._environment.runner
        users = GaugeMetricFamily("locust_users", "Users that there are.")
        users.add_metric([], runner.user_count if runner else 0)
        yield users
        moment = self._shape.moment() if runner and runner.shape_greenlet else None
        stage = GaugeMetricFamily(
            "locust_stage", "Number of the stage that runs, from 1; 0 for none."
        )
        stage.add_metric([], moment.stage if moment else 0)
        yield stage
        if isinstance(runner, MasterRunner):
            workers = GaugeMetricFamily("locust_workers", "Workers that there are.")
            workers.add_metric([], runner.worker_count)
            yield workers
        yield from _requests(list(self._environment.stats.entries.values()))


def _requests(entries: Iterable[StatsEntry]) -> Iterator[Metric]:
    labels = ["method", "name"]
    requests = CounterMetricFamily("locust_requests", "Requests, failed ones too.", labels=labels)
    failures = CounterMetricFamily("locust_failures", "Requests that failed.", labels=labels)
    durations = HistogramMetricFamily(
        "locust_request_duration_seconds",
        "From a request to its answer; Locust rounds to two digits above 100 ms.",
        labels=labels,
    )
    for entry in entries:
        values = [str(entry.method), str(entry.name)]
        requests.add_metric(values, entry.num_requests)
        failures.add_metric(values, entry.num_failures)
        durations.add_metric(
            values,
            buckets=buckets(entry.response_times),
            sum_value=entry.total_response_time / 1000,
        )
    yield requests
    yield failures
    yield durations


def serve(environment: Environment, shape: StagesShape) -> None:
    """Serve ``/metrics``: on Locust's web page's port, which without the page is this page's alone.

    Workers serve none: the master has their numbers.
    """
    if isinstance(environment.runner, WorkerRunner):
        return
    registry = CollectorRegistry()
    registry.register(LoadCollector(environment, shape))
    page = environment.web_ui.app if environment.web_ui else None
    if page is not None:
        page.register_blueprint(metrics_page(registry), name="load_metrics")
        return
    options = environment.parsed_options
    address = (options.web_host or "0.0.0.0", options.web_port) if options else ("", 8089)  # noqa: S104 - as Locust's page
    server = WSGIServer(address, make_wsgi_app(registry), log=None)
    try:
        server.start()
    except OSError as error:
        _logger.warning(
            "/metrics is not served: port %s: %s; --web-port takes another",
            address[1],
            error.strerror,
        )
