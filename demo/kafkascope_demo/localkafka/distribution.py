"""Kafka's jars: resolved from Maven coordinates once per version, then read from a list."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final, Protocol

from kafkascope_demo.localkafka.errors import LocalKafkaError

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much (0: unknown)."""

_AT_ONCE: Final = 8
_FIRST_ON_SCALA_2_13: Final = (2, 4)
# Java 11 dropped it, and Kafka's own packages do not name it.
_LAST_WITH_JAXB: Final = (1, 0)
_JAXB: Final = "javax.xml.bind:jaxb-api:2.3.1"
_LAST_LOG4J1: Final = (3, 9, 99)
_RELOAD4J_BINDING: Final = "org.slf4j:slf4j-reload4j:1.7.36"
_LOG4J2: Final = "2.24.3"
# Moved to another coordinate, which the resolver does not follow; ours above takes its place.
_MOVED: Final = frozenset({"slf4j-log4j12"})


class Artifact(Protocol):
    """What is used of ``jgo``'s artifacts."""

    @property
    def groupId(self) -> str:  # noqa: N802 - Maven's term
        """Who publishes it."""

    @property
    def artifactId(self) -> str:  # noqa: N802 - Maven's term
        """What it is."""

    @property
    def version(self) -> str:
        """Which one."""

    @property
    def filename(self) -> str:
        """Name of its file."""

    def resolve(self) -> Path:
        """Download it unless it is there, and tell where."""


@dataclasses.dataclass(frozen=True, slots=True)
class Distribution:
    """The jars of one Kafka version.

    Args:
        version: Kafka's version.
        broker: Class path of brokers (and of ZooKeeper, where there is one).
        tools: Class path of the command line tools.
    """

    version: str
    broker: tuple[Path, ...]
    tools: tuple[Path, ...]


def cache_directory() -> Path:
    """Where downloads are kept: ``$XDG_CACHE_HOME/kafkascope`` or ``~/.cache/kafkascope``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "kafkascope"


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file, waiting for the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def load(
    version: str,
    progress: Progress,
    resolve: Callable[[str, Progress], Distribution] | None = None,
) -> Distribution:
    """Find a version's jars: from the list of an earlier start, else by resolving and downloading.

    The list is believed while each jar is there in the size that it had.

    Args:
        version: Kafka's version, such as ``4.3.1``.
        progress: Told about downloads.
        resolve: What resolves and downloads; ``jgo`` when None.

    Raises:
        LocalKafkaError: No network, no such version, no space, or ``jgo`` is not installed.
    """
    listing = cache_directory() / f"kafka-{version}.json"
    if found := _read(listing, version):
        return found
    with exclusive(listing.with_suffix(".lock")):
        if found := _read(listing, version):
            return found
        distribution = (resolve or _resolve)(version, progress)
        _write(listing, distribution)
    return distribution


def _read(listing: Path, version: str) -> Distribution | None:
    try:
        content = json.loads(listing.read_text(encoding="utf-8"))
        broker, tools = (tuple(map(Path, content[part])) for part in ("broker", "tools"))
        whole = all(Path(jar).stat().st_size == size for jar, size in content["sizes"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Distribution(version, broker, tools) if whole else None


def _write(listing: Path, distribution: Distribution) -> None:
    jars = {*distribution.broker, *distribution.tools}
    content = {
        "broker": [str(jar) for jar in distribution.broker],
        "tools": [str(jar) for jar in distribution.tools],
        "sizes": {str(jar): jar.stat().st_size for jar in sorted(jars)},
    }
    temporary = listing.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    temporary.replace(listing)


def _resolve(version: str, progress: Progress) -> Distribution:
    what = f"Kafka {version}"
    progress(f"resolving the packages of {what}", 0, 0)
    with _download_errors(what):
        broker = _broker_artifacts(version)
        tools = _artifacts(f"org.apache.kafka:kafka-tools:{version}")
        logging = _artifacts(_logging_binding(version, broker))
        server = _distinct([*broker, *logging])
        everything = _distinct([*server, *tools])
        total = len(everything)
        jars = _fetch_all(everything, lambda done: progress(f"downloading {what}", done, total))
    return Distribution(
        version,
        tuple(jars[_key(artifact)] for artifact in server),
        tuple(jars[_key(artifact)] for artifact in everything),
    )


def _fetch_all(artifacts: Iterable[Artifact], fetched: Callable[[int], None]) -> dict[str, Path]:
    jars: dict[str, Path] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        downloads = {pool.submit(fetch, artifact): artifact for artifact in artifacts}
        try:
            for number, download in enumerate(as_completed(downloads)):
                fetched(number)
                jars[_key(downloads[download])] = download.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return jars


def _broker_artifacts(version: str) -> list[Artifact]:
    release = tuple(int(part) for part in version.split("."))
    scala = "2.13" if release >= _FIRST_ON_SCALA_2_13 else "2.12"
    broker = _artifacts(f"org.apache.kafka:kafka_{scala}:{version}")
    return [*broker, *_artifacts(_JAXB)] if release < _LAST_WITH_JAXB else broker


def _logging_binding(version: str, broker: Iterable[Artifact]) -> str:
    """Coordinate of what writes the log: Kafka's packages bring the interface only."""
    if tuple(int(part) for part in version.split(".")) <= _LAST_LOG4J1:
        return _RELOAD4J_BINDING
    found = [artifact.version for artifact in broker if artifact.artifactId == "log4j-core"]
    return f"org.apache.logging.log4j:log4j-slf4j-impl:{found[0] if found else _LOG4J2}"


def _artifacts(coordinate: str) -> list[Artifact]:
    try:
        import jgo  # noqa: PLC0415 - only a first start needs it, and it is an extra
    except ImportError as error:
        raise LocalKafkaError(
            "jgo is not installed, so Kafka cannot be downloaded: "
            "install kafkascope-demo with its extra [local]"
        ) from error
    found = jgo.resolve(coordinate)
    return [artifact for artifact in found if artifact.artifactId not in _MOVED]


def _key(artifact: Artifact) -> str:
    return f"{artifact.groupId}:{artifact.artifactId}"


def _distinct(artifacts: Iterable[Artifact]) -> list[Artifact]:
    """One artifact per coordinate, the first; in order, so that a class path stays a prefix."""
    first: dict[str, Artifact] = {}
    for artifact in artifacts:
        first.setdefault(_key(artifact), artifact)
    return list(first.values())


def fetch(artifact: Artifact) -> Path:
    """Download a jar unless it is there, again when an earlier download was interrupted.

    Raises:
        LocalKafkaError: It is damaged even so.
    """
    jar = Path(artifact.resolve())
    if not zipfile.is_zipfile(jar):
        jar.unlink()
        jar = Path(artifact.resolve())
    if not zipfile.is_zipfile(jar):
        raise LocalKafkaError(
            f"the download of {artifact.filename} is damaged; run the command again"
        )
    return jar


@contextlib.contextmanager
def _download_errors(what: str) -> Iterator[None]:
    """Turn a resolver's failure into one line that names no registry."""
    import requests  # noqa: PLC0415 - comes with jgo

    try:
        yield
    except LocalKafkaError:
        raise
    except (requests.ConnectionError, requests.Timeout) as error:
        raise LocalKafkaError(
            f"cannot download {what}: no network ({type(error).__name__}); "
            "the first start of a version needs it, later ones do not"
        ) from error
    except requests.RequestException as error:
        raise LocalKafkaError(f"cannot download {what}: {type(error).__name__}") from error
    except OSError as error:
        raise LocalKafkaError(
            f"cannot store {what}: {error.strerror} ({error.filename})"
        ) from error
    except (RuntimeError, ValueError) as error:
        raise LocalKafkaError(
            f"cannot find all packages of {what}: is there such a version?"
        ) from error
