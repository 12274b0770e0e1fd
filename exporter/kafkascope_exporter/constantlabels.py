"""Constant labels of ``--kafka.labels``, which every Kafka series carries."""

import re
from collections.abc import Mapping

# The labels that the Kafka series have already (docs/metrics.md).
OWN_LABELS = frozenset({"address", "consumergroup", "id", "partition", "state", "topic"})
_NAME = re.compile("[a-zA-Z_][a-zA-Z0-9_]*")


def parse_labels(text: str) -> dict[str, str]:
    """Read ``name=value,name2=value2``.

    A value ends at the next comma and may hold ``=``; blanks around names and values, and empty
    pieces, are dropped.

    Raises:
        ValueError: a piece has no ``=``, or a name is not allowed or given twice.
    """
    labels: dict[str, str] = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = (part.strip() for part in piece.partition("="))
        if not equals:
            raise ValueError(f"{piece!r} is not a label: write name=value,name2=value2")
        if name in labels:
            raise ValueError(f"label {name!r} is given twice")
        labels[name] = value
    return check_labels(labels)


def check_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Give ``labels`` back when Prometheus and our own series allow every name.

    Raises:
        ValueError: a name is not a Prometheus label name, is reserved, or is a label of ours.
    """
    for name in labels:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} is not a label name: letters, digits and _, not starting with a digit"
            )
        if name.startswith("__"):
            raise ValueError(f"{name!r} is not allowed: Prometheus keeps names that start with __")
        if name in OWN_LABELS:
            raise ValueError(f"{name!r} is not allowed: the Kafka series have this label already")
    return dict(labels)
