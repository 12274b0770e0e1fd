from pathlib import Path

import pytest

from kafkascope_exporter.kafka.clients import (
    access_notices,
    check_access,
)
from tests.exporter.kafka.clustersettings import NOWHERE, cluster, sasl


def test_sound_settings_have_no_problems(certificates: Path) -> None:
    """Nothing is found where nothing is wrong, and no token is requested."""
    tls = {
        "enabled": True,
        "ca_file": certificates / "ca.pem",
        "cert_file": certificates / "app.crt",
        "key_file": certificates / "app.key",
    }
    for fields in ({}, {"tls": tls}, {"tls": tls, "sasl": sasl("awsiam", aws_region="x")}):
        assert check_access(cluster(**fields)) == []
    assert check_access(cluster(sasl=sasl("oauthbearer", oauthbearer_token_url=NOWHERE))) == []


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"no.such": "1"}, 'No such configuration property: "no.such"'),
        ({"socket.timeout.ms": "soon"}, "--kafka.property socket.timeout.ms: librdkafka says"),
        ({"socket.nagle.disable": "perhaps"}, '"socket.nagle.disable"'),
        ({"socket.send.buffer.bytes": "big"}, "--kafka.property socket.send.buffer.bytes: "),
    ],
)
def test_a_wrong_property_is_named(properties: dict[str, str], problem: str) -> None:
    """Only the clients know all properties, so they are asked before the start."""
    problems = check_access(cluster(properties=properties))

    assert len(problems) == 1
    assert problem in problems[0]


def test_all_wrong_properties_are_named_at_once() -> None:
    """One start is enough to learn of all of them."""
    problems = check_access(cluster(properties={"no.such": "1", "socket.timeout.ms": "soon"}))

    assert [problem.split(": ")[0] for problem in problems] == [
        "--kafka.property no.such",
        "--kafka.property socket.timeout.ms",
    ]


def test_a_key_of_another_certificate_is_a_problem(certificates: Path) -> None:
    """Files that do not fit together stop the start, not the first connection."""
    tls = {
        "enabled": True,
        "cert_file": certificates / "app.crt",
        "key_file": certificates / "other.key",
    }

    (problem,) = check_access(cluster(tls=tls))

    assert "KEY_VALUES_MISMATCH" in problem


def test_msk_iam_without_tls_is_refused() -> None:
    """The token would be readable, and MSK takes none without TLS."""
    (problem,) = check_access(cluster(sasl=sasl("awsiam", aws_region="eu-west-3")))

    assert "--tls.enabled" in problem


def test_a_property_for_librdkafka_alone_is_announced() -> None:
    """The user learns that it does next to nothing."""
    settings = cluster(
        properties={
            "broker.address.family": "v4",
            "ssl.crl.location": "x",
            "socket.timeout.ms": "9",
        }
    )

    notices = access_notices(settings)

    assert [notice.split()[1] for notice in notices] == ["broker.address.family"]


@pytest.mark.parametrize(
    ("url", "told"),
    [("http://idp.example/token", True), ("https://idp.example/t", False), (NOWHERE, False)],
)
def test_a_secret_sent_readable_is_announced(url: str, *, told: bool) -> None:
    """A token URL without TLS is accepted, but not silently."""
    notices = access_notices(cluster(sasl=sasl("oauthbearer", oauthbearer_token_url=url)))

    assert bool(notices) is told
