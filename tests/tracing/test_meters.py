from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest
from opentelemetry.metrics import (
    CallbackOptions,
    Meter,
    MeterProvider,
    NoOpMeter,
    NoOpMeterProvider,
    Observation,
)

from kafkascope_tracing import meters
from kafkascope_tracing.meters import AnnouncedCallback, PerProvider, open_meter


def observe(_options: CallbackOptions) -> list[Observation]:
    """Observe nothing."""
    return []


def test_a_callback_announces_when_a_meter_reads_it_in_whatever_way() -> None:
    """Asking for the length is no reading; iterating, indexing and slicing are."""
    taken: list[None] = []
    callbacks = AnnouncedCallback(observe, lambda: taken.append(None))

    assert len(callbacks) == 1
    assert taken == []
    assert list(callbacks) == [observe]
    assert callbacks[0] is observe
    assert callbacks[0:] == [observe]
    assert len(taken) == 3


def test_what_was_made_before_the_global_provider_is_kept_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The API's proxy hands its instruments on to the provider that becomes the global one."""
    early, later, other = NoOpMeterProvider(), FakeSdkProvider(), FakeSdkProvider()
    current: list[MeterProvider] = [early]
    monkeypatch.setattr(meters, "get_meter_provider", lambda: current[0])
    made = PerProvider(lambda _provider: object())

    before = made.get(None)
    apart = made.get(other)
    off = made.get(NoOpMeterProvider())
    current[0] = later

    assert made.get(None) is before
    assert made.get(later) is before
    assert made.get(other) is apart
    assert len({before, apart, off}) == 3


class FakeSdkProvider(NoOpMeterProvider):
    """A provider that is not the API's own."""


def test_a_child_process_gets_new_locks() -> None:
    """So that none waits for a thread that exists only in the parent."""
    made = PerProvider(lambda _provider: object())
    lock = made._lock

    meters._renew_survivors()

    assert made._lock is not lock


class ScopeProvider(NoOpMeterProvider):
    """A provider that keeps what scope was asked for."""

    def __init__(self) -> None:
        self.scope: tuple[str, str | None, str | None] | None = None

    def get_meter(  # type: ignore[override]  # the signature of the oldest API that we support
        self, name: str, version: str | None = None, schema_url: str | None = None
    ) -> Meter:
        """Keep the scope."""
        self.scope = (name, version, schema_url)
        return NoOpMeter(name)


def test_the_scope_has_the_package_s_name_version_and_schema() -> None:
    """Three positional arguments, which every version of the API takes."""
    provider = ScopeProvider()
    open_meter(provider)

    assert provider.scope == (
        "kafkascope_tracing",
        version("kafkascope-tracing"),
        "https://opentelemetry.io/schemas/1.44.0",
    )


def test_without_an_installed_package_the_scope_has_no_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a source tree on the path."""

    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(meters, "version", absent)
    provider = ScopeProvider()
    open_meter(provider)

    assert provider.scope is not None
    assert provider.scope[1] == ""
