"""What the view of `kafkascope-demo run` is made of, and its options."""

import argparse
import io

import pytest
from rich.console import Console

from kafkascope_demo import liveview, run
from kafkascope_demo.liveview import PartRow

EXPOSITION = """\
# TYPE kafka_broker_info gauge
kafka_broker_info{address="127.0.0.1:9092",id="1"} 1
kafka_broker_info{address="127.0.0.1:9093",id="2"} 1
# TYPE kafka_topic_partitions gauge
kafka_topic_partitions{topic="orders"} 2
# TYPE kafka_topic_partition_leader gauge
kafka_topic_partition_leader{partition="0",topic="orders"} 1
kafka_topic_partition_leader{partition="1",topic="orders"} 1
# TYPE kafka_topic_partition_replicas gauge
kafka_topic_partition_replicas{partition="0",topic="orders"} 2
kafka_topic_partition_replicas{partition="1",topic="orders"} 2
# TYPE kafka_topic_partition_in_sync_replica gauge
kafka_topic_partition_in_sync_replica{partition="0",topic="orders"} 2
kafka_topic_partition_in_sync_replica{partition="1",topic="orders"} 1
# TYPE kafka_topic_partition_under_replicated_partition gauge
kafka_topic_partition_under_replicated_partition{partition="0",topic="orders"} 0
kafka_topic_partition_under_replicated_partition{partition="1",topic="orders"} 1
# TYPE kafka_consumergroup_members gauge
kafka_consumergroup_members{consumergroup="billing"} 3
# TYPE kafka_consumergroup_current_offset_sum gauge
kafka_consumergroup_current_offset_sum{consumergroup="billing",topic="orders"} 40
kafka_consumergroup_current_offset_sum{consumergroup="audit",topic="orders"} 10
# TYPE kafka_consumergroup_lag_sum gauge
kafka_consumergroup_lag_sum{consumergroup="billing",topic="orders"} 7
"""


def test_the_view_counts_leaders_replicas_and_groups() -> None:
    """The table's numbers are sums of the exporter's series."""
    view = liveview.read_view(EXPOSITION)

    assert [(b.id, b.address, b.leads) for b in view.brokers] == [
        ("1", "127.0.0.1:9092", 2),
        ("2", "127.0.0.1:9093", 0),
    ]
    assert (view.partitions, view.replicas, view.in_sync, view.under_replicated) == (2, 4, 3, 1)
    assert view.lag_of("billing", "orders") == 7


def test_a_lag_that_is_not_exported_is_not_shown_as_a_number() -> None:
    """An absent lag sum stays unknown, in the table and in the line."""
    view = liveview.read_view(EXPOSITION)

    assert view.lag_of("audit", "orders") is None
    assert "audit lag -, billing lag 7" in liveview.line(view)


def test_the_table_names_brokers_and_groups() -> None:
    """A person sees addresses, ISR and lag."""
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(liveview.tables(liveview.read_view(EXPOSITION), "heading"))
    shown = console.export_text()

    for text in ("127.0.0.1:9093", "3 of 4 replicas in sync", "billing", "40", "7"):
        assert text in shown


def test_the_parts_are_shown_with_their_health_and_address() -> None:
    """In a table, and in a line that names only what is wrong."""
    rows = [
        PartRow("broker-1", "", None),
        PartRow("exporter", "http://127.0.0.1:9308", "Connection refused"),
    ]
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(liveview.parts_table(rows))
    shown = console.export_text()
    for text in ("broker-1", "healthy", "http://127.0.0.1:9308", "Connection refused"):
        assert text in shown
    assert liveview.parts_line(rows) == "exporter: Connection refused"
    assert liveview.parts_line(rows[:1]) == "all 1 parts healthy"


def test_a_time_that_is_none_is_refused_by_name() -> None:
    """`--for` takes seconds above zero, with or without the unit."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    run.register(parser.add_subparsers())

    assert parser.parse_args(["run", "--for=60"]).seconds == 60
    assert parser.parse_args(["run", "--for", "1.5s"]).seconds == 1.5
    with pytest.raises((argparse.ArgumentError, SystemExit)):
        parser.parse_args(["run", "--for=never"])
