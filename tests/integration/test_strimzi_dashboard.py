"""Strimzi's dashboard finds its series when the chart's value file takes kafkaExporter's place."""

import re
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from kafkascope_demo.localkafka import LocalKafka
from tests.assets.stockdashboards import STRIMZI
from tests.charts.rendering import EXPORTER, render, the
from tests.integration.commits import commit
from tests.integration.conftest import MakeTopic
from tests.integration.running import running_exporter
from tests.integration.scraping import Prometheus
from tests.waiting import wait_until

CLUSTER: Final = "my-cluster"
SELECTOR: Final = f'namespace="kafka",strimzi_io_cluster="{CLUSTER}"'
"""How every panel of strimzi-kafka-exporter.json chooses, its two variables filled in."""

DISCOVERED: Final = {
    "__meta_kubernetes_namespace": "kafka",
    "__meta_kubernetes_pod_name": "my-cluster-lag-1",
    "__meta_kubernetes_pod_node_name": "node-1",
    "__meta_kubernetes_pod_host_ip": "10.0.0.1",
    "__meta_kubernetes_pod_container_port_name": "http",
}
"""What Prometheus' discovery of pods says of one."""

PANELS: Final = (
    "sum(kafka_topic_partitions{%s})",
    "sum(kafka_topic_partition_replicas{%s})",
    "sum(kafka_topic_partition_in_sync_replica{%s})",
    "sum(kafka_topic_partition_under_replicated_partition{%s})",
    "sum(kafka_topic_partition_leader_is_preferred{%s} == 1)",
    'sum(rate(kafka_topic_partition_current_offset{%s,topic!=""}[1m])) by (topic)',
    'sum(rate(kafka_consumergroup_current_offset{%s,topic!=""}[1m])) by (consumergroup, topic)',
    'sum(kafka_consumergroup_lag{%s,topic!=""}) by (consumergroup, topic)',
    "sum(kafka_topic_partition_oldest_offset{%s}) by (topic, partition)",
    "max(kafka_brokers{%s}) by (strimzi_io_cluster)",
)


def snake(relabeling: dict[str, Any]) -> dict[str, Any]:
    """Give a PodMonitor's relabeling as Prometheus' own configuration has it."""
    return {re.sub("[A-Z]", lambda c: f"_{c[0].lower()}", key): v for key, v in relabeling.items()}


def scrape_configs(target: str) -> str:
    """Give what Prometheus' operator would make of the PodMonitor, for one pod."""
    objects = render(EXPORTER, [EXPORTER / "values-strimzi.yaml"], "my-cluster-lag", "kafka")
    (endpoint,) = the(objects, "PodMonitor")["spec"]["podMetricsEndpoints"]
    pod = the(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    labels = {
        f"__meta_kubernetes_pod_label_{re.sub('[^a-zA-Z0-9_]', '_', name)}": value
        for name, value in pod.items()
    }
    job = {
        "job_name": "podMonitor/kafka/my-cluster-lag",
        "metrics_path": endpoint["path"],
        "relabel_configs": [snake(one) for one in endpoint["relabelings"]],
        "static_configs": [{"targets": [target], "labels": DISCOVERED | labels}],
    }
    return yaml.safe_dump({"scrape_configs": [job]})


def test_strimzis_panels_find_our_series_by_strimzis_labels(
    kafka: LocalKafka,
    make_topic: MakeTopic,
    group: str,
    producer: Producer,
    admin: AdminClient,
    tmp_path: Path,
) -> None:
    """Through the value file's relabelings, from a real exporter by a real Prometheus."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not on PATH")
    topic = make_topic(partitions=1)
    for _ in range(3):
        producer.produce(topic, b"x", partition=0)
    producer.flush(30)
    commit(admin, group, topic, {0: 1})
    with running_exporter(kafka.bootstrap_servers, tmp_path) as exporter:
        prometheus = Prometheus(tmp_path, scrape_configs(exporter.url.removeprefix("http://")))
        try:
            lag = f'sum(kafka_consumergroup_lag{{{SELECTOR},consumergroup="{group}"}})'
            wait_until(lambda: _value(prometheus.query(lag)) == "2", 30, "the group's lag is 2")
            silent = [
                panel
                for panel in (panel % SELECTOR for panel in PANELS)
                if not wait_until(lambda: prometheus.query(panel), 30, panel)  # noqa: B023 - at once
            ]
            assert silent == []
            (brokers,) = prometheus.query(f"kafka_brokers{{{SELECTOR}}}")
        finally:
            prometheus.stop()
    labels = {"strimzi_io_cluster", "namespace", "kubernetes_pod_name", "node_name", "node_ip"}
    assert {name: brokers["metric"].get(name) for name in labels} == {
        "strimzi_io_cluster": CLUSTER,
        "namespace": "kafka",
        "kubernetes_pod_name": "my-cluster-lag-1",
        "node_name": "node-1",
        "node_ip": "10.0.0.1",
    }
    asked = {name for panel in PANELS for name in re.findall(r"kafka_\w+", panel)}
    assert asked == STRIMZI.keys()


def _value(found: list[dict[str, Any]]) -> str:
    return found[0]["value"][1] if found else ""
