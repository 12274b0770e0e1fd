"""Waiting on kafka-python's network thread for what another thread does, without holding it up."""

from concurrent import futures
from contextlib import suppress
from typing import Any

from kafka.future import Future


async def settled(net: Any, work: "futures.Future[Any]", until: float) -> None:  # noqa: ANN401 - kafka-python is untyped
    """Let the network go on until ``work`` is done, or failed, or it is ``until``.

    Args:
        net: kafka-python's event loop, on whose thread this runs.
        work: what another thread does.
        until: on the clock of `time.monotonic`.
    """
    if work.done():
        return
    over = Future()

    def end() -> None:
        if not over.is_done:
            over.success(None)

    def from_the_other_thread(_: "futures.Future[Any]") -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            net.call_soon_threadsafe(end)

    work.add_done_callback(from_the_other_thread)
    timer = net.call_at(until, end)
    await over
    net.cancel(timer)
