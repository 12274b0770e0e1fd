"""The command ``kafkascope-exporter``: puts the parts together."""

import gc
import logging
import os
import sys
from importlib.metadata import version

from confluent_kafka.admin import AdminClient

from kafkascope_exporter import cli, logs, server
from kafkascope_exporter.collection import ClusterCollection
from kafkascope_exporter.config import Settings
from kafkascope_exporter.exposition import Renderer
from kafkascope_exporter.kafka.clients import (
    access_notices,
    check_access,
    kafka_python_configs,
    librdkafka_properties,
)
from kafkascope_exporter.kafka.members import MembersReader
from kafkascope_exporter.kafka.wire import Wire
from kafkascope_exporter.metrics.rendering import Rendering
from kafkascope_exporter.metrics.self import SelfMetrics
from kafkascope_exporter.schedule import Collector
from kafkascope_exporter.web import Pages

log = logging.getLogger(__name__)

_VERSION = version("kafkascope-exporter")
_STOP_WITHIN = 2.0


def main() -> int:
    """Run the exporter until a signal ends it; return the exit code."""
    try:
        invocation = cli.parse(sys.argv[1:], os.environ)
        _check_access(invocation.settings)
        if invocation.check_only:
            sys.stdout.write("configuration is valid\n")
            return 0
        logs.set_up(invocation.settings.log.level, invocation.settings.log.format)
        for notice in invocation.notices:
            log.warning("%s", notice)
        run(invocation.settings)
    except (cli.ConfigError, server.ServerError) as error:
        for problem in str(error).splitlines():
            sys.stderr.write(f"kafkascope-exporter: {problem}\n")
        return 1
    return 0


def _check_access(settings: Settings) -> None:
    problems = [problem for cluster in settings.clusters for problem in check_access(cluster)]
    if problems:
        raise cli.ConfigError(tuple(problems))


def run(settings: Settings) -> None:
    """Collect and serve until a signal ends it.

    Raises:
        ServerError: the listener cannot be set up.
    """
    (cluster,) = settings.clusters
    collect = settings.collect
    sockets = server.listen(settings.web)
    _tune()
    for notice in access_notices(cluster):
        log.warning("%s", notice)
    log.info("kafkascope-exporter %s for %s", _VERSION, ",".join(cluster.servers))
    own = SelfMetrics(_VERSION)
    collection = ClusterCollection(
        cluster,
        collect,
        connect=lambda: Wire(kafka_python_configs(cluster, collect.deadline)),
        members=lambda wire: MembersReader(
            wire,
            lambda: AdminClient(librdkafka_properties(cluster, collect.deadline)),
            assignments=not cluster.show_all_offsets,
        ),
    )
    renderer = Renderer(Rendering.of(cluster, settings.metrics))
    collector = Collector(collection, collect, renderer.render, own.record)
    pages = Pages(
        collector,
        own,
        telemetry_path=settings.web.telemetry_path,
        on_scrape=collect.on_scrape,
        version=_VERSION,
    )
    collector.start()
    try:
        server.serve(pages.application(), settings.web, sockets)
    finally:
        collector.stop(_STOP_WITHIN)


def _tune() -> None:
    """Keep scrapes quick beside a cycle, and cycles cheap (docs/adr/0003)."""
    sys.setswitchinterval(0.0005)
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


if __name__ == "__main__":
    sys.exit(main())
