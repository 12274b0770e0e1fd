"""Making a new cluster: its ports, keys, configuration files, and formatted storage."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kafkascope_demo.localkafka import configuration, node
from kafkascope_demo.localkafka.certificates import write_certificates
from kafkascope_demo.localkafka.distribution import Progress, load
from kafkascope_demo.localkafka.java import find_java, options_file
from kafkascope_demo.localkafka.ports import require_free
from kafkascope_demo.localkafka.quickstart import quick_start_options
from kafkascope_demo.localkafka.security import USERS, Security, password
from kafkascope_demo.localkafka.spec import ClusterSpec
from kafkascope_demo.localkafka.state import HOST, ClusterDirectory, ClusterState, random_id


def provision(at: ClusterDirectory, spec: ClusterSpec, tell: Progress) -> ClusterState:
    """Make a new cluster, ready to be started.

    Args:
        at: Its directory.
        spec: What it is to be.
        tell: Told what is being done.

    Raises:
        LocalKafkaError: Something is missing or cannot be written.
    """
    at.claim()
    state = ClusterState.of(spec)
    require_free([ports.client for ports in state.ports.values()])
    security = security_of(at, state)
    if spec.tls:
        write_certificates(at.certificates, USERS)
    if security.oauth:
        at.issuer.mkdir(parents=True, exist_ok=True)
        clients = {user: password(user) for user in USERS}
        (at.issuer / "clients.json").write_text(json.dumps(clients), encoding="utf-8")
    _write_configuration(at, state, security)
    runtime = prepare_runtime(at, state, tell)
    if spec.mode == "kraft":
        tell("formatting", 0, 0)
        first, *others = state.ports
        arguments = security.format_arguments()
        node.format_storage(runtime, at.properties(first), state.cluster_id, arguments)
        for number in others:
            node.copy_storage(at.data(first), at.data(number), number, random_id())
    at.write_state(state)
    return state


def download(version: str, tell: Progress) -> None:
    """Fetch and prepare all that a version needs, so that its next start needs no network.

    Raises:
        LocalKafkaError: Something cannot be found or downloaded.
    """
    java = find_java(version, tell)
    quick_start_options(java, load(version, tell), tell)


def prepare_runtime(at: ClusterDirectory, state: ClusterState, tell: Progress) -> node.Runtime:
    """Find Java and Kafka's jars, and write the files of Java options that name them.

    Raises:
        LocalKafkaError: They cannot be found or downloaded.
    """
    java = find_java(state.spec.version, tell)
    jars = load(state.spec.version, tell)
    options = [
        *quick_start_options(java, jars, tell),
        *security_of(at, state).java_options(),
    ]
    broker = options_file(jars.broker, at.logging, options)
    at.options.write_text(broker, encoding="utf-8")
    tools = options_file(jars.tools, at.tool_logging, ["-Xmx256m", *options])
    at.tool_options.write_text(tools, encoding="utf-8")
    return node.Runtime(java, at.options)


def security_of(at: ClusterDirectory, state: ClusterState) -> Security:
    """The security of a cluster."""
    url = f"http://{HOST}:{state.issuer_port}"
    return Security(state.spec, at.certificates, url)


def _write_configuration(at: ClusterDirectory, state: ClusterState, security: Security) -> None:
    brokers, tools = configuration.logging_files(state.spec)
    at.logging.write_text(brokers, encoding="utf-8")
    at.tool_logging.write_text(tools, encoding="utf-8")
    if state.spec.listener != "PLAINTEXT":
        for user in USERS:
            path = at.client_configuration(user)
            path.write_text(_properties(security.java_properties(user)), encoding="utf-8")
    for number in state.ports:
        data = at.data(number)
        data.mkdir(parents=True, exist_ok=True)
        text = configuration.server_properties(state, number, data, security.server_properties())
        at.properties(number).write_text(text, encoding="utf-8")


def _properties(properties: Mapping[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in properties.items())
