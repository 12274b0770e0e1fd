"""What a client's configuration says about its tracing, and what is left of it for the client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kafkascope_tracing.interceptors import CONFIG_KEY, Chain, load_interceptors

if TYPE_CHECKING:
    from kafkascope_tracing.attributes import Role
    from kafkascope_tracing.statistics import StatisticsBridge
    from kafkascope_tracing.telemetry import KafkaTelemetry

TELEMETRY_KEY: Final = "kafkascope.telemetry"
"""In a client's configuration: the ``KafkaTelemetry`` that it reports to."""

STATISTICS_KEY: Final = "kafkascope.statistics"
"""In a client's configuration: true to make metrics of librdkafka's statistics."""

STATISTICS_INTERVAL_MS: Final = 15_000
"""How often librdkafka makes statistics when the configuration does not say so itself."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A client's configuration, taken apart.

    Args:
        args: The positional arguments for the client's own constructor.
        kwargs: Its keyword arguments.
        config: Both as one configuration.
        telemetry: Where it reports to.
        interceptors: All of the list, ours as well.
        bridge: Of its statistics, to be closed with it; None without.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    config: dict[str, Any]
    telemetry: KafkaTelemetry
    interceptors: tuple[Any, ...]
    bridge: StatisticsBridge | None = None

    def chain(self) -> Chain[Any]:
        """Return all interceptors but the tracing one."""
        chain = Chain([each for each in self.interceptors if not is_ours(each)])
        chain.configure(self.config)
        return chain

    def chains(self) -> tuple[Chain[Any], Chain[Any]]:
        """Return the interceptors before and after the tracing one; it is last by default."""
        place = next(
            (n for n, each in enumerate(self.interceptors) if is_ours(each)),
            len(self.interceptors),
        )
        before, after = Chain(self.interceptors[:place]), Chain(self.interceptors[place + 1 :])
        for chain in (before, after):
            chain.configure(self.config)
        return before, after


def is_ours(interceptor: object) -> bool:
    """Whether an interceptor only marks the place of tracing: the client itself does its work."""
    return getattr(interceptor, "marks_tracing", False) is True


def configured(args: tuple[Any, ...], kwargs: dict[str, Any], role: Role) -> Configured:
    """Take our keys out of a client's configuration; what is given is not changed.

    Args:
        args: The positional arguments of its constructor: none, or one dict.
        kwargs: Its keyword arguments, which are configuration, too.
        role: Whether it produces or consumes.

    Raises:
        ValueError: ``interceptor.classes`` names what cannot be made.
    """
    from kafkascope_tracing.telemetry import KafkaTelemetry, default_telemetry  # noqa: PLC0415 - it imports this

    given = [dict(part) for part in args[:1] if isinstance(part, dict)]
    rest = args[len(given) :]
    own: dict[str, Any] = {}
    for part in (*given, kwargs):
        for name in (CONFIG_KEY, TELEMETRY_KEY, STATISTICS_KEY):
            if name in part:
                own[name] = part.pop(name)
    interceptors = tuple(load_interceptors(own.get(CONFIG_KEY)))
    marker = next((each for each in interceptors if is_ours(each)), None)
    telemetry = own.get(TELEMETRY_KEY) or getattr(marker, "telemetry", None)
    if not isinstance(telemetry, KafkaTelemetry):
        telemetry = default_telemetry()
    target = given[0] if given else kwargs
    bridge = None
    if own.get(STATISTICS_KEY):
        bridge = _bridge_statistics(
            target, {**(given[0] if given else {}), **kwargs}, telemetry, role
        )
    config = {**(given[0] if given else {}), **kwargs}
    return Configured((*given, *rest), kwargs, config, telemetry, interceptors, bridge)


def _bridge_statistics(
    target: dict[str, Any], config: dict[str, Any], telemetry: KafkaTelemetry, role: Role
) -> StatisticsBridge:
    from kafkascope_tracing.statistics import statistics_bridge  # noqa: PLC0415 - only when asked for

    bridge = statistics_bridge(telemetry.meter_provider, role)
    users = config.get("stats_cb")
    target["stats_cb"] = bridge if users is None else _both(bridge, users)
    if "statistics.interval.ms" not in config:
        target["statistics.interval.ms"] = STATISTICS_INTERVAL_MS
    return bridge


def _both(first: Callable[[str], Any], second: Callable[[str], Any]) -> Callable[[str], Any]:
    def call(document: str) -> Any:  # noqa: ANN401 - what the user's own returns
        first(document)
        return second(document)

    return call
