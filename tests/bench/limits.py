"""Whether this machine's limits allow a broker to hold so many partitions.

A broker keeps one descriptor open per replica (its log) and maps two files of it (offset index and
time index). Both counts were taken from brokers of Kafka 4.3.1 that hold 3,400 and 16,700 replicas.
"""

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_DESCRIPTORS_PER_REPLICA = 1
_DESCRIPTORS_BESIDE = 300  # jars, sockets, the metadata log
_MAPS_PER_REPLICA = 2
_MAPS_BESIDE = 1000  # the Java runtime and its threads
_UNEVEN = 1.05  # Kafka spreads replicas about evenly, not evenly
_MAX_MAP_COUNT = Path("/proc/sys/vm/max_map_count")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may have: open descriptors, and memory maps (``None``: any number)."""

    descriptors: int
    memory_maps: int | None


@dataclass(frozen=True, slots=True)
class Need:
    """What the busiest broker of a cluster has to have open."""

    descriptors: int
    memory_maps: int


def need(replicas: int, brokers: int) -> Need:
    """Estimate what the busiest of ``brokers`` needs that share ``replicas``."""
    own = round(replicas / brokers * _UNEVEN)
    return Need(
        descriptors=own * _DESCRIPTORS_PER_REPLICA + _DESCRIPTORS_BESIDE,
        memory_maps=own * _MAPS_PER_REPLICA + _MAPS_BESIDE,
    )


def raise_limits() -> Limits:
    """Raise our soft limit of descriptors to the hard one, for the brokers we start, and tell it.

    Only Linux limits memory maps in a way that can be read.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    maps = int(_MAX_MAP_COUNT.read_text()) if _MAX_MAP_COUNT.exists() else None
    return Limits(hard, maps)


def shortages(needed: Need, limits: Limits) -> Iterator[str]:
    """Say which limits are too low, with the numbers and what raises them."""
    if limits.descriptors < needed.descriptors:
        yield (
            f"a broker needs {needed.descriptors:,} file descriptors, ulimit -Hn is"
            f" {limits.descriptors:,}: raise it in /etc/security/limits.conf, or bench less"
        )
    if limits.memory_maps is not None and limits.memory_maps < needed.memory_maps:
        yield (
            f"a broker needs {needed.memory_maps:,} memory maps, vm.max_map_count is"
            f" {limits.memory_maps:,}: raise it with sysctl -w vm.max_map_count, or bench less"
        )
