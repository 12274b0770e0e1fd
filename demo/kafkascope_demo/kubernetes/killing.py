"""Deletes pods of a release at random."""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from kafkascope_demo.kubernetes.release import Release
from kafkascope_demo.kubernetes.tools import Tools

_SPARED: Final = frozenset({"verifier", "kafka-setup"})
_COMPONENT: Final = "app.kubernetes.io/component"
_BROKER: Final = "kafka"


@contextlib.contextmanager
def killing(
    tools: Tools, release: Release, every_s: float, for_s: float, tell: Callable[[str], None]
) -> Iterator[None]:
    """Delete a pod every now and then, until the time or the ``with`` is over.

    A broker is deleted only while all of them are ready: two at a time would be an outage, which
    acknowledgements by a majority do not outlive.

    Args:
        tools: For the cluster.
        release: Whose pods.
        every_s: Seconds from one to the next; 0 for none.
        for_s: Seconds after which no more are deleted.
        tell: Told each pod.
    """
    stopping = threading.Event()
    ends_at = time.monotonic() + for_s
    chosen = random.Random(0)  # noqa: S311 - the same order each time

    def kill() -> None:
        while not stopping.wait(every_s) and time.monotonic() < ends_at:
            pods = _pods(tools, release)
            if pods:
                namespace, name = chosen.choice(pods)
                tell(f"deleting pod {name}")
                tools.try_kubectl("delete", "pod", name, "-n", namespace, "--wait=false")

    thread = threading.Thread(target=kill, name="killing", daemon=True)
    if every_s > 0:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        if thread.is_alive():
            thread.join()


def _pods(tools: Tools, release: Release) -> list[tuple[str, str]]:
    """Give namespace and name of the pods that may be deleted now."""
    found = []
    brokers_ready = True
    for namespace in release.namespaces():
        for pod in tools.items("pods", namespace, release.selector):
            component = pod["metadata"]["labels"].get(_COMPONENT, "")
            leaving = "deletionTimestamp" in pod["metadata"]
            ready = not leaving and any(
                condition["type"] == "Ready" and condition["status"] == "True"
                for condition in pod["status"].get("conditions", ())
            )
            if component == _BROKER and not ready:
                brokers_ready = False
            if ready and component not in _SPARED:
                found.append((component, namespace, pod["metadata"]["name"]))
    return sorted(
        (namespace, name)
        for component, namespace, name in found
        if component != _BROKER or brokers_ready
    )
