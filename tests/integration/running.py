"""The exporter as a process of its own, for tests of what its users see."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from kafkascope_demo.exporterprocess import ExporterProcess, free_port
from tests.waiting import wait_until

Series = dict[tuple[tuple[str, str], ...], float]


@contextmanager
def running_exporter(
    bootstrap_servers: str, directory: Path, flags: Sequence[str] = ()
) -> Iterator[ExporterProcess]:
    """Run the exporter with a collect interval of a second, and wait until it answers.

    Args:
        bootstrap_servers: the cluster's brokers, comma-separated.
        directory: where its log goes.
        flags: more flags.
    """
    arguments = ["--collect.interval=1s", *flags]
    exporter = ExporterProcess(
        bootstrap_servers, directory / "exporter.log", arguments, port=free_port()
    )
    exporter.start()
    try:
        wait_until(lambda: exporter.scrape() is not None, 30, "the exporter's first page")
        yield exporter
    finally:
        exporter.stop()


def series(page: str, name: str, **labels: str) -> Series:
    """Pick the samples ``name`` whose labels include ``labels`` from a page in text format."""
    wanted = labels.items()
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name and wanted <= sample.labels.items()
    }
