import socket

from kafkascope_exporter.kafka.clients import (
    kafka_python_configs,
    librdkafka_properties,
)
from tests.exporter.kafka.clustersettings import DEADLINE, cluster


def test_properties_reach_kafka_python_under_its_names() -> None:
    """What has a counterpart is translated; what sizes a buffer becomes a socket option."""
    configs = kafka_python_configs(
        cluster(
            properties={
                "reconnect.backoff.max.ms": "5000",
                "connections.max.idle.ms": "0",
                "client.dns.lookup": "resolve_canonical_bootstrap_servers_only",
                "socket.send.buffer.bytes": "65536",
            }
        ),
        DEADLINE,
    )

    assert configs["reconnect_backoff_max_ms"] == 5000
    assert configs["connections_max_idle_ms"] > 10**9
    assert configs["client_dns_lookup"] == "resolve_canonical_bootstrap_servers_only"
    assert (socket.SOL_SOCKET, socket.SO_SNDBUF, 65536) in configs["socket_options"]


def test_properties_win_over_our_own_in_librdkafka() -> None:
    """Who gives a property means it."""
    settings = cluster(properties={"reconnect.backoff.max.ms": "5000"})

    assert librdkafka_properties(settings, DEADLINE)["reconnect.backoff.max.ms"] == "5000"
