"""SASL/GSSAPI (Kerberos) settings for both clients. Not run against a real realm by our tests."""

import importlib.util
import os
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from kafkascope_exporter.config import Sasl

_SERVICE = "kafka"


def librdkafka_has_gssapi() -> bool:
    """Ask librdkafka itself: only the making of a client tells how it was built."""
    try:
        AdminClient(
            {
                "security.protocol": "sasl_plaintext",
                "sasl.mechanism": "GSSAPI",
                "sasl.kerberos.min.time.before.relogin": 0,
            }
        )
    except KafkaException:
        return False
    return True


def gssapi_problems(
    sasl: Sasl, *, librdkafka: bool | None = None, package: bool | None = None
) -> list[str]:
    """Tell why Kerberos cannot work here, each with what to do.

    Args:
        sasl: the settings.
        librdkafka: whether librdkafka has GSSAPI; asked of it when not given.
        package: whether the Python package ``gssapi`` is installed; looked up when not given.
    """
    problems = []
    if not (librdkafka_has_gssapi() if librdkafka is None else librdkafka):
        problems.append(
            "--sasl.mechanism=gssapi: the installed librdkafka was built without Kerberos, as the"
            " wheels of confluent-kafka are; install the headers of MIT Kerberos and Cyrus SASL"
            " (libsasl2-dev, libsasl2-modules-gssapi-mit), build librdkafka"
            f" {confluent_kafka.libversion()[0]} with ./configure --enable-gssapi, then"
            " pip install --no-binary confluent-kafka confluent-kafka"
        )
    if not (importlib.util.find_spec("gssapi") is not None if package is None else package):
        problems.append(
            "--sasl.mechanism=gssapi: the package gssapi is not installed; install the headers of"
            " MIT Kerberos (libkrb5-dev), then pip install 'kafkascope-exporter[gssapi]'"
        )
    if sasl.kerberos_auth_type == "userAuth":
        problems.append(
            "--sasl.kerberos-auth-type=userAuth: neither client logs in with a password; make a"
            " keytab and give it by --sasl.keytab-path and --sasl.kerberos-auth-type=keytabAuth"
        )
    return problems


def librdkafka_kerberos(sasl: Sasl) -> dict[str, Any]:
    """Give the settings as properties of librdkafka."""
    principal = f"{sasl.username}@{sasl.realm}" if sasl.realm else sasl.username
    properties = {
        "sasl.kerberos.service.name": sasl.service_name or _SERVICE,
        "sasl.kerberos.principal": principal,
        "sasl.kerberos.keytab": str(sasl.keytab_path or ""),
    }
    return {name: value for name, value in properties.items() if value}


def kafka_python_kerberos(sasl: Sasl) -> dict[str, Any]:
    """Give the settings as kafka-python's, and those of the Kerberos library to the environment."""
    if sasl.kerberos_config_path:
        os.environ["KRB5_CONFIG"] = str(sasl.kerberos_config_path)
    if sasl.keytab_path:
        os.environ["KRB5_CLIENT_KTNAME"] = str(sasl.keytab_path)
    return {"sasl_kerberos_service_name": sasl.service_name or _SERVICE}
