"""kafka-python's connections, as the exporter needs them.

kafka-python forgets why connections failed, tries refused credentials again at each call, and
holds all brokers to the API versions of the first one. It also asks for tokens on the thread that
serves all connections. This file and `wire.py` are the only ones that touch its internals.
"""

from typing import Any

from kafka.errors import IncompatibleBrokerVersion
from kafka.net.connection import KafkaConnection
from kafka.net.manager import KafkaConnectionManager
from kafka.protocol.broker_version_data import BrokerVersionData
from kafka.protocol.sasl import SaslHandshakeRequest

from kafkascope_exporter.kafka.offthread import settled
from kafkascope_exporter.kafka.reasons import FailedConnection
from kafkascope_exporter.kafka.tokens import LoginTokens
from kafkascope_exporter.model import BrokerId

Node = BrokerId | str
"""A broker's id, or kafka-python's name of a bootstrap server."""


class Connections(KafkaConnectionManager):  # type: ignore[misc] # kafka-python is untyped
    """One connection per broker, and what became of those that failed.

    Attributes:
        failure: the failed connection that says most since `forget_failure`, and of several
            such the one with the first address, so that it is the same in every cycle.
    """

    def __init__(self, net: Any, **configs: Any) -> None:  # noqa: ANN401 - kafka-python is untyped
        super().__init__(net, **configs)
        self.failure: FailedConnection | None = None
        self._refusals: dict[Node, Exception] = {}
        self._versions: dict[Node, BrokerVersionData] = {}

    def get_connection(self, node_id: Node, **options: Any) -> Any:  # noqa: ANN401 - kafka-python is untyped
        """Give the connection to a broker, a new one unless it refused one in this cycle."""
        if node_id in self._refusals:
            refusal = self._refusals[node_id]
            raise type(refusal)(*refusal.args)
        # Otherwise a rolling upgrade would never be noticed: kafka-python holds new connections
        # to the versions of the broker that it has bootstrapped from.
        self.broker_version_data = None
        known = self._conns.get(node_id)
        # Collection asks for metadata itself; kafka-python's own loop would log in at its pace.
        options["refresh_metadata_on_err"] = False
        connection = super().get_connection(node_id, **options)
        if connection is not known:
            self._adopt(node_id, connection)
        return connection

    def allow_attempts(self) -> None:
        """Let brokers be tried again that have refused us: credentials may have been granted."""
        self._refusals.clear()

    def forget_failure(self) -> None:
        """Forget it, so that what is remembered next is of the next attempt."""
        self.failure = None

    def forget_versions(self) -> None:
        """Forget what brokers can do, until they are connected to again."""
        self._versions.clear()

    def supports(self, request: Any, version: int, node_id: Node) -> bool:  # noqa: ANN401 - kafka-python is untyped
        """Tell whether a broker that has been connected to knows an API's version, or a later."""
        versions = self._versions.get(node_id)
        try:
            return versions is not None and versions.api_version(request) >= version
        except IncompatibleBrokerVersion:
            return False

    def newest_release(self) -> tuple[int, ...]:
        """Give the newest Kafka release among the brokers connected to; empty for none."""
        releases = (tuple(v.broker_version) for v in list(self._versions.values()))
        return max(releases, default=())

    def _adopt(self, node_id: Node, connection: KafkaConnection) -> None:
        connection.__class__ = _Connection  # the manager names the class that it makes
        node = self.cluster.broker_metadata(node_id)

        def made(_: object) -> None:
            self._versions[node_id] = connection.broker_version_data

        def failed(error: Exception) -> None:
            failure = FailedConnection(
                address=address_of(node),
                error=error,
                answered=connection.broker_version_data is not None,
                offered=connection.offered,
                tls=self.ssl_enabled,
                mechanism=self.config["sasl_mechanism"] or "",
            )
            if failure.refused:
                self._refusals[node_id] = error
            self.failure = min(self.failure or failure, failure, key=_precedence)

        connection.init_future.add_callback(made)
        connection.close_future.add_errback(failed)


class _Connection(KafkaConnection):  # type: ignore[misc] # kafka-python is untyped
    """Remembers the mechanisms that a broker offers, and waits for tokens beside the others."""

    offered: tuple[str, ...] = ()

    def _send_request(self, request: Any, **options: Any) -> Any:  # noqa: ANN401 - kafka-python is untyped
        sent = super()._send_request(request, **options)
        if isinstance(request, SaslHandshakeRequest):
            sent.add_callback(self._told_mechanisms)
        return sent

    def _told_mechanisms(self, response: Any) -> None:  # noqa: ANN401 - kafka-python is untyped
        self.offered = tuple(response.mechanisms)

    async def _sasl_authenticate(self, timeout_at: float | None = None) -> None:
        until = self._timeout_at() if timeout_at is None else timeout_at
        tokens = self.config["sasl_oauth_token_provider"]
        if isinstance(tokens, LoginTokens) and (request := tokens.request()):
            await settled(self.net, request, until)
            tokens.token()  # raises the reason if there is none now
        await super()._sasl_authenticate(until)


def _precedence(failure: FailedConnection) -> tuple[int, str]:
    return -failure.weight, failure.address


def address_of(node: Any) -> str:  # noqa: ANN401 - kafka-python is untyped
    """Write a broker's address as ``--kafka.server`` takes it."""
    return f"[{node.host}]:{node.port}" if ":" in node.host else f"{node.host}:{node.port}"
