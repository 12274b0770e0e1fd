"""Options that say which running demo a command is about: one here, one in Kubernetes, or any."""

import argparse
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kafkascope_demo.addresses import Addresses, Parts, TraceBackend
from kafkascope_demo.kafkaproperties import read_properties

AUTHORIZATION: Final = "KAFKASCOPE_TRACES_AUTHORIZATION"
DIRECTORY: Final = Path(".kafkascope") / "demo"
_LET_IN_S: Final = 10.0
_NEEDED: Final = ("producer", "consumer", "exporter", "bootstrap_servers", "traces_url")
_BESIDES: Final = ("prometheus", "locust", "kafka_properties", "kubernetes", "bridge")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a command's parser."""
    parser.add_argument(
        "--directory",
        type=Path,
        default=DIRECTORY,
        help="directory of the local demo (default: %(default)s)",
    )
    group = parser.add_argument_group("a demo that is not local")
    group.add_argument("--producer", metavar="URL")
    group.add_argument(
        "--consumer",
        metavar="URL",
        action="append",
        help="once for each; a name with several addresses stands for all of them",
    )
    group.add_argument("--exporter", metavar="URL")
    group.add_argument("--bootstrap-servers", metavar="HOST:PORT,…")
    group.add_argument(
        "--kafka-properties", type=Path, metavar="FILE", help="librdkafka properties: TLS, SASL"
    )
    group.add_argument(
        "--traces", choices=("receiver", "jaeger", "openobserve"), default="receiver"
    )
    group.add_argument("--traces-url", metavar="URL", help="of the trace backend's query API")
    group.add_argument("--prometheus", metavar="URL")
    group.add_argument(
        "--rules", choices=("default", "test"), help="values of the alert rules of its Prometheus"
    )
    group.add_argument("--locust", metavar="URL")
    group.add_argument("--bridge", metavar="URL", help="Strimzi's Kafka Bridge")
    group.add_argument("--topic", default="ochacafe-event")
    group.add_argument("--group", default="ochacafe-group")
    group.add_argument("--dead-letter-topic", default="ochacafe-event.dead-letter")
    group.add_argument(
        "--kubernetes",
        metavar="RELEASE",
        help="in a pod of this release: its parts can be stopped and started",
    )
    group.add_argument(
        "--namespace",
        action="append",
        metavar="NAME",
        help="of the release's parts, once for each (default: the pod's own)",
    )


def addresses(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> Addresses:
    """Give the addresses on the command line, or those of the local demo when there are none.

    Raises:
        DemoError: No demo runs in the directory.
        SystemExit: The options do not go together.
    """
    given = [name for name in _NEEDED if getattr(arguments, name)]
    besides = [name for name in _BESIDES if getattr(arguments, name)]
    if besides and not given:
        parser.error(f"--{besides[0].replace('_', '-')} is of a demo that is not local")
    if not given:
        return _local(arguments.directory).addresses()
    missing = [f"--{name.replace('_', '-')}" for name in _NEEDED if name not in given]
    if missing:
        parser.error(f"a demo that is not local needs {', '.join(missing)} too")
    if arguments.kubernetes:
        _wait_to_be_let_in(arguments.producer)
    return Addresses(
        bootstrap_servers=arguments.bootstrap_servers,
        exporter=arguments.exporter.rstrip("/"),
        producer=arguments.producer.rstrip("/"),
        consumers=tuple(one for url in arguments.consumer for one in each_address(url)),
        locust=arguments.locust and arguments.locust.rstrip("/"),
        prometheus=arguments.prometheus and arguments.prometheus.rstrip("/"),
        traces=TraceBackend(
            arguments.traces, arguments.traces_url.rstrip("/"), os.environ.get(AUTHORIZATION)
        ),
        topic=arguments.topic,
        group=arguments.group,
        dead_letter_topic=arguments.dead_letter_topic,
        rules=arguments.rules,
        bridge=arguments.bridge and arguments.bridge.rstrip("/"),
        kafka_properties=_properties(arguments, parser),
    )


def parts(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> Parts:
    """Give the parts of a demo whose parts can be stopped and started.

    Raises:
        DemoError: No demo runs there.
        SystemExit: The options do not go together, or name a demo that cannot be touched.
    """
    if arguments.kubernetes:
        # Outside a pod nobody needs it.
        from kafkascope_demo.kubernetes.parts import KubernetesParts  # noqa: PLC0415

        found = addresses(arguments, parser)
        urls = tuple(arguments.consumer)

        def now() -> Addresses:
            return replace(found, consumers=tuple(one for url in urls for one in each_address(url)))

        return KubernetesParts.in_pod(arguments.kubernetes, arguments.namespace or [], now)
    if any(getattr(arguments, name) for name in _NEEDED):
        parser.error(
            f"{parser.prog} stops and starts parts: it takes a local demo, or --kubernetes RELEASE"
        )
    return _local(arguments.directory)


def each_address(url: str) -> Iterator[str]:
    """Give a URL once for each address of its host: a headless Service names every pod.

    Args:
        url: With a host's name or address.
    """
    split = urlsplit(url)
    host = split.hostname or ""
    try:
        found = socket.getaddrinfo(host, split.port, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        found = []
    hosts = sorted({str(address[0]) for *_, address in found})
    if len(hosts) <= 1:
        yield url.rstrip("/")
        return
    for one in hosts:
        netloc = one if split.port is None else f"{one}:{split.port}"
        yield split._replace(netloc=netloc).geturl().rstrip("/")


def _wait_to_be_let_in(url: str) -> None:
    """Wait until a part can be connected to: a network lets a new pod in some seconds later.

    What does not answer in time is for the command itself to find.
    """
    split = urlsplit(url)
    ends_at = time.monotonic() + _LET_IN_S
    while time.monotonic() < ends_at:
        try:
            socket.create_connection((split.hostname or "", split.port or 80), 2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return


def _local(directory: Path) -> Parts:
    # What the local demo is made of is not in the image.
    from kafkascope_demo.stack.local import LocalParts  # noqa: PLC0415

    return LocalParts(directory)


def _properties(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> dict[str, str]:
    path: Path | None = arguments.kafka_properties
    try:
        return {} if path is None else read_properties(path)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        return parser.error(f"--kafka-properties {path}: {why}")
