import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkascope_exporter.addresses import parse_listen, parse_server


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("kafka:9092", "kafka:9092"),
        ("kafka", "kafka:9092"),
        ("b-1.my_net.example.com:9094", "b-1.my_net.example.com:9094"),
        ("10.0.0.1:1", "10.0.0.1:1"),
        ("[::1]:9093", "[::1]:9093"),
        ("[0:0::1]", "[::1]:9092"),
    ],
)
def test_a_bootstrap_server_is_a_host_and_maybe_a_port(text: str, server: str) -> None:
    """The port defaults to Kafka's; an IPv6 address keeps its brackets."""
    assert parse_server(text) == server


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no host"),
        (":9092", "names no host"),
        ("kafka:", "the port must be a number from 1 to 65535"),
        ("kafka:0", "the port must be a number from 1 to 65535"),
        ("kafka:65536", "the port must be a number from 1 to 65535"),
        ("kafka:http", "the port must be a number"),
        ("PLAINTEXT://kafka:9092", "has a protocol"),
        ("a b:9092", "no valid host name"),
        ("::1", "an IPv6 address in brackets"),
        ("[::g]:9092", "no IPv6 address between the brackets"),
        ("[::1:9092", "is not an address"),
    ],
)
def test_a_malformed_bootstrap_server_is_refused_with_the_reason(text: str, reason: str) -> None:
    """Each message says what to write."""
    with pytest.raises(ValueError, match=reason):
        parse_server(text)


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        (":9308", ("", 9308)),
        ("0.0.0.0:9308", ("0.0.0.0", 9308)),  # noqa: S104 - parsed, not listened on
        ("[::]:9308", ("::", 9308)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_a_listen_address_is_what_go_accepts(text: str, listen: tuple[str, int]) -> None:
    """An empty host means every interface; port 0 any free one."""
    assert parse_listen(text) == listen


@pytest.mark.parametrize("text", ["9308", "localhost", "::", "1.2.3.4:99999", ":", ":+1", ":९"])
def test_a_malformed_listen_address_is_refused(text: str) -> None:
    """There is no port to guess for a listener."""
    with pytest.raises(ValueError, match=r"port|address"):
        parse_listen(text)


@given(st.text())
def test_any_text_is_a_server_or_a_value_error(text: str) -> None:
    """What is accepted stays as it is when it is read again."""
    try:
        server = parse_server(text)
    except ValueError:
        return
    assert parse_server(server) == server
