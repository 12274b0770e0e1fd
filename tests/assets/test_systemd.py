import re
from collections import defaultdict

import pytest

from kafkascope_exporter.flags import FLAGS
from tests.assets.repository import ROOT

FOLDER = ROOT / "exporter" / "systemd"
VARIABLES = frozenset(flag.variable for flag in FLAGS)


def directives(name: str) -> dict[str, list[str]]:
    """Give the values of each directive of a unit file, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (FOLDER / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


def test_the_service_has_no_privileges_and_can_write_nothing() -> None:
    """What `systemd-analyze security` weighs most."""
    service = directives("kafkascope-exporter.service")

    hardening = {key: service[key] for key in ("DynamicUser", "NoNewPrivileges", "ProtectHome")}

    assert set(map(tuple, hardening.values())) == {("yes",)}
    assert service["ProtectSystem"] == ["strict"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == [""]
    assert service["RestrictAddressFamilies"] == ["AF_INET AF_INET6 AF_UNIX"]
    assert service["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]


def test_process_metrics_keep_what_they_read() -> None:
    """process_start_time_seconds comes from /proc/stat, which ProcSubset=pid would hide."""
    assert "ProcSubset" not in directives("kafkascope-exporter.service")


def test_settings_come_from_the_environment_file_and_are_checked_first() -> None:
    """The unit itself needs no editing, and a refused setting is named in the journal."""
    service = directives("kafkascope-exporter.service")
    (start,) = service["ExecStart"]

    assert service["EnvironmentFile"] == ["/etc/kafkascope-exporter/environment"]
    assert service["ExecStartPre"] == [f"{start} --check-config"]
    assert "kafka.server" not in start


@pytest.mark.parametrize("name", ["environment", "sasl.conf"])
def test_each_variable_is_one_that_the_exporter_reads(name: str) -> None:
    """Also those that are commented out: they are there to be used."""
    named = re.findall(r"\b(KAFKASCOPE_[A-Z_]+)=", (FOLDER / name).read_text())

    assert named
    assert set(named) <= VARIABLES


def test_the_password_is_a_credential() -> None:
    """It is in no environment and no process list: only its path is."""
    (credential,) = directives("sasl.conf")["LoadCredential"]
    name = credential.partition(":")[0]

    assert directives("sasl.conf")["Environment"] == [f"KAFKASCOPE_SASL_PASSWORD_FILE=%d/{name}"]
    assert not re.search("PASSWORD|SECRET", (FOLDER / "environment").read_text())
