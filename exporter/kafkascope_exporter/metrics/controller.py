"""The controllers: which of them leads, and how often that has changed."""

from collections.abc import Iterator

from kafkascope_exporter.metrics.family import Family
from kafkascope_exporter.metrics.labels import Labels
from kafkascope_exporter.model import Snapshot


def families(snapshot: Snapshot, labels: Labels) -> Iterator[Family]:
    """Give ``kafka_cluster_controller_id 2`` and ``kafka_cluster_controller_epoch 7``."""
    controller = snapshot.controller
    head = labels.of()
    yield Family(
        "kafka_cluster_controller_id",
        "Id of the active controller: the leader of the metadata quorum (KRaft).",
        [] if controller is None else [f"kafka_cluster_controller_id{head}{controller.id}"],
    )
    yield Family(
        "kafka_cluster_controller_epoch",
        "Epoch of the active controller; each election makes it greater.",
        [] if controller is None else [f"kafka_cluster_controller_epoch{head}{controller.epoch}"],
    )
