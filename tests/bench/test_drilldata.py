"""The drill's comparison of a page with what may be right at that moment."""

import pytest

from tests.bench.drilldata import (
    GROUPS,
    PARTITIONS,
    PLACES,
    TOPICS,
    Comparison,
    Ledger,
    compare,
    truth,
)
from tests.bench.drilldata import first_commit as commit
from tests.bench.drilldata import first_end as end
from tests.bench.ledger import Counter

GROUP = GROUPS[3]
LAG = "kafka_consumergroup_lag"
NOW = 100.0


def grow(counter: Counter, times: list[float]) -> None:
    """Add a step that is acknowledged at each of the times."""
    for at in times:
        counter.send()
        counter.acknowledge(at)


def told(line: str, ledger: Ledger | None = None, oldest: float = 0.0) -> Comparison:
    """Compare a page of one sample, that may be ``oldest`` seconds old."""
    return compare(f"{line}\n", truth(ledger or Ledger(), NOW - oldest))


def sample(name: str, value: float, *, partition: int = 0, group: str = GROUP) -> str:
    """Write a sample about a partition of the first topic."""
    labels = f'partition="{partition}",topic="{TOPICS[0]}"'
    owner = f'consumergroup="{group}",' if name.startswith("kafka_consumergroup") else ""
    return f"{name}{{{owner}{labels}}} {value}"


def whole_page() -> str:
    """Write every lag series that there should be, at its first value."""
    return "".join(
        f'{LAG}{{consumergroup="{group}",partition="{p}",topic="{TOPICS[t]}"}}'
        f" {end(t, p) - commit(number, t, p)}\n"
        for number, group in enumerate(GROUPS)
        for t, p in PLACES
    )


def test_a_right_page_has_all_lag_series_and_nothing_wrong() -> None:
    """The share is of all groups' partitions."""
    page = whole_page()

    found = compare(page, truth(Ledger(), NOW))

    assert found == Comparison(1.0, (), len(GROUPS) * len(TOPICS) * PARTITIONS)
    half = "".join(line for line in page.splitlines(keepends=True) if TOPICS[0] in line)
    assert compare(half, truth(Ledger(), NOW)).present == pytest.approx(1 / len(TOPICS))


def test_an_end_offset_older_than_it_may_be_is_wrong() -> None:
    """What was right ten seconds ago is right for who may be ten seconds late, and else wrong."""
    ledger = Ledger()
    grow(ledger.messages[0], [90.0, 95.0])
    first = end(0, 0)
    name = "kafka_topic_partition_current_offset"

    assert told(sample(name, first), ledger, oldest=11).wrong == ()
    assert told(sample(name, first), ledger, oldest=9).wrong == (
        f"{name} {TOPICS[0]}/0: {first} instead of {first + 1} to {first + 2}",
    )
    assert told(sample(name, first + 2), ledger, oldest=9).wrong == ()
    assert told(sample(name, first + 3), ledger, oldest=9).wrong, "nobody has written so much"


def test_a_message_on_its_way_may_be_seen_or_not() -> None:
    """It was sent, and no answer came."""
    ledger = Ledger()
    ledger.messages[0].send()
    name = "kafka_topic_partition_current_offset"

    values = [end(0, 0) + more for more in range(3)]
    wrong = [bool(told(sample(name, value), ledger).wrong) for value in values]

    assert wrong == [False, False, True]


def test_the_lag_lies_between_the_bounds_of_end_and_commit() -> None:
    """A commit moved by one while two messages came: the lag may be one less, or two more."""
    ledger = Ledger()
    grow(ledger.messages[0], [95.0, 96.0])
    grow(ledger.turns[3], [97.0])
    first = end(0, 0) - commit(3, 0, 0)

    def is_wrong(lag: int) -> bool:
        return bool(told(sample(LAG, lag), ledger, oldest=10).wrong)

    assert [is_wrong(first + more) for more in (-2, -1, 0, 2, 3)] == [
        True,
        False,
        False,
        False,
        True,
    ]


def test_a_sum_lies_between_the_sums_of_the_bounds() -> None:
    """One turn of a group adds one to each of its offsets."""
    ledger = Ledger()
    ledger.turns[3].send()
    first = sum(commit(3, 0, p) for p in range(PARTITIONS))
    head = f'kafka_consumergroup_current_offset_sum{{consumergroup="{GROUP}",topic="{TOPICS[0]}"}}'

    sums = (first - 1, first, first + PARTITIONS, first + PARTITIONS + 1)
    wrong = [bool(told(f"{head} {value}", ledger).wrong) for value in sums]

    assert wrong == [True, False, False, True]


@pytest.mark.parametrize(
    "line",
    [
        sample("kafka_topic_partition_current_offset", 20, partition=PARTITIONS),
        sample(LAG, 3, group="drill-group-99"),
        sample(LAG, -1),
        sample("kafka_topic_partition_current_offset", -1),
        sample("kafka_topic_partition_leader", -1),
        sample("kafka_topic_partition_leader", 4),
        sample("kafka_consumergroup_unheard_of", 1),
        f'kafka_consumergroup_members{{consumergroup="{GROUP}"}} 1',
        f'kafka_topic_partitions{{topic="{TOPICS[0]}"}} 5',
        f'kafka_topic_partitions{{topic="drill-99"}} {PARTITIONS}',
        sample(LAG, float("nan")),
    ],
)
def test_what_should_not_be_there_is_wrong(line: str) -> None:
    """Unknown partitions, groups, topics and metrics, and values that cannot be."""
    assert len(told(line).wrong) == 1


def test_a_sample_that_is_there_twice_is_wrong_once() -> None:
    """Even where both are right."""
    line = sample("kafka_topic_partition_oldest_offset", 0)

    found = told(f"{line}\n{line}")

    assert found.wrong == (
        f"kafka_topic_partition_oldest_offset {TOPICS[0]}/0: 0, there for the 2. time",
    )
    assert found.kafka == 2


def test_what_is_not_of_the_drill_is_none_of_its_business() -> None:
    """Kafka's own topics, and the exporter's self metrics, which do not count as Kafka's either."""
    foreign = 'kafka_topic_partition_current_offset{partition="0",topic="__consumer_offsets"} 7'

    found = told(f'{foreign}\nkafka_exporter_missing{{kind="group"}} 3\nkafka_brokers 3')

    assert (found.wrong, found.kafka, found.present) == ((), 2, 0.0)
