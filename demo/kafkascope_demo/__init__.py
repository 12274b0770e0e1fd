"""Kafkascope's demo: a real Kafka on this machine, load, faults, and a verifier."""
