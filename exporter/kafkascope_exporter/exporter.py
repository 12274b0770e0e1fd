"""The exporter as a whole: its parts put together, and run until a signal ends it."""

import logging
import sys

from kafkascope_exporter import server
from kafkascope_exporter.collection import ClusterCollection
from kafkascope_exporter.config import Cluster, Collect, Settings
from kafkascope_exporter.exposition import Renderer
from kafkascope_exporter.garbage import GarbageCollection
from kafkascope_exporter.kafka.clients import admin_client, kafka_python_configs
from kafkascope_exporter.kafka.members import MembersReader
from kafkascope_exporter.kafka.quorum import QuorumReader
from kafkascope_exporter.kafka.wire import Wire
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.metrics.self import SelfMetrics
from kafkascope_exporter.schedule import Collector
from kafkascope_exporter.web import Pages

log = logging.getLogger(__name__)

_STOP_WITHIN = 2.0
# Scrapes get the interpreter lock from a cycle after so long (docs/adr/0003).
_SWITCH_S = 0.0001


def collection_of(cluster: Cluster, collect: Collect) -> ClusterCollection:
    """Put together what collects from ``cluster``; nothing connects before its first cycle."""
    return ClusterCollection(
        cluster,
        collect,
        connect=lambda: Wire(kafka_python_configs(cluster, collect.deadline)),
        members=lambda wire: MembersReader(
            wire,
            lambda: admin_client(cluster, collect.deadline),
            assignments=not cluster.show_all_offsets,
        ),
        quorum=QuorumReader(lambda: Wire(kafka_python_configs(cluster, collect.deadline))),
    )


def run(settings: Settings, version: str) -> None:
    """Collect and serve until a signal ends it.

    Args:
        settings: validated, with one cluster.
        version: the exporter's own.

    Raises:
        ServerError: the listener cannot be set up.
    """
    (cluster,) = settings.clusters
    collect = settings.collect
    sockets = server.listen(settings.web)
    sys.setswitchinterval(_SWITCH_S)
    garbage = GarbageCollection()
    log.info("kafkascope-exporter %s for %s", version, ",".join(cluster.servers))
    own = SelfMetrics(version)
    collection = collection_of(cluster, collect)
    renderer = Renderer(Rendering.of(cluster, settings.metrics))
    collector = Collector(collection, collect, renderer.render, own.record, rest=garbage.when_due)
    pages = Pages(
        collector,
        own,
        telemetry_path=settings.web.telemetry_path,
        on_scrape=collect.on_scrape,
        version=version,
    )
    collector.start()
    try:
        server.serve(pages.application(), settings.web, sockets)
    finally:
        collector.stop(_STOP_WITHIN)
        log.info("stopped")
