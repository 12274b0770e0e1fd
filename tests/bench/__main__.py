"""Measure what a collection costs on a seeded local cluster, and what scrapes cost meanwhile.

`make bench` starts three brokers of Kafka, fills them, runs our exporter and those of its peers
that are on PATH (kafka_exporter, kminion) one after the other, and prints the tables of
docs/performance.md.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from rich.console import Console

from kafkascope_demo.localkafka import ClusterSpec, LocalKafka, LocalKafkaError
from tests.bench import limits, tables
from tests.bench.exporters import BenchError, ours, peers, running
from tests.bench.measuring import Brokers, Plan, measure_ours, measure_peer
from tests.bench.processes import listening
from tests.bench.results import ClusterMeasured, Machine, Measured, Results
from tests.bench.seeding import Size, seed

_BROKERS = 3
_DEFAULT_SIZE = "10000/1000/1000"
_HEAP = "1g"
# Index files are mapped at their full size; messages of the bench need next to nothing of it.
_PROPERTIES = {"log.index.size.max.bytes": "65536", "offsets.topic.num.partitions": "50"}
# What stops a run with one line; an AssertionError is a commit that was not taken in time.
_FAILURES = (BenchError, LocalKafkaError, KafkaException, OSError, ValueError, AssertionError)

Say = Callable[[str], None]


def main() -> int:
    """Run the bench; 1 when it cannot."""
    arguments = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 200)
    console_say = Console(stderr=True)

    def say(text: str) -> None:
        console_say.print(f"[dim]{time.strftime('%X')} {text}", highlight=False, soft_wrap=True)

    try:
        if arguments.markdown:
            tables.MARKS.check(arguments.markdown, "--markdown")
        if arguments.json:
            _check_parent(arguments.json, "--json")
        results = _run(arguments, say)
    except _FAILURES as error:
        console_say.print(f"bench: {error}", style="red", highlight=False, soft_wrap=True)
        return 1
    tables.draw(results, console)
    if arguments.json:
        arguments.json.write_text(json.dumps(dataclasses.asdict(results), indent=1) + "\n")
    if arguments.markdown:
        tables.write_markdown(results, arguments.markdown)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    add = parser.add_argument
    add(
        "--size",
        type=Size.parse,
        action="append",
        metavar="PARTITIONS/TOPICS/GROUPS",
        help=f"how big the cluster is; give it again for another one (default: {_DEFAULT_SIZE})",
    )
    add("--cycles", type=int, default=20, help="collections to measure (default: 20)")
    add("--warm-up", type=int, default=5, help="collections before those (default: 5)")
    add("--interval", type=float, default=5, help="seconds between collections (default: 5)")
    add(
        "--idle-seconds",
        type=float,
        default=5,
        help="measure the idle brokers for so long, until it tells the same twice (default: 5)",
    )
    add(
        "--peer-seconds",
        type=float,
        default=120,
        help="stop measuring a peer after so long (default: 120)",
    )
    add("--bootstrap-servers", help="measure on this cluster of this machine, instead of a new one")
    add("--no-seed", action="store_true", help="take that cluster as it is; --size tells how it is")
    add("--directory", type=Path, help="where the new cluster lives (default: a temporary one)")
    add("--keep", action="store_true", help="leave the new cluster running")
    add("--json", type=Path, metavar="FILE", help="write all numbers there too")
    add(
        "--markdown",
        type=Path,
        metavar="FILE",
        help="put the tables into this file, between its two marks (docs/performance.md)",
    )
    arguments = parser.parse_args()
    arguments.size = arguments.size or [Size.parse(_DEFAULT_SIZE)]
    if arguments.no_seed and not arguments.bootstrap_servers:
        parser.error("--no-seed needs --bootstrap-servers")
    if arguments.bootstrap_servers and len(arguments.size) > 1:
        parser.error("--bootstrap-servers goes with one --size")
    if arguments.keep and (not arguments.directory or len(arguments.size) > 1):
        parser.error("--keep needs --directory, and one --size")
    return arguments


def _check_parent(file: Path, flag: str) -> None:
    """Make sure before a long run that ``file`` can be made after it."""
    if file.is_dir() or not file.parent.is_dir():
        what = "is a directory" if file.is_dir() else f"there is no directory {file.parent}"
        raise BenchError(f"{flag} {file}: {what}; name a file in a directory that exists")


def _run(arguments: argparse.Namespace, say: Say) -> Results:
    allowed = limits.raise_limits()
    if not arguments.bootstrap_servers:
        for size in arguments.size:
            short = list(limits.shortages(limits.need(size.replicas, _BROKERS), allowed))
            if short:
                raise BenchError(f"{size.partitions:,} partitions do not fit: {'; '.join(short)}")
    clusters = []
    for size in arguments.size:
        with _cluster(arguments, size, say) as properties:
            clusters.append(_measure(arguments, size, properties, say))
    return Results(
        command=f'make bench ARGS="{shlex.join(sys.argv[1:])}"' if sys.argv[1:] else "make bench",
        machine=_machine(),
        kafka=_kafka(arguments),
        interval_s=arguments.interval,
        absent=peers("")[1],
        clusters=clusters,
    )


@contextlib.contextmanager
def _cluster(arguments: argparse.Namespace, size: Size, say: Say) -> Iterator[dict[str, str]]:
    """Give the librdkafka properties to connect to a seeded cluster with."""
    if arguments.bootstrap_servers:
        properties = {"bootstrap.servers": arguments.bootstrap_servers}
        if not arguments.no_seed:
            seed(properties, size, _progress(say))
        yield properties
        return
    with contextlib.ExitStack() as stack:
        directory = arguments.directory or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="kafkascope-bench-"))
        )
        kafka = LocalKafka(directory / "kafka")
        if not arguments.keep:
            stack.callback(kafka.down)
        spec = ClusterSpec(nodes=_BROKERS, heap=_HEAP, properties=_PROPERTIES)
        kafka.up(spec, _progress(say))
        seed(kafka.client_properties(), size, _progress(say))
        yield kafka.client_properties()
        if arguments.keep:
            say(
                f"kept: --no-seed --bootstrap-servers={kafka.bootstrap_servers}; end it with:"
                f" .venv/bin/kafkascope-demo kafka down --directory {kafka.directory}"
            )


def _kafka(arguments: argparse.Namespace) -> str:
    if arguments.bootstrap_servers:
        return "a Kafka that was there"
    return f"Kafka {ClusterSpec().version}, {_BROKERS} brokers of heap {_HEAP}, RF 1"


def _progress(say: Say) -> Callable[[str, int, int], None]:
    return lambda what, done, total: say(f"{what} {done}/{total}" if total else what)


def _measure(
    arguments: argparse.Namespace, size: Size, properties: dict[str, str], say: Say
) -> ClusterMeasured:
    servers = properties["bootstrap.servers"]
    metadata = AdminClient({**properties}).list_topics(timeout=60)
    pids = listening([b.port for b in metadata.brokers.values()])
    brokers = Brokers.observe(pids, arguments.idle_seconds, say)
    plan = Plan(arguments.cycles, arguments.warm_up, arguments.interval)
    measured: list[Measured] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kafkascope-bench-logs-") as logs:
        exporter = ours(servers, arguments.interval)
        with running(exporter, Path(logs) / f"{exporter.name}.log") as process:
            measured.append(measure_ours(exporter, process, brokers, plan, say))
            page = process.page()
        for peer in peers(servers)[0]:
            try:
                with running(peer, Path(logs) / f"{peer.name}.log") as process:
                    measured.append(
                        measure_peer(peer, process, brokers, plan, arguments.peer_seconds, say)
                    )
            except BenchError as error:  # ours was measured, and stays
                failed.append(str(error))
    commits = page.count("\nkafka_consumergroup_current_offset{")
    return ClusterMeasured(size, commits, brokers.idle_cpu, measured, failed)


def _machine() -> Machine:
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
