"""How a local demo is, for a terminal: its parts, and what the exporter says of Kafka."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BrokerRow:
    """A broker and how many partitions it leads."""

    id: str
    address: str
    leads: int


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group's progress on one topic; ``lag`` and ``members`` are None while not known."""

    group: str
    topic: str
    members: int | None
    committed: int
    lag: int | None


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part of the demo: where it is (empty for a broker), and why it is not healthy, if so."""

    name: str
    url: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class View:
    """One scrape, boiled down."""

    brokers: tuple[BrokerRow, ...] = ()
    partitions: int = 0
    replicas: int = 0
    in_sync: int = 0
    under_replicated: int = 0
    groups: tuple[GroupRow, ...] = ()

    def lag_of(self, group: str, topic: str) -> int | None:
        """The summed lag of ``group`` on ``topic``; None while it is not known."""
        rows = [row.lag for row in self.groups if (row.group, row.topic) == (group, topic)]
        return rows[0] if rows else None


@dataclass(slots=True)
class _Samples:
    values: dict[str, dict[Labels, float]] = field(default_factory=dict)

    def of(self, name: str) -> dict[Labels, float]:
        return self.values.get(name, {})

    def total(self, name: str) -> int:
        return int(sum(self.of(name).values()))


def read_view(exposition: str) -> View:
    """Boil one scrape of the exporter down to what the table shows.

    Args:
        exposition: the text of `/metrics`, format 0.0.4.
    """
    samples = _Samples()
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            by_labels = samples.values.setdefault(sample.name, {})
            by_labels[tuple(sorted(sample.labels.items()))] = sample.value
    return View(
        brokers=_brokers(samples),
        partitions=samples.total("kafka_topic_partitions"),
        replicas=samples.total("kafka_topic_partition_replicas"),
        in_sync=samples.total("kafka_topic_partition_in_sync_replica"),
        under_replicated=samples.total("kafka_topic_partition_under_replicated_partition"),
        groups=_groups(samples),
    )


def _brokers(samples: _Samples) -> tuple[BrokerRow, ...]:
    leads = Counter(int(leader) for leader in samples.of("kafka_topic_partition_leader").values())
    rows = (
        BrokerRow(labels["id"], labels["address"], leads[int(labels["id"])])
        for labels in map(dict, samples.of("kafka_broker_info"))
    )
    return tuple(sorted(rows, key=lambda row: int(row.id)))


def _groups(samples: _Samples) -> tuple[GroupRow, ...]:
    members = {
        dict(labels)["consumergroup"]: int(count)
        for labels, count in samples.of("kafka_consumergroup_members").items()
    }
    lags = samples.of("kafka_consumergroup_lag_sum")
    rows = []
    for labels, committed in samples.of("kafka_consumergroup_current_offset_sum").items():
        named = dict(labels)
        lag = lags.get(labels)
        group = named["consumergroup"]
        rows.append(
            GroupRow(
                group,
                named["topic"],
                members.get(group),
                int(committed),
                None if lag is None else int(lag),
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.group, row.topic)))


def parts_table(rows: Sequence[PartRow]) -> Table:
    """Draw the parts for a terminal."""
    table = Table("part", "health", "address", title="parts", title_justify="left")
    for row in rows:
        health = Text(row.problem, "bold red") if row.problem else Text("healthy", "green")
        table.add_row(row.name, health, Text(row.url))
    return table


def parts_line(rows: Sequence[PartRow]) -> str:
    """Say how the parts are in a few words."""
    wrong = [f"{row.name}: {row.problem}" for row in rows if row.problem]
    return ", ".join(wrong) or f"all {len(rows)} parts healthy"


def tables(view: View, heading: str) -> Stack:
    """Draw ``view`` under ``heading`` for a terminal."""
    brokers = Table("broker", "address", "leads", title="brokers", title_justify="left")
    for broker in view.brokers:
        brokers.add_row(broker.id, broker.address, str(broker.leads))
    replicas = (
        f"{view.partitions} partitions, {view.in_sync} of {view.replicas} replicas in sync, "
        f"{view.under_replicated} under-replicated"
    )
    groups = Table("group", "topic", title="groups", title_justify="left")
    for column in ("members", "committed", "lag"):
        groups.add_column(column, justify="right")
    for row in view.groups:
        groups.add_row(
            row.group, row.topic, _number(row.members), str(row.committed), _number(row.lag)
        )
    return Stack(Text(heading), brokers, Text(replicas), groups)


def line(view: View) -> str:
    """Say ``view`` in a line, for output that is not a terminal."""
    lags = ", ".join(f"{row.group} lag {_number(row.lag)}" for row in view.groups) or "no groups"
    return (
        f"brokers {len(view.brokers)}, in sync {view.in_sync}/{view.replicas}, "
        f"under-replicated {view.under_replicated}; {lags}"
    )


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
