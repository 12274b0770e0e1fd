"""The meter that instruments hang on: one set of them per meter provider, and safe across a fork.

OpenTelemetry keeps the first of two instruments with one name and drops the other's callbacks, so
clients of one process must share theirs.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Generic, Protocol, TypeVar, overload
from weakref import WeakKeyDictionary, WeakSet

from opentelemetry.metrics import CallbackT, Meter, MeterProvider, get_meter_provider

SCOPE_NAME: Final = "kafkascope_tracing"
"""The instrumentation scope of every metric here."""

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"
"""The semantic conventions that names follow."""

T = TypeVar("T")


class SurvivesFork(Protocol):
    """Something with locks or with what belongs to the parent process."""

    def after_fork_in_child(self) -> None:
        """Renew locks, which another thread may have held when the process forked."""


_survivors: WeakSet[SurvivesFork] = WeakSet()


def renew_after_fork(survivor: SurvivesFork) -> None:
    """Have ``survivor.after_fork_in_child`` called in each child of this process."""
    _survivors.add(survivor)


def _renew_survivors() -> None:
    for survivor in list(_survivors):
        survivor.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # absent on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew_survivors)


def open_meter(meter_provider: MeterProvider) -> Meter:
    """Return the provider's meter for this package's scope and schema."""
    try:
        installed = version("kafkascope-tracing")
    except PackageNotFoundError:  # run from a source tree
        installed = ""
    return meter_provider.get_meter(SCOPE_NAME, installed, SCHEMA_URL)


class AnnouncedCallback(Sequence[CallbackT]):
    """One callback that tells when a meter takes it.

    An SDK's meter reads the callbacks when it makes the instrument; the API's no-op meter never
    does, and its proxy only once an SDK stands behind it. So the reading says that somebody
    collects, without asking for the global provider at each message (3 µs).

    Args:
        callback: What the instrument shall call at each collection.
        taken: Called when a meter takes ``callback``.
    """

    def __init__(self, callback: CallbackT, taken: Callable[[], None]) -> None:
        self._callback = callback
        self._taken = taken

    def __iter__(self) -> Iterator[CallbackT]:
        self._taken()
        yield self._callback

    def __len__(self) -> int:
        return 1

    @overload
    def __getitem__(self, index: int) -> CallbackT: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[CallbackT]: ...
    def __getitem__(self, index: int | slice) -> CallbackT | Sequence[CallbackT]:
        self._taken()
        return [self._callback][index]


class PerProvider(Generic[T]):
    """One ``T`` per meter provider, made when it is first asked for.

    Args:
        make: Makes the ``T`` of a provider.
    """

    def __init__(self, make: Callable[[MeterProvider], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[MeterProvider, T] = WeakKeyDictionary()
        self._early: T | None = None
        self._lock = threading.RLock()
        renew_after_fork(self)

    def get(self, meter_provider: MeterProvider | None) -> T:
        """Return the provider's ``T``.

        Args:
            meter_provider: ``None`` for the global one, also when that is set only later.

        Raises:
            Exception: Whatever the provider raises.
        """
        provider = get_meter_provider() if meter_provider is None else meter_provider
        with self._lock:
            found = self._made.get(provider)
            if found is None:
                found = self._adopt(provider) or self._make(provider)
                self._made[provider] = found
                if _is_of_the_api(provider) and provider is get_meter_provider():
                    self._early = found
            return found

    def _adopt(self, provider: MeterProvider) -> T | None:
        """Take over what was made for the global provider before ``provider`` became it."""
        if self._early is None or provider is not get_meter_provider():
            return None
        early, self._early = self._early, None
        return early

    def after_fork_in_child(self) -> None:
        """Renew the lock."""
        self._lock = threading.RLock()


def _is_of_the_api(provider: MeterProvider) -> bool:
    """Whether this is the API's own proxy or no-op, not an SDK's provider."""
    return type(provider).__module__.startswith("opentelemetry.metrics")
