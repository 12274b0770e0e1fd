"""The configuration that the exporter's chart writes, read by the exporter itself."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from kafkascope_demo.localkafka.certificates import Authority
from kafkascope_exporter.cli import parse
from tests.assets.repository import ROOT, code_blocks
from tests.charts.rendering import DEMO, EXPORTER, RELEASE, render, the
from tests.exporter.commands import ended

VALUES: Final = [
    *sorted((EXPORTER / "ci").glob("*-values.yaml")),
    *sorted(EXPORTER.glob("values-*.yaml")),
]
MOUNTS: Final = "/etc/kafkascope"
WEB_FILES: Final = ("tls.crt", "tls.key")

Object = dict[str, Any]


def mounted(objects: Sequence[Object], root: Path) -> list[str]:
    """Put what the pod has mounted under a root, and give the container's arguments for there.

    Only what the volumes and their items say is there; certificates and keys are real.
    """
    pod = the(objects, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    key, chain = (authority := Authority()).issue("exporter", server=False)
    for mount in container["volumeMounts"]:
        folder = root / mount["mountPath"].lstrip("/")
        folder.mkdir(parents=True)
        volume = volumes[mount["name"]]
        if "configMap" in volume:
            config = the(objects, "ConfigMap", volume["configMap"]["name"])
            for name, text in config["data"].items():
                (folder / name).write_text(text.replace(MOUNTS, f"{root}{MOUNTS}"))
        for name in _files(volume):
            content = {"ca.crt": authority.pem(), "password": b"hunter2\n"}.get(name)
            (folder / name).write_bytes(content or (key if name.endswith("key") else chain))
    arguments: list[str] = container["args"]
    return [argument.replace(MOUNTS, f"{root}{MOUNTS}") for argument in arguments]


def _files(volume: Object) -> list[str]:
    if "secret" not in volume:
        return []
    items = volume["secret"].get("items")
    return [item["path"] for item in items] if items else list(WEB_FILES)


@pytest.mark.parametrize("values", VALUES, ids=lambda path: path.stem)
def test_the_exporter_takes_its_configuration(values: Path, tmp_path: Path) -> None:
    """With the files that the pod mounts and its arguments; it warns of two rare settings only."""
    checked = ended("--check-config", *mounted(render(EXPORTER, [values]), tmp_path))

    assert checked.returncode == 0, checked.stderr
    warned = {"client.rack", "--tls.server-name"} if values.stem == "everything-values" else set()
    assert {name for name in warned if name in checked.stderr} == warned
    assert checked.stderr.count("warning:") == len(warned)
    assert "configuration is valid" in checked.stdout + checked.stderr


def test_every_setting_can_be_given_by_config(tmp_path: Path) -> None:
    """The example of docs/configuration.md, word for word, is read as it is without the chart."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    (example,) = code_blocks(page, "yaml")
    config = yaml.safe_load(example)
    del config["web"]["listen_address"]
    arguments = mounted(render(EXPORTER, [{"config": config}]), tmp_path)
    key, chain = (authority := Authority()).issue("exporter", server=True)
    for name, content in {
        "server.key": key,
        "server.crt": chain,
        "ca.crt": authority.pem(),
        "password": b"hunter2",
    }.items():
        (tmp_path / MOUNTS.lstrip("/") / name).write_bytes(content)
    file = tmp_path / "example.yaml"
    file.write_text(re.sub(MOUNTS, f"{tmp_path}{MOUNTS}", example))

    assert parse(arguments, {}).settings == parse([f"--config.file={file}"], {}).settings


def test_values_and_config_are_put_together() -> None:
    """What `config` says counts more; what it does not name stays."""
    values = {
        "kafka": {"servers": ["{{ .Release.Name }}:9092"], "labels": {"cluster": "main"}},
        "config": {"clusters": [{"sasl": {"keytab_path": "/k"}, "labels": {"env": "prod"}}]},
    }
    text = the(render(EXPORTER, [values]), "ConfigMap")["data"]["kafkascope.yaml"]

    assert yaml.safe_load(text)["clusters"] == [
        {
            "servers": ["kafkascope:9092"],
            "labels": {"cluster": "main", "env": "prod"},
            "sasl": {"keytab_path": "/k"},
            "show_all_offsets": True,
        }
    ]


def test_danielqsjs_arguments_are_passed_on(tmp_path: Path) -> None:
    """As the prometheus-kafka-exporter chart gives them; they win over the file."""
    values = {
        "extraArgs": [
            "--kafka.server=a:1",
            "--kafka.server=b:2",
            "--topic.filter=^x",
            "--verbosity=1",
        ]
    }
    arguments = mounted(render(EXPORTER, [values]), tmp_path)

    (cluster,) = parse(arguments, {}).settings.clusters

    assert cluster.servers == ("a:1", "b:2")
    assert cluster.topics.passes("x1")
    assert not cluster.topics.passes("ax")


@pytest.mark.parametrize(
    "values",
    [path for folder in ("profiles", "ci") for path in sorted((DEMO / folder).glob("*.yaml"))],
    ids=lambda path: path.stem,
)
def test_the_exporter_takes_what_the_demo_gives_it(values: Path, tmp_path: Path) -> None:
    """In every profile, with the same Kafka as the services."""
    objects = render(DEMO, [values])
    exporter = [
        one
        for one in objects
        if one["metadata"]["name"] == f"{RELEASE}-exporter"
        and one["kind"] in {"Deployment", "ConfigMap"}
    ]
    checked = ended("--check-config", *mounted(exporter, tmp_path))
    assert checked.returncode == 0, checked.stderr
