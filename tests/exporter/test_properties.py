import pytest

from kafkascope_exporter.properties import Properties, parse_properties


def test_properties_are_a_mapping_of_what_was_given() -> None:
    """A value may hold an equals sign; blanks around name and value are dropped."""
    properties = parse_properties(
        ["debug=broker,security", " sasl.kerberos.kinit.cmd = kinit -x a=b"]
    )

    assert dict(properties) == {
        "debug": "broker,security",
        "sasl.kerberos.kinit.cmd": "kinit -x a=b",
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("bootstrap.servers=a:9092", "use --kafka.server"),
        ("group.id=me", "never joins a consumer group"),
        ("enable.auto.commit=true", "never joins a consumer group"),
        ("isolation.level=read_committed", "high watermark"),
        ("security.protocol=SSL", "use --tls.enabled and --sasl.enabled"),
        ("sasl.password=hunter2", "use --sasl.password-file"),
        ("ssl.ca.location=x", "use --tls.ca-file"),
        ("error_cb=f", "is a callback"),
        ("debug", "must be key=value"),
        ("=x", "must be key=value"),
    ],
)
def test_what_cannot_be_given_is_refused_with_the_reason(line: str, reason: str) -> None:
    """The reason names the flag to use, and never the value."""
    with pytest.raises(ValueError, match=reason) as raised:
        parse_properties([line])

    assert "hunter2" not in str(raised.value)


def test_a_property_given_twice_is_refused() -> None:
    """Which one was meant cannot be known."""
    with pytest.raises(ValueError, match="'debug' is given twice"):
        parse_properties(["debug=a", "debug=b"])


@pytest.mark.parametrize(
    "name", ["ssl.key.pem", "ssl.truststore.password", "my.client.secret", "x.token"]
)
def test_a_value_that_looks_like_a_secret_is_not_shown(name: str) -> None:
    """Reading the property still gives the value."""
    properties = Properties({name: "hunter2", "debug": "all"})

    assert properties[name] == "hunter2"
    assert repr(properties) == f"Properties({{'{name}': '**********', 'debug': 'all'}})"
