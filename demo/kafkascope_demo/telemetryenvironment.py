"""The environment of the services' telemetry: OpenTelemetry's variables, with the demo's defaults.

What is set already counts. Two names of exporters are translated, in ``auto`` and by hand alike:
``otlp`` to the one that counts failures, and metrics always go to ``/metrics`` as well.
"""

from collections.abc import Mapping
from typing import Final, Literal

Service = Literal["producer", "consumer"]

REGISTRY_EXPORTER: Final = "kafkascope_registry"
_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
_OTLP: Final = {
    "grpc": "kafkascope_otlp_grpc",
    "http/protobuf": "kafkascope_otlp_http",
}
_PULLED: Final = frozenset({"none", "prometheus", REGISTRY_EXPORTER})

_DEFAULTS: Final = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    _PROTOCOL: "http/protobuf",
    "OTEL_PROPAGATORS": "tracecontext,baggage,b3",
    # Every second: somebody looks at the trace of the request that they have just sent.
    "OTEL_BSP_SCHEDULE_DELAY": "1000",
    # Seconds. A service that ends while the backend is away waits for each batch that it has left.
    "OTEL_EXPORTER_OTLP_TIMEOUT": "5",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    "OTEL_PYTHON_LOG_CORRELATION": "true",
    "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "/health,/metrics,/openapi,/faults,/assignment",
}
_DEFAULTS_OF: Final[Mapping[str, Mapping[str, str]]] = {
    "producer": {"OTEL_SERVICE_NAME": "kafka-producer"},
    "consumer": {
        "OTEL_SERVICE_NAME": "kafka-consumer",
        "OTEL_INSTRUMENTATION_MESSAGING_EXPERIMENTAL_RECEIVE_TELEMETRY_ENABLED": "true",
        "OTEL_INSTRUMENTATION_MESSAGING_EXPERIMENTAL_HEADERS_INCLUDED": "baggage",
    },
}


def telemetry_environment(variables: Mapping[str, str], service: Service) -> dict[str, str]:
    """Give the variables that a service's telemetry reads.

    Args:
        variables: Those that are set, usually ``os.environ``.
        service: Which service.
    """
    chosen = {**_DEFAULTS, **_DEFAULTS_OF[service]}
    if _names_the_service(variables):
        del chosen["OTEL_SERVICE_NAME"]
    chosen |= {name: value for name, value in variables.items() if value}
    for signal in ("TRACES", "METRICS", "LOGS"):
        name = f"OTEL_{signal}_EXPORTER"
        protocol = chosen.get(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", chosen[_PROTOCOL])
        chosen[name] = _translated(chosen[name], protocol)
    pushed = chosen["OTEL_METRICS_EXPORTER"].split(",")
    rest = [name for name in pushed if name not in _PULLED]
    chosen["OTEL_METRICS_EXPORTER"] = ",".join([REGISTRY_EXPORTER, *rest])
    if chosen["OTEL_LOGS_EXPORTER"] == "none":
        chosen.setdefault("OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION", "false")
    return chosen


def _names_the_service(variables: Mapping[str, str]) -> bool:
    return "service.name=" in variables.get("OTEL_RESOURCE_ATTRIBUTES", "")


def _translated(exporters: str, protocol: str) -> str:
    names = (name.strip() for name in exporters.split(","))
    return ",".join(_OTLP.get(protocol, name) if name == "otlp" else name for name in names)
