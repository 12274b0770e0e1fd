"""Java's ahead-of-time cache of a started broker: later brokers start in a third of the time.

Java 25 and later can store the classes that a program has loaded and linked, and map them at the
next start (JEP 483, 514 and 515). One throw-away broker is started for that, once per version.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from pathlib import Path
from typing import Final

from kafkascope_demo.localkafka import configuration, node
from kafkascope_demo.localkafka.distribution import (
    Distribution,
    Progress,
    cache_directory,
    exclusive,
)
from kafkascope_demo.localkafka.errors import LocalKafkaError
from kafkascope_demo.localkafka.java import options_file
from kafkascope_demo.localkafka.readiness import brokers_seen
from kafkascope_demo.localkafka.spec import ClusterSpec
from kafkascope_demo.localkafka.state import ClusterState, address

_FIRST_JAVA: Final = 25
_START_S: Final = 60.0
_WRITE_S: Final = 90.0
_UNUSED_S: Final = 14 * 86_400


def quick_start_options(java: Path, distribution: Distribution, progress: Progress) -> list[str]:
    """Java options that use the cache, which is made first if need be.

    Args:
        java: The Java program.
        distribution: Kafka's jars.
        progress: Told that the cache is being made.

    Returns:
        No options where this Java has no such cache, or making it failed: then brokers start
        without it.
    """
    version = java_version(java)
    if version is None or version[0] < _FIRST_JAVA:
        return []
    cache = cache_directory() / f"kafka-{distribution.version}-{_key(java, distribution)}.aot"
    with exclusive(cache_directory() / "quickstart.lock"):
        if not cache.exists():
            progress(f"preparing quick starts of Kafka {distribution.version}, once", 0, 0)
            _remove_unused(cache_directory())
            _train(java, distribution, cache)
        cache.touch()
    # Where Java refuses the cache, it goes on without, and nobody needs to hear of it.
    return [f"-XX:AOTCache={cache}", "-Xlog:aot*=off:stderr"] if cache.stat().st_size else []


def java_version(java: Path) -> tuple[int, ...] | None:
    """Version of a Java program, from the file beside it; None when there is no such file."""
    try:
        release = (java.parent.parent / "release").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r'JAVA_VERSION="([\d.]+)', release)
    return tuple(map(int, found.group(1).split("."))) if found else None


def _key(java: Path, distribution: Distribution) -> str:
    """What Java compares before it uses a cache: its own modules and the class path."""
    modules = (java.parent.parent / "lib" / "modules").stat()
    jars = "\n".join(map(str, distribution.broker))
    text = f"{modules.st_size}\n{modules.st_mtime_ns}\n{jars}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _remove_unused(directory: Path) -> None:
    for cache in directory.glob("kafka-*.aot"):
        if time.time() - cache.stat().st_mtime > _UNUSED_S:
            cache.unlink()


def _train(java: Path, distribution: Distribution, cache: Path) -> None:
    """Start one broker, stop it, and keep what it leaves; an empty file when that fails."""
    with tempfile.TemporaryDirectory(prefix="kafkascope-", ignore_cleanup_errors=True) as name:
        made = Path(name) / "made.aot"
        try:
            _run_once(java, distribution, Path(name), made)
            made.replace(cache)
        except (LocalKafkaError, OSError):
            cache.touch()


def _run_once(java: Path, distribution: Distribution, directory: Path, output: Path) -> None:
    state = ClusterState.of(ClusterSpec(nodes=1, version=distribution.version))
    data = directory / "data"
    data.mkdir()
    logging, _ = configuration.logging_files(state.spec)
    (directory / "log4j.properties").write_text(logging, encoding="utf-8")
    properties = directory / "server.properties"
    properties.write_text(configuration.server_properties(state, 1, data, {}), encoding="utf-8")
    options = directory / "java.options"
    options.write_text(
        options_file(distribution.broker, directory / "log4j.properties", ()), encoding="utf-8"
    )
    runtime = node.Runtime(java, options)
    node.format_storage(runtime, properties, state.cluster_id, ())
    process = node.start(
        runtime, ["-Xmx256m", f"-XX:AOTCacheOutput={output}"], properties, directory / "broker.log"
    )
    try:
        ends_at = time.monotonic() + _START_S
        while process.state() == "running" and time.monotonic() < ends_at:
            if brokers_seen(address(state.ports[1]), {}):
                break
            time.sleep(0.2)
    finally:
        node.stop([process], _WRITE_S)
