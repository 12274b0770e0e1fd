from dataclasses import replace

from kafkascope_exporter.metrics import controller
from kafkascope_exporter.metrics.rendering import Rendering
from tests.exporter.exposed import exposed
from tests.exporter.snapshots import healthy

ID, EPOCH = "kafka_cluster_controller_id", "kafka_cluster_controller_epoch"


def test_the_active_controller_has_an_id_and_an_epoch() -> None:
    """With the constant labels alone."""
    assert exposed(controller.families, healthy()) == {ID: [" 2"], EPOCH: [" 7"]}
    shown = exposed(controller.families, healthy(), Rendering(constant_labels={"cluster": "c"}))
    assert shown == {ID: ['{cluster="c"} 2'], EPOCH: ['{cluster="c"} 7']}


def test_without_a_controller_there_is_no_series() -> None:
    """An id of -1 would be a broker's in somebody's join."""
    shown = exposed(controller.families, replace(healthy(), controller=None))
    assert shown == {ID: [], EPOCH: []}
