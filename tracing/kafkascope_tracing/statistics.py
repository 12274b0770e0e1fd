"""librdkafka's statistics as OpenTelemetry metrics, under the Java client's names.

``statistics_mapping`` is the table of them. A client's ``stats_cb`` does no more here than keep
the newest document; parsing waits until an SDK collects, in the SDK's thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count
from typing import Final
from weakref import WeakValueDictionary

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from kafkascope_tracing.meters import (
    AnnouncedCallback,
    PerProvider,
    open_meter,
    renew_after_fork,
)
from kafkascope_tracing.statistics_fields import Statistics, parse_statistics
from kafkascope_tracing.statistics_mapping import STATISTICS_METRICS, Role, StatisticsMetric

CLIENT_ID: Final = "client-id"
"""The attribute that every metric has, named as in Java's client."""

_DEFAULT_CLIENT_ID: Final = "rdkafka"

_logger = logging.getLogger(__name__)


class _Continuous:
    """Keeps a sum from falling when a broker or partition leaves the document.

    A backend would take the smaller sum for a restart, and count it all once more.
    """

    __slots__ = ("_lost", "_seen")

    def __init__(self) -> None:
        self._seen = 0.0
        self._lost = 0.0

    def carry_on(self, value: float) -> float:
        """Return ``value`` and what was lost before."""
        self._lost += max(0.0, self._seen - value)
        self._seen = value
        return value + self._lost


class StatisticsBridge:
    """The body of one client's ``stats_cb``.

    Its series end when it is closed, or nothing refers to it any more. It never raises.

    Args:
        bridges: The bridges of the same provider and role.
    """

    __slots__ = (
        "__weakref__",
        "_bridges",
        "_client_id",
        "_document",
        "_logged",
        "_observed",
        "_sums",
    )

    def __init__(self, bridges: _Bridges) -> None:
        self._bridges: _Bridges | None = bridges
        self._document: str | None = None
        self._client_id = ""
        self._logged = False
        self._observed: dict[str, list[Observation]] = {}
        self._sums: dict[tuple[str, tuple[str, ...]], _Continuous] = {}

    def __call__(self, document: str) -> None:
        """Take a statistics document as librdkafka gives it to ``stats_cb``."""
        bridges = self._bridges
        if bridges is not None and bridges.active:
            self._document = document

    def close(self) -> None:
        """End the client's series; documents that come later are ignored."""
        self._bridges = None
        self._document = None
        self._observed = {}

    def observed(
        self, metrics: Iterable[StatisticsMetric], choose_client_id: Callable[[Statistics], str]
    ) -> dict[str, list[Observation]]:
        """Return the points of the newest document by metric; parse it unless that is done.

        Args:
            metrics: What to read.
            choose_client_id: Names the client when its first document is here.
        """
        # Taken before the look at _bridges: a document that comes during close() is dropped.
        document, self._document = self._document, None
        if self._bridges is None:
            return {}
        if document is not None:
            try:
                statistics = parse_statistics(document)
                self._client_id = self._client_id or choose_client_id(statistics)
                self._observed = {
                    metric.name: list(self._observations(metric, statistics)) for metric in metrics
                }
            except Exception as error:  # noqa: BLE001 - a document must not stop the collection
                self._observed = {}
                if not self._logged:
                    self._logged = True
                    _logger.warning("Unreadable statistics of %r: %r", self._client_id, error)
        return self._observed

    @property
    def client_id(self) -> str:
        """The value of ``client-id``; empty before the first document."""
        return self._client_id

    def _observations(
        self, metric: StatisticsMetric, statistics: Statistics
    ) -> Iterator[Observation]:
        for attributes, value in metric.read(statistics):
            if value is None:
                continue
            if metric.is_counter:
                sums = self._sums.setdefault((metric.name, attributes), _Continuous())
                value = sums.carry_on(value)  # noqa: PLW2901 - the same figure, made continuous
            named = dict(zip(metric.attributes, attributes, strict=True))
            yield Observation(value, {CLIENT_ID: self._client_id, **named})


class _Bridges:
    """The living bridges of one meter provider and role, read by one set of instruments."""

    def __init__(self, role: Role) -> None:
        self.active = False
        self._metrics = STATISTICS_METRICS[role]
        self._lock = threading.RLock()
        self._numbers = count()
        self._living: WeakValueDictionary[int, StatisticsBridge] = WeakValueDictionary()
        renew_after_fork(self)

    def open(self) -> StatisticsBridge:
        """Return the bridge of one more client."""
        bridge = StatisticsBridge(self)
        with self._lock:
            self._living[next(self._numbers)] = bridge
        return bridge

    def activate(self) -> None:
        """Note that an SDK took the instruments."""
        self.active = True

    def observe(self, name: str, _options: CallbackOptions) -> list[Observation]:
        """Return the points of one metric, of every client."""
        with self._lock:
            return [
                observation
                for bridge in list(self._living.values())
                for observation in bridge.observed(self._metrics, self._choose_client_id).get(
                    name, ()
                )
            ]

    def after_fork_in_child(self) -> None:
        """Renew the lock, and leave the parent's clients to the parent."""
        self._lock = threading.RLock()
        self._living = WeakValueDictionary()

    def _choose_client_id(self, statistics: Statistics) -> str:
        """Choose the ``client.id``, or librdkafka's name of the client where that is ambiguous."""
        taken = {bridge.client_id for bridge in list(self._living.values())}
        if statistics.client_id in taken | {_DEFAULT_CLIENT_ID, ""}:
            return statistics.handle
        return statistics.client_id


def _make_bridges(role: Role, meter_provider: MeterProvider) -> _Bridges:
    meter = open_meter(meter_provider)
    bridges = _Bridges(role)
    for metric in STATISTICS_METRICS[role]:
        create = (
            meter.create_observable_counter if metric.is_counter else meter.create_observable_gauge
        )
        callback = partial(bridges.observe, metric.name)
        create(
            f"kafka.{role}.{metric.name}",
            callbacks=AnnouncedCallback(callback, bridges.activate),
            description=metric.description,
        )
    return bridges


_bridges: Final[dict[Role, PerProvider[_Bridges]]] = {
    "producer": PerProvider(partial(_make_bridges, "producer")),
    "consumer": PerProvider(partial(_make_bridges, "consumer")),
}


def statistics_bridge(meter_provider: MeterProvider | None, role: Role) -> StatisticsBridge:
    """Return what a new client's ``stats_cb`` shall call with each document.

    Clients of one provider share the instruments. Needs ``statistics.interval.ms`` in the
    client's configuration, without which librdkafka gives no statistics.

    Args:
        meter_provider: Where the metrics are made; ``None`` for the global provider, also when
            the application sets that one later.
        role: What the client is.

    Raises:
        Exception: Whatever the meter provider raises.
    """
    return _bridges[role].get(meter_provider).open()
