from __future__ import annotations

import ipaddress
import stat
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kafkascope_demo.localkafka.certificates import write_certificates


def certificates(path: Path) -> list[x509.Certificate]:
    """All certificates of a file."""
    return x509.load_pem_x509_certificates(path.read_bytes())


def test_brokers_and_clients_are_signed_by_one_authority(tmp_path: Path) -> None:
    """The chain ends at the authority, and each certificate names its purpose."""
    write_certificates(tmp_path, ["exporter"])
    [authority] = certificates(tmp_path / "ca.pem")

    for name, purpose in [
        ("broker.pem", ExtendedKeyUsageOID.SERVER_AUTH),
        ("exporter.crt", ExtendedKeyUsageOID.CLIENT_AUTH),
    ]:
        own, issuer = certificates(tmp_path / name)
        own.verify_directly_issued_by(issuer)
        assert issuer == authority
        assert list(own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
            purpose
        ]


def test_a_broker_is_known_by_its_loopback_address(tmp_path: Path) -> None:
    """Clients check the address that they connect to."""
    write_certificates(tmp_path, [])
    own = certificates(tmp_path / "broker.pem")[0]

    names = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)


def test_a_client_is_known_by_its_common_name(tmp_path: Path) -> None:
    """Kafka takes the principal from it."""
    write_certificates(tmp_path, ["exporter"])
    own = certificates(tmp_path / "exporter.crt")[0]

    assert [attribute.value for attribute in own.subject] == ["exporter"]
    assert own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)


def test_private_keys_are_the_owners_only(tmp_path: Path) -> None:
    """Nobody else on the machine reads them."""
    write_certificates(tmp_path / "certificates", ["exporter"])

    modes = {
        name: stat.S_IMODE((tmp_path / "certificates" / name).stat().st_mode)
        for name in ("broker.pem", "exporter.key", "exporter.pem")
    }

    assert set(modes.values()) == {0o600}
