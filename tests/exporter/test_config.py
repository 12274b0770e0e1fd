import re

import pytest
from pydantic import ValidationError

from kafkascope_exporter.config import OWN_PATHS, Cluster, Collect, Filter, Sasl, Settings, Web


def test_the_defaults_are_those_of_danielqsj() -> None:
    """One cluster at kafka:9092, everything in it, served on port 9308."""
    settings = Settings()

    assert settings.clusters[0].servers == ("kafka:9092",)
    assert settings.clusters[0].show_all_offsets
    assert (settings.web.listen_host, settings.web.listen_port) == ("", 9308)
    assert settings.web.telemetry_path == "/metrics"
    assert settings.clusters[0].topics.passes("any.topic")


def test_times_not_given_follow_the_interval() -> None:
    """Deadline 0.8, hold 1 and staleness 3 times the interval."""
    collect = Collect(interval=10)

    assert (collect.deadline, collect.hold, collect.staleness) == (8, 10, 30)


def test_times_given_do_not_follow_the_interval() -> None:
    """Text is a Go duration, as in flags and files."""
    collect = Collect.model_validate({"interval": "1m", "deadline": "5s", "hold": "0"})

    assert (collect.deadline, collect.hold, collect.staleness) == (5, 0, 180)


def test_settings_cannot_be_changed() -> None:
    """They are shared between threads."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().web.__setattr__("listen_port", 1)


def test_an_unknown_name_is_refused() -> None:
    """A mistyped name must not be silently without effect."""
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Web.model_validate({"port": 1})


def test_exclude_wins_over_include() -> None:
    """Both are searched anywhere in the name."""
    names = Filter(include=re.compile("orders"), exclude=re.compile("test"))

    assert names.passes("eu.orders.v1")
    assert not names.passes("orders.test")
    assert not names.passes("payments")


def test_an_empty_exclude_leaves_nothing_out() -> None:
    """A template with an empty value must not hide everything."""
    assert Filter.model_validate({"exclude": ""}).passes("orders")


@pytest.mark.parametrize(
    ("text", "mechanism"),
    [("PLAIN", "plain"), ("SCRAM-SHA-512", "scram-sha512"), ("Scram-Sha256", "scram-sha256")],
)
def test_the_mechanism_is_read_in_any_case_and_in_kafkas_spelling(
    text: str, mechanism: str
) -> None:
    """The names of danielqsj/kafka_exporter are lower case without the second dash."""
    assert Sasl.model_validate({"mechanism": text}).mechanism == mechanism


@pytest.mark.parametrize("path", sorted(OWN_PATHS))
def test_a_path_that_is_taken_cannot_be_the_metrics_path(path: str) -> None:
    """Two answers cannot stand at one path."""
    with pytest.raises(ValidationError):
        Web(telemetry_path=path)


@pytest.mark.parametrize("path", ["metrics", "", "/a b", "/metrics/", "/a?b", "/{x}", "//a"])
def test_what_is_no_path_is_refused(path: str) -> None:
    """It has to start with a slash and to need no quoting."""
    with pytest.raises(ValidationError, match="is not a path"):
        Web(telemetry_path=path)


def test_servers_come_as_text_or_list_with_commas_in_either() -> None:
    """--kafka.server may be repeated, and hold several."""
    cluster = Cluster.model_validate({"servers": ["a:1,b", "c:3"]})

    assert cluster.servers == ("a:1", "b:9092", "c:3")


def test_no_representation_shows_a_secret() -> None:
    """Not repr, str, the dump, the JSON dump, nor the text of a validation error."""
    settings = Settings.model_validate(
        {
            "clusters": [
                {
                    "sasl": {"password": "hunter2"},
                    "tls": {"key_password": "hunter2"},
                    "properties": {"ssl.key.pem": "hunter2", "x.secret": "hunter2"},
                }
            ]
        }
    )
    with pytest.raises(ValidationError) as raised:
        Sasl.model_validate({"password": ["hunter2"], "pasword": "hunter2"})

    shown = [repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()]
    shown += [str(raised.value), repr(raised.value)]
    assert [text for text in shown if "hunter2" in text] == []
    assert settings.clusters[0].sasl.password.get_secret_value() == "hunter2"
    assert settings.clusters[0].properties["x.secret"] == "hunter2"
