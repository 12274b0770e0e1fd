"""Prometheus exporter for Apache Kafka: consumer lag, offsets, ISR, groups, brokers."""
