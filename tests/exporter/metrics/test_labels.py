from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kafkascope_exporter.metrics.labels import Labels, escape
from kafkascope_exporter.model import Topology

# Two underscores at the beginning are Prometheus' own; the settings refuse such names.
LABEL_NAMES = st.from_regex("(?!__)[a-zA-Z_][a-zA-Z0-9_]*", fullmatch=True)
UTF_8 = st.text(st.characters(codec="utf-8"))


def labels(constant: dict[str, str]) -> Labels:
    """Give the labels of a cluster without topics."""
    return Labels(Topology(None, (), {}), constant)


def parsed(line: str) -> dict[str, str]:
    """Read the labels of a sample as Prometheus' own parser for Python does."""
    [family] = text_string_to_metric_families(line + "\n")
    return family.samples[0].labels


@given(value=UTF_8)
def test_a_label_value_comes_back_as_it_was(value: str) -> None:
    """Quotes, backslashes, newlines, HTML and all of UTF-8 survive."""
    assert parsed(f'a{{b="{escape(value)}"}} 1') == {"b": value}


@given(st.text(st.characters()))
def test_every_text_can_be_encoded(value: str) -> None:
    """Even one with lone surrogates, which UTF-8 does not have."""
    assert escape(value).encode().decode() == escape(value)


def test_a_lone_surrogate_is_written_as_its_escape() -> None:
    """Two different invalid names stay different."""
    assert escape("a\udcff") == r"a\\udcff"
    assert escape("a\udcfe") == r"a\\udcfe"


@given(constant=st.dictionaries(LABEL_NAMES, UTF_8), group=UTF_8)
def test_labels_are_complete_and_in_alphabetical_order(
    constant: dict[str, str], group: str
) -> None:
    """Whatever the constant labels are called."""
    constant.pop("consumergroup", None)
    text = labels(constant).of(consumergroup=group)
    found = parsed(f"a{text}1")
    assert found == {**constant, "consumergroup": group}
    assert list(found) == sorted(found)


def test_a_series_without_labels_has_no_braces() -> None:
    """As danielqsj's exporter prints it."""
    assert labels({}).of() == " "
