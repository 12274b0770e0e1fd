"""The exporter where Strimzi's Cluster Operator starts it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from kafkascope_exporter.cli import parse
from kafkascope_exporter.strimzi import StrimziError, arguments

SERVER = "my-cluster-kafka-bootstrap:9091"


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """What the operator mounts, while one authority replaces another."""
    authorities = tmp_path / "cluster-ca-certs"
    authorities.mkdir()
    (authorities / "ca.crt").write_text("the new one\n")
    (authorities / "ca-2026-11-22T00-00-00Z.crt").write_text("the old one")
    (authorities / "ca.p12").write_bytes(b"\x00")
    client = tmp_path / "kafka-exporter-certs"
    client.mkdir()
    for name in ("kafka-exporter.crt", "kafka-exporter.key"):
        (client / name).write_text("pem")
    return tmp_path


def given(mounted: Path, **variables: str) -> Mapping[str, str]:
    """The arguments for these variables, by flag."""
    environ = {"KAFKA_EXPORTER_KAFKA_SERVER": SERVER}
    environ |= {f"KAFKA_EXPORTER_{name}": value for name, value in variables.items()}
    found = arguments(environ, mounted, mounted)
    return dict(word.removeprefix("--").partition("=")[::2] for word in found)


def test_it_connects_with_tls_as_the_clusters_exporter(mounted: Path) -> None:
    """To the replication listener, where its own certificate counts; port 9404 is scraped."""
    found = given(mounted)
    assert found["kafka.server"] == SERVER
    assert found["web.listen-address"] == ":9404"
    assert "tls.enabled" in found
    assert found["tls.cert-file"] == str(mounted / "kafka-exporter-certs" / "kafka-exporter.crt")
    assert found["tls.key-file"] == str(mounted / "kafka-exporter-certs" / "kafka-exporter.key")


def test_every_authority_that_is_mounted_is_trusted(mounted: Path) -> None:
    """Each on lines of its own, whether its file ends with one or not."""
    bundle = Path(given(mounted)["tls.ca-file"]).read_text()
    assert bundle.splitlines() == ["the old one", "the new one"]


def test_the_operators_patterns_are_the_exporters(mounted: Path) -> None:
    """As `spec.kafkaExporter` has them; the exporter takes them all."""
    found = given(
        mounted,
        GROUP_REGEX="my-group.*",
        GROUP_EXCLUDE_REGEX="^__",
        TOPIC_REGEX="a|b",
        TOPIC_EXCLUDE_REGEX="^c$",
        LOGGING="debug",
        ENABLE_SARAMA="true",
        KAFKA_VERSION="4.3.1",
    )
    plain = {name: value for name, value in found.items() if not name.startswith("tls.")}
    settings = parse([f"--{name}={value}" for name, value in plain.items()], {}).settings
    assert settings.log.level == "debug"
    assert {name: found[name] for name in ("group.filter", "group.exclude")} == {
        "group.filter": "my-group.*",
        "group.exclude": "^__",
    }
    assert (found["topic.filter"], found["topic.exclude"]) == ("a|b", "^c$")


@pytest.mark.parametrize(
    ("told", "flag"), [("true", "offset.show-all"), ("false", "no-offset.show-all")]
)
def test_show_all_offsets_is_what_the_operator_says(mounted: Path, told: str, flag: str) -> None:
    """It always says."""
    assert flag in given(mounted, OFFSET_SHOW_ALL=told)


def test_without_a_server_it_says_which_variable_is_missing(mounted: Path) -> None:
    """Instead of asking a host that is called kafka."""
    with pytest.raises(StrimziError, match="KAFKA_EXPORTER_KAFKA_SERVER is not set"):
        arguments({}, mounted, mounted)


def test_without_an_authority_it_names_the_folder(tmp_path: Path) -> None:
    """A Secret that is not mounted, say."""
    with pytest.raises(StrimziError, match=r"cluster-ca-certs holds no \*\.crt"):
        arguments({"KAFKA_EXPORTER_KAFKA_SERVER": SERVER}, tmp_path, tmp_path)
