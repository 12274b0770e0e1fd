from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kafkascope_exporter.constantlabels import OWN_LABELS, check_labels, parse_labels

NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]*", fullmatch=True).filter(
    lambda name: name not in OWN_LABELS
)
VALUES = st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"])).map(str.strip)


GOLDEN = Path(__file__).parent / "golden"


def test_the_own_labels_are_those_of_the_kafka_series() -> None:
    """As the golden files have them."""
    used = {
        name
        for file in GOLDEN.glob("*.prom")
        for family in text_string_to_metric_families(file.read_text())
        for sample in family.samples
        for name in sample.labels
        if not family.name.startswith("kafka_exporter_")
    }

    assert used == OWN_LABELS


@given(st.dictionaries(NAMES, VALUES))
def test_labels_read_back_as_they_were_written(labels: dict[str, str]) -> None:
    """A value may hold anything but a comma, an equals sign too."""
    assert parse_labels(",".join(f"{name}={value}" for name, value in labels.items())) == labels


@given(st.text())
def test_any_text_is_labels_or_a_value_error(text: str) -> None:
    """What is accepted has only allowed names."""
    try:
        labels = parse_labels(text)
    except ValueError:
        return
    assert check_labels(labels) == labels


def test_blanks_and_empty_pieces_are_dropped() -> None:
    """A trailing comma is common in generated arguments."""
    assert parse_labels(" cluster = main , env=prod,") == {"cluster": "main", "env": "prod"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cluster", "'cluster' is not a label: write name=value"),
        ("a=1,a=2", "label 'a' is given twice"),
        ("1a=x", "'1a' is not a label name"),
        ("a-b=x", "'a-b' is not a label name"),
        ("=x", "'' is not a label name"),
        ("__name__=x", "Prometheus keeps names"),
        ("consumergroup=x", "the Kafka series have this label already"),
    ],
)
def test_a_bad_label_is_refused_with_the_reason(text: str, reason: str) -> None:
    """A series with such a label would be invalid or ambiguous."""
    with pytest.raises(ValueError, match=reason):
        parse_labels(text)


@pytest.mark.parametrize("name", sorted(OWN_LABELS))
def test_no_own_label_can_be_a_constant_one(name: str) -> None:
    """Prometheus refuses a series that has one label twice."""
    with pytest.raises(ValueError, match="have this label already"):
        check_labels({name: "x"})
