import pytest

from tests.bench.limits import Limits, Need, need, shortages
from tests.bench.seeding import Size

# Counted at brokers of Kafka 4.3.1: replicas on the fullest of three, descriptors, memory maps.
SEEN = [(3_408, 3_507, 7_249), (16_855, 16_952, 34_066)]


@pytest.mark.parametrize(("replicas", "descriptors", "memory_maps"), SEEN)
def test_the_estimate_is_no_less_than_what_brokers_had_open(
    replicas: int, descriptors: int, memory_maps: int
) -> None:
    """It is a little more, so that a cluster that is let in can be filled."""
    estimated = need(replicas * 3, brokers=3)

    assert descriptors <= estimated.descriptors <= 1.2 * descriptors
    assert memory_maps <= estimated.memory_maps <= 1.2 * memory_maps


def test_each_limit_that_is_too_low_is_named_with_both_numbers() -> None:
    """And with what raises it."""
    said = list(shortages(Need(17_000, 35_000), Limits(1_024, 30_000)))

    assert len(said) == 2
    assert "17,000 file descriptors, ulimit -Hn is 1,024" in said[0]
    assert "35,000 memory maps, vm.max_map_count is 30,000" in said[1]


def test_limits_that_are_high_enough_or_unknown_let_pass() -> None:
    """Not every system tells a limit of memory maps."""
    assert not list(shortages(Need(1_000, 2_000), Limits(1_000, 2_000)))
    assert not list(shortages(Need(1_000, 2_000), Limits(1_000, None)))


@pytest.mark.parametrize("text", ["", "1000", "1000/10", "1000/0/5", "1000/300/5", "a/b/c"])
def test_a_size_that_cannot_be_is_refused(text: str) -> None:
    """Three numbers, and all topics of one size."""
    with pytest.raises(ValueError, match=r".*"):
        Size.parse(text)


def test_a_size_is_partitions_topics_and_groups() -> None:
    """As on the command line."""
    size = Size.parse("10000/1000/500")

    assert (size.partitions_per_topic, size.groups) == (10, 500)
    assert size.replicas > 10_000
