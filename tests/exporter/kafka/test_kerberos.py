from kafkascope_exporter.kafka.clients import (
    check_access,
    kafka_python_configs,
    librdkafka_properties,
)
from kafkascope_exporter.kafka.kerberos import gssapi_problems, librdkafka_has_gssapi
from tests.exporter.kafka.clustersettings import DEADLINE, cluster, sasl


def test_kerberos_is_refused_with_the_build_instruction() -> None:
    """The wheel of confluent-kafka has no GSSAPI; the message says how to get it."""
    settings = cluster(sasl=sasl("gssapi", service_name="kafka", realm="EXAMPLE.COM"))

    assert not librdkafka_has_gssapi()
    assert any("--no-binary confluent-kafka" in problem for problem in check_access(settings))


def test_kerberos_with_everything_installed_has_no_problem() -> None:
    """A librdkafka that has GSSAPI and the gssapi package are enough for a keytab."""
    settings = cluster(sasl=sasl("gssapi", kerberos_auth_type="keytabAuth")).sasl
    by_password = cluster(sasl=sasl("gssapi", kerberos_auth_type="userAuth")).sasl

    assert gssapi_problems(settings, librdkafka=True, package=True) == []
    assert len(gssapi_problems(by_password, librdkafka=True, package=True)) == 1
    assert len(gssapi_problems(settings, librdkafka=False, package=False)) == 2


def test_kerberos_names_reach_both_clients() -> None:
    """Service, principal and keytab become each client's own settings."""
    fields = sasl("gssapi", service_name="broker", realm="EXAMPLE.COM")
    properties = librdkafka_properties(cluster(sasl=fields), DEADLINE)

    assert properties["sasl.kerberos.service.name"] == "broker"
    assert properties["sasl.kerberos.principal"] == "me@EXAMPLE.COM"
    configs = kafka_python_configs(cluster(sasl=fields), DEADLINE)
    assert configs["sasl_kerberos_service_name"] == "broker"
