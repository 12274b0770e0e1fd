"""A small receiver of OpenTelemetry data for development: keeps traces and draws them."""
