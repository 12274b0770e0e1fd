"""What can be asked of a page of metrics."""

import pytest

from kafkascope_demo.metricspage import MetricsPage

PAGE = MetricsPage.parse(
    'lag{group="a",partition="0"} 3\n'
    'lag{group="a",partition="1"} 4\n'
    'lag{group="b",partition="0"} 9\n'
)


def test_a_total_sums_the_series_that_have_the_labels() -> None:
    """Labels that are not named may be anything."""
    assert PAGE.total("lag", group="a") == 7
    assert PAGE.total("lag") == 16


def test_a_total_of_no_series_is_none_and_not_zero() -> None:
    """What is absent is not known."""
    assert PAGE.total("lag", group="c") is None
    assert PAGE.total("unknown") is None


def test_series_are_given_by_a_label() -> None:
    """Partition by partition, for instance."""
    assert PAGE.by("partition", "lag", group="a") == {"0": 3, "1": 4}


def test_what_is_no_page_is_refused() -> None:
    """A web page that answers on the port is no metrics."""
    with pytest.raises(ValueError, match=r".+"):
        MetricsPage.parse("<html>hello</html>")
