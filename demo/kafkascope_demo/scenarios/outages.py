"""Outages: of a broker, of the exporter, of the OTLP backend."""

import contextlib
from collections.abc import Iterator
from typing import Final

from kafkascope_demo.addresses import Parts
from kafkascope_demo.scenarios.kafkaclients import topic, trickle

TOPIC: Final = "kafkascope-min-isr"
REPLICAS: Final = 3


@contextlib.contextmanager
def broker(parts: Parts) -> Iterator[None]:
    """Stop the last broker; the others are a majority."""
    name = max(name for name in parts.names() if name.startswith("broker"))
    with _stopped(parts, name):
        yield


@contextlib.contextmanager
def under_min_isr(parts: Parts) -> Iterator[None]:
    """Stop a broker, and have a topic that all of them must be in sync for."""
    options = {"min.insync.replicas": str(REPLICAS)}
    with topic(parts.addresses(), TOPIC, REPLICAS, **options), broker(parts):
        yield


@contextlib.contextmanager
def exporter(parts: Parts) -> Iterator[None]:
    """Stop the exporter."""
    with _stopped(parts, "exporter"):
        yield


@contextlib.contextmanager
def otlp(parts: Parts) -> Iterator[None]:
    """Stop the OTLP backend, while requests are traced."""
    with _stopped(parts, "otlp-receiver"):
        yield


@contextlib.contextmanager
def _stopped(parts: Parts, name: str) -> Iterator[None]:
    try:
        parts.stop(name)
        with trickle(parts.addresses()):
            yield
    finally:
        parts.start(name)
