"""OpenTelemetry's OTLP exporters, with their failures counted for ``/metrics``."""
