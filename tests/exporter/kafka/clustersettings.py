"""Settings of clusters that nobody connects to."""

from typing import Any

from kafkascope_exporter.config import Cluster

SECRET = "hunter2-secret"
NOWHERE = "http://127.0.0.1:1/token"
DEADLINE = 12.0
"""Seconds of a cycle; what needs none in particular takes these."""


def cluster(**fields: object) -> Cluster:
    """Make a cluster's settings."""
    return Cluster.model_validate({"servers": "127.0.0.1:1,[::1]:1", **fields})


def sasl(mechanism: str, **fields: object) -> dict[str, Any]:
    """Make SASL settings with a user and a password."""
    given = {"enabled": True, "mechanism": mechanism, "username": "me", "password": SECRET}
    return {**given, **fields}
