"""The exporter in the place of the one inside Strimzi (``spec.kafkaExporter.image``).

The Cluster Operator starts ``/opt/kafka-exporter/kafka_exporter_run.sh`` with its settings in
variables, and mounts the cluster's certificate authorities and a client certificate. Source:
Strimzi's ``KafkaExporter`` model, 0.40 to 1.2.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from kafkascope_exporter.__main__ import main

_FOLDER: Final = Path("/etc/kafka-exporter")
_PORT: Final = 9404
_PREFIX: Final = "KAFKA_EXPORTER_"
_PATTERNS: Final = {
    "GROUP_REGEX": "group.filter",
    "GROUP_EXCLUDE_REGEX": "group.exclude",
    "TOPIC_REGEX": "topic.filter",
    "TOPIC_EXCLUDE_REGEX": "topic.exclude",
}
_LEVELS: Final = {"info": "0", "debug": "1", "trace": "2"}


class StrimziError(Exception):
    """What the operator gives cannot be used; the message names it."""


def arguments(
    environ: Mapping[str, str], folder: Path = _FOLDER, scratch: Path | None = None
) -> list[str]:
    """Give the exporter's arguments for what the operator set and mounted.

    Args:
        environ: with ``KAFKA_EXPORTER_KAFKA_SERVER``, ``…_GROUP_REGEX`` and so on.
        folder: with ``cluster-ca-certs/*.crt`` and ``kafka-exporter-certs/kafka-exporter.crt``
            and ``.key``.
        scratch: where the authorities are put together into one file; the system's folder for
            temporary files when ``None``.

    Raises:
        StrimziError: no server is named, or there are no authorities.
        OSError: a file cannot be read or written.
    """
    server = environ.get(f"{_PREFIX}KAFKA_SERVER")
    if not server:
        raise StrimziError(
            f"{_PREFIX}KAFKA_SERVER is not set: the operator names the brokers there"
        )
    client = folder / "kafka-exporter-certs"
    return [
        f"--kafka.server={server}",
        f"--web.listen-address=:{_PORT}",
        "--tls.enabled",
        f"--tls.ca-file={_authorities(folder / 'cluster-ca-certs', scratch)}",
        f"--tls.cert-file={client / 'kafka-exporter.crt'}",
        f"--tls.key-file={client / 'kafka-exporter.key'}",
        *_chosen(environ),
    ]


def _chosen(environ: Mapping[str, str]) -> Iterator[str]:
    for name, flag in _PATTERNS.items():
        if pattern := environ.get(_PREFIX + name):
            yield f"--{flag}={pattern}"
    show_all = environ.get(f"{_PREFIX}OFFSET_SHOW_ALL")
    if show_all:
        yield "--offset.show-all" if show_all == "true" else "--no-offset.show-all"
    level = environ.get(f"{_PREFIX}LOGGING")
    if level:
        yield f"--verbosity={_LEVELS.get(level, level)}"


def _authorities(folder: Path, scratch: Path | None) -> Path:
    """Put every authority of the cluster into one file: while one is replaced there are two."""
    found = sorted(folder.glob("*.crt"))
    if not found:
        raise StrimziError(f"{folder} holds no *.crt: the operator mounts the cluster's CA there")
    with tempfile.NamedTemporaryFile(
        "w", prefix="cluster-ca-", suffix=".crt", dir=scratch, delete=False
    ) as bundle:
        bundle.writelines(f"{one.read_text().rstrip()}\n" for one in found)
    return Path(bundle.name)


def run() -> int:
    """Run the exporter as the operator means it; return the exit code."""
    try:
        sys.argv[1:] = arguments(os.environ)
    except (StrimziError, OSError) as error:
        sys.stderr.write(f"kafkascope-exporter: {error}\n")
        return 1
    return main()
