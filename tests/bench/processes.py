"""CPU time and memory of processes, and which process listens on a port."""

from collections.abc import Collection, Sequence

import psutil


class Meter:
    """Reads what some processes have used so far.

    Args:
        pids: the processes; all must be alive.
    """

    def __init__(self, pids: Collection[int]) -> None:
        self._processes = [psutil.Process(pid) for pid in pids]

    def cpu_seconds(self) -> float:
        """Give the CPU seconds, user and system, of all of them since they started."""
        times = [process.cpu_times() for process in self._processes]
        return sum(t.user + t.system for t in times)

    def resident_bytes(self) -> int:
        """Give the resident memory of all of them."""
        return sum(int(process.memory_info().rss) for process in self._processes)


def listening(ports: Sequence[int]) -> list[int]:
    """Find the processes on this machine that listen on ``ports``; empty unless each has one."""
    by_port = {
        connection.laddr.port: connection.pid
        for connection in psutil.net_connections(kind="tcp")
        if connection.laddr
        and connection.status == psutil.CONN_LISTEN
        and connection.pid is not None
    }
    found = [by_port[port] for port in ports if port in by_port]
    return found if len(found) == len(ports) else []
