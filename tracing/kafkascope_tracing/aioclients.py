"""The asyncio clients of the installed ``confluent_kafka``, and their configuration.

They are in ``confluent_kafka.aio`` from 2.13 on; 2.12 has them in ``experimental.aio``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import confluent_kafka

from kafkascope_tracing.attributes import Role
from kafkascope_tracing.clients import TELEMETRY_KEY, Configured, configured
from kafkascope_tracing.consumer import ConsumerTracing
from kafkascope_tracing.producer import ProducerTracing
from kafkascope_tracing.settling import Settlement

if TYPE_CHECKING:
    from confluent_kafka import aio as raw_aio

    from kafkascope_tracing.telemetry import KafkaTelemetry
else:
    try:
        from confluent_kafka import aio as raw_aio
    except ImportError:
        from confluent_kafka.experimental import aio as raw_aio

__all__ = ["configured_aio", "raw_aio", "settled"]


@lru_cache(maxsize=1)
def _silent() -> KafkaTelemetry:
    from kafkascope_tracing.telemetry import KafkaTelemetry  # noqa: PLC0415 - it imports the clients

    return KafkaTelemetry.builder().set_enabled(enabled=False).build()


def configured_aio(config: object, role: Role) -> Configured:
    """Take our keys out of an asyncio client's configuration; what is given is not changed.

    With zero code, the client that the asyncio client holds would trace, too: it is told not to.

    Args:
        config: As given to the constructor.
        role: Whether the client produces or consumes.

    Raises:
        ValueError: ``interceptor.classes`` names what cannot be made.
    """
    had_statistics = isinstance(config, dict) and "stats_cb" in config
    chosen = configured((config,), {}, role)
    if not isinstance(config, dict):
        return chosen
    inner: dict[str, Any] = chosen.args[0]
    if "stats_cb" in inner and not had_statistics:
        inner["stats_cb"] = _awaitable(inner["stats_cb"])
    made = confluent_kafka.Producer if role == "producer" else confluent_kafka.Consumer
    if issubclass(made, ProducerTracing | ConsumerTracing):
        inner[TELEMETRY_KEY] = _silent()
    return chosen


def _awaitable(callback: Callable[[str], Any]) -> Callable[[str], Coroutine[Any, Any, None]]:
    """Return a callback as asyncio clients want it."""

    async def call(document: str) -> None:
        callback(document)

    return call


async def settled(settlement: Settlement, call: Awaitable[Any]) -> Any:  # noqa: ANN401 - what the client returns
    """Await a commit, and end its span with it.

    Raises:
        Exception: Whatever the client raises.
    """
    try:
        result = await call
    except BaseException as error:
        settlement.end(error)
        raise
    settlement.end(None, result if isinstance(result, list) else None)
    return result
