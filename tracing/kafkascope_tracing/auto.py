"""Tracing without a change in the program: ``opentelemetry-instrument``, or one call.

``opentelemetry-instrument python app.py`` finds ``KafkaInstrumentor`` by its entry point
(``kafkascope``) when the extra ``kafkascope-tracing[auto]`` is installed. A program can call
``KafkaInstrumentor().instrument()`` itself as well, before or after it imports
``confluent_kafka``. Each message that a consumer hands out then has a process span of its own,
which lasts until the next message is asked for: ``OTEL_INSTRUMENTATION_KAFKA_PROCESS_SPANS``
has ``implicit`` for its default here.
"""

import logging
import os
import sys
from collections.abc import Collection, Mapping
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from opentelemetry.instrumentation import instrumentor
from wrapt import register_post_import_hook

from kafkascope_tracing.rebinding import Weaving
from kafkascope_tracing.settings import read_settings
from kafkascope_tracing.telemetry import KafkaTelemetry, default_telemetry, set_default_telemetry

__all__ = ["KafkaInstrumentor"]

_log = logging.getLogger(__name__)

_AIO: Final = {
    "AIOProducer": ("kafkascope_tracing.aioproducer", "AIOProducerTracing"),
    "AIOConsumer": ("kafkascope_tracing.aioconsumer", "AIOConsumerTracing"),
}
# By the module that a program gets them from: classes of the client, and where their tracing is.
# Classes that the client itself derives from these are traced with them.
_TRACED: Final = {
    "confluent_kafka": {
        "Producer": ("kafkascope_tracing.producer", "ProducerTracing"),
        "Consumer": ("kafkascope_tracing.consumer", "ConsumerTracing"),
        "ShareConsumer": ("kafkascope_tracing.share", "ShareConsumerTracing"),
    },
    "confluent_kafka.aio": _AIO,
    "confluent_kafka.experimental.aio": _AIO,  # in 2.12
}
_PEER: Final = "opentelemetry.instrumentation.confluent_kafka"
_STEPS_ASIDE: Final = (
    "opentelemetry-instrumentation-confluent-kafka is active too: kafkascope-tracing steps aside,"
    " so that no message is traced twice. OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=confluent_kafka"
    " has kafkascope-tracing in force instead; with =kafkascope this warning goes away."
)


# Its file is marked `type: ignore` as a whole, so it has no types.
class KafkaInstrumentor(instrumentor.BaseInstrumentor):  # type: ignore[misc, name-defined]
    """Traces every ``confluent_kafka`` client of a program, without a change in its code.

    ``instrument()`` does what ``opentelemetry-instrument`` does; ``uninstrument()`` has every
    class as it was before. Classes that were imported or derived earlier are traced too, and
    instances that are made of them later; an instance that exists already is not
    (``KafkaTelemetry.wrap`` is for those).

    Nothing is imported of ``confluent_kafka`` before the program does so.
    """

    # BaseInstrumentor has one instance for all calls.
    _active = False
    _weavings: Final[dict[str, Weaving]] = {}
    _default_before: KafkaTelemetry | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """The client that is traced, with its oldest version."""
        return ("confluent-kafka >= 2.3",)

    def instrument(self, **kwargs: Any) -> None:  # noqa: ANN401 - BaseInstrumentor's own signature
        """Trace from now on.

        Does nothing with ``OTEL_INSTRUMENTATION_KAFKA_ENABLED=false``, and beside
        ``opentelemetry-instrumentation-confluent-kafka`` (with a warning);
        ``is_instrumented_by_opentelemetry`` tells.

        Args:
            **kwargs: ``tracer_provider``, ``meter_provider``, ``propagator`` and
                ``logger_provider`` to use in place of the global ones; or ``telemetry``, a
                ``KafkaTelemetry`` of one's own. It becomes the default telemetry.
        """
        super().instrument(**kwargs)
        self._is_instrumented_by_opentelemetry = self._active

    def _instrument(self, **kwargs: Any) -> None:  # noqa: ANN401 - see instrument
        telemetry = kwargs.get("telemetry") or _make_telemetry(kwargs)
        if not telemetry.settings.enabled:
            _log.info("Kafka clients are not traced: OTEL_INSTRUMENTATION_KAFKA_ENABLED=false")
        elif _peer_is_active():
            _log.warning(_STEPS_ASIDE)
        else:
            self._default_before = default_telemetry()
            set_default_telemetry(telemetry)
            self._active = True
            for name, clients in _TRACED.items():
                register_post_import_hook(self._load, name)
                for client, (home, mixin) in clients.items():
                    register_post_import_hook(partial(self._put_in, name, client, mixin), home)

    def _uninstrument(self, **_: Any) -> None:  # noqa: ANN401 - see instrument
        self._active = False
        for weaving in self._weavings.values():
            weaving.take_out()
        set_default_telemetry(self._default_before)

    def _load(self, module: ModuleType) -> None:
        """Load the tracing of the classes of a module that has just been imported. Never raises."""
        for client, (home, _) in _TRACED[module.__name__].items():
            if self._active and hasattr(module, client):
                try:
                    import_module(home)
                except Exception:  # noqa: BLE001 - the program must not lose its import by us
                    _log.exception("%s.%s is not traced", module.__name__, client)

    def _put_in(self, name: str, client: str, mixin: str, home: ModuleType) -> None:
        """Trace one class, now that its tracing is loaded. Never raises.

        That may be by the program, which imports our own classes: their import loads the client,
        and before it ends there is no tracing to put in.
        """
        module = sys.modules.get(name)
        if self._active and hasattr(module, client):
            try:
                self._weaving(
                    f"{name}.{client}", getattr(module, client), getattr(home, mixin)
                ).put_in()
            except Exception:  # noqa: BLE001 - the program must not lose its import by us
                _log.exception("%s.%s is not traced", name, client)

    def _weaving(self, name: str, original: type, mixin: type) -> Weaving:
        if name not in self._weavings:
            self._weavings[name] = Weaving(original, mixin, self._on_subclass)
        return self._weavings[name]

    def _on_subclass(self, subclass: type) -> None:
        """Step aside when the other instrumentation derives its classes from ours."""
        if self._active and subclass.__module__.startswith(_PEER):
            _log.warning(_STEPS_ASIDE)
            self._uninstrument()
            self._is_instrumented_by_opentelemetry = False


def _make_telemetry(given: Mapping[str, Any]) -> KafkaTelemetry:
    providers = ("tracer_provider", "meter_provider", "propagator", "logger_provider")
    builder = KafkaTelemetry.builder(**{name: given.get(name) for name in providers})
    builder.settings = read_settings(os.environ, process_spans="implicit")
    return builder.build()


def _peer_is_active() -> bool:
    peer = getattr(sys.modules.get(_PEER), "ConfluentKafkaInstrumentor", None)
    return peer is not None and bool(peer().is_instrumented_by_opentelemetry)
