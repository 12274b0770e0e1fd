"""OpenTelemetry tracing for ``confluent_kafka`` producers and consumers.

This package will hold interceptors that carry the trace context in record headers and make the
spans and metrics of OpenTelemetry's messaging conventions (v1.44.0). They promise that nothing
here raises into, delays, or changes the application: a caller's headers are never mutated, and
no call waits for metadata.

Version 0.1.0 holds the name and this contract; it exports nothing yet.
"""

__all__: list[str] = []
